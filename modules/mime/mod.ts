// Which media type does a file have? mod_mime: by its extension, from the table of media types and from AddType.

import { typeByExtension } from "@std/media-types";
import { type Directive, dirKey } from "../../server/config/mod.ts";
import type { ServerModule } from "../../server/request/module.ts";

const mimeDir = dirKey<{ types: ReadonlyMap<string, string> }>("mime", {
  create: () => ({ types: new Map() }),
  merge: (base, over) => ({ types: new Map([...base.types, ...over.types]) }),
});

const directives: readonly Directive[] = [{
  name: "AddType",
  contexts: ["server config", "virtual host", "directory", ".htaccess"],
  args: [2, 64],
  syntax: "AddType media-type extension [extension] ...",
  help: "Maps file name extensions onto a media type",
  override: "FileInfo",
  apply([type, ...extensions], to) {
    const mime = to.dir.get(mimeDir);
    const added = extensions.map((extension) => [extension.replace(/^\./, "").toLowerCase(), type] as const);
    mime.types = new Map([...mime.types, ...added]);
  },
}];

const known = new Map<string, string | undefined>();

function typeOf(extension: string): string | undefined {
  if (!known.has(extension)) known.set(extension, typeByExtension(extension));
  return known.get(extension);
}

export const mime: ServerModule = {
  name: "mime_module",
  source: "mod_mime.c",
  directives,
  hooks: () => ({
    fixups(exchange) {
      const { filename } = exchange;
      const name = filename.slice(filename.lastIndexOf("/") + 1);
      const { types } = exchange.dir.get(mimeDir);
      // The last extension that means a type wins; the first part of a name is never an extension.
      for (const extension of name.split(".").slice(1).reverse()) {
        const type = types.get(extension.toLowerCase()) ?? typeOf(extension.toLowerCase());
        if (type === undefined) continue;
        exchange.contentType = type;
        break;
      }
      return undefined;
    },
  }),
};
