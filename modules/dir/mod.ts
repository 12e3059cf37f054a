// What answers a request for a directory? mod_dir: a redirect to the name with a slash, and the index file.

import { type Directive, dirKey, flag } from "../../server/config/mod.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { fileErrorReply } from "../core/default_handler.ts";
import { refusedLink } from "../core/links.ts";
import { FileError } from "../core/open_files.ts";
import { lookUp } from "../core/translate.ts";
import type { Reply } from "../../server/http/engine/reply.ts";

const dirDir = dirKey<{ index: readonly string[] | undefined; slash: boolean | undefined }>("dir", {
  create: () => ({ index: undefined, slash: undefined }),
  merge: (base, over) => ({ index: over.index ?? base.index, slash: over.slash ?? base.slash }),
});

const DEFAULT_INDEX = ["index.html"];

const directives: readonly Directive[] = [{
  name: "DirectoryIndex",
  contexts: ["server config", "virtual host", "directory", ".htaccess"],
  args: [1, 64],
  syntax: "DirectoryIndex disabled | local-url [local-url] ...",
  help: "The files to look for when a client asks for a directory",
  differs: "The names are those of files in the directory; other URLs are not looked up.",
  default: "index.html",
  override: "Indexes",
  apply(names, to) {
    to.dir.get(dirDir).index = names.length === 1 && names[0].toLowerCase() === "disabled" ? [] : names;
  },
}, {
  name: "DirectorySlash",
  contexts: ["server config", "virtual host", "directory", ".htaccess"],
  args: 1,
  syntax: "DirectorySlash On|Off",
  help: "Whether a directory asked for without its final slash is redirected to the name with it",
  default: "On",
  override: "Indexes",
  apply([on], to) {
    to.dir.get(dirDir).slash = flag(on);
  },
}];

function fixups(exchange: Exchange): Reply | undefined {
  const { file, method } = exchange;
  if (file === undefined || !file.isDirectory || exchange.pathInfo !== "") return undefined;
  if (method !== "GET" && method !== "HEAD" && method !== "POST") return undefined;
  const { index, slash } = exchange.dir.get(dirDir);
  if (!exchange.path.endsWith("/")) {
    if (slash === false) return undefined;
    const query = exchange.query === "" ? "" : `?${exchange.query}`;
    return errorReply(301, { location: `${encodeURI(exchange.path)}/${query}` });
  }
  for (const name of index ?? DEFAULT_INDEX) {
    const found = lookUp(`${exchange.filename.replace(/\/$/, "")}/${name}`, exchange.startClock);
    if (found instanceof FileError) return fileErrorReply(found);
    if (found === undefined || !found.isFile) continue;
    if (refusedLink(exchange, `${exchange.filename.replace(/\/$/, "")}/${name}`) !== undefined) {
      return errorReply(403);
    }
    exchange.filename = `${exchange.filename.replace(/\/$/, "")}/${name}`;
    exchange.file = found;
    // As if the client had asked for it: sections for its path hold, and logs name it.
    exchange.path += name;
    return undefined;
  }
  return undefined;
}

export const dir: ServerModule = {
  name: "dir_module",
  source: "mod_dir.c",
  directives,
  hooks: () => ({ fixups }),
};
