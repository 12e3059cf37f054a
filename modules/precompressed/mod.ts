// Which files are there in a compressed form already? Beside a file may be others with .br, .zst or .gz behind its name, made when a site
// was built: clients that take the coding get those instead.

import { ArgumentError, type Context, type Directive, dirKey } from "../../server/config/mod.ts";
import { FileError, fileInfo } from "../../server/core/open_files.ts";
import { Field } from "../../server/http/parser/mod.ts";
import type { Exchange, FileInfo } from "../../server/request/exchange.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { acceptsCoding } from "../compression/accept_encoding.ts";

/** Endings of names by content coding. */
const ENDINGS: Readonly<Record<string, string>> = { br: ".br", zstd: ".zst", gzip: ".gz" };

const precompressedDir = dirKey<{ codings: readonly string[] | undefined }>("precompressed", {
  create: () => ({ codings: undefined }),
  merge: (base, over) => ({ codings: over.codings ?? base.codings }),
});

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

const directives: readonly Directive[] = [{
  name: "PrecompressedFiles",
  contexts: EVERYWHERE,
  args: [1, 3],
  syntax: "PrecompressedFiles Off|coding [coding] [coding]",
  help:
    "Whether a file with .br (coding br), .zst (zstd) or .gz (gzip) behind its name is sent instead of a file; the first coding that the client takes",
  default: "Off",
  override: "FileInfo",
  differs: "Not in httpd, where rewrite rules do it.",
  apply(words, to) {
    const codings = words.map((word) => word.toLowerCase());
    const wrong = codings.find((coding) => !Object.hasOwn(ENDINGS, coding));
    if (wrong !== undefined && (wrong !== "off" || codings.length > 1)) {
      throw new ArgumentError(
        `PrecompressedFiles takes Off, or br, zstd and gzip in the order of preference, not "${wrong}"`,
      );
    }
    to.dir.get(precompressedDir).codings = wrong === undefined ? codings : [];
  },
}];

/** What is known of a file that may be there. */
function look(path: string): FileInfo | undefined {
  try {
    const info = fileInfo(path);
    return info?.isFile === true ? info : undefined;
  } catch (error) {
    // What may not be looked at is not sent.
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

function isSame(one: FileInfo | undefined, other: FileInfo | undefined): boolean {
  return one?.inode === other?.inode && one?.mtime === other?.mtime && one?.size === other?.size;
}

function typeChecker(exchange: Exchange): undefined {
  const { file, filename, handler, contentEncoding, method, dir, head } = exchange;
  const { codings = [] } = dir.get(precompressedDir);
  if (
    codings.length === 0 || file?.isFile !== true || handler !== undefined || contentEncoding !== undefined
  ) return;
  if (method !== "GET" && method !== "HEAD") return;
  const found = codings.map((coding) => ({ coding, path: filename + ENDINGS[coding] }))
    .map((form) => ({ ...form, info: look(form.path) }));
  const looked = [{ path: filename, info: file }, ...found];
  exchange.holdsWhile(() => looked.every(({ path, info }) => isSame(look(path), info)));
  const forms = found.filter(({ path, info }) =>
    info !== undefined && exchange.subject.isReachable("file", path)
  );
  if (forms.length === 0) return;
  exchange.selectedBy = Field.AcceptEncoding;
  (exchange.varyOn ??= new Set()).add("Accept-Encoding");
  const accepted = head.field(Field.AcceptEncoding);
  const chosen = forms.find(({ coding }) => acceptsCoding(accepted, coding));
  if (chosen === undefined) return;
  exchange.filename = chosen.path;
  exchange.file = chosen.info;
  exchange.contentEncoding = chosen.coding;
  exchange.variant += chosen.coding;
}

export const precompressed: ServerModule = {
  name: "precompressed_module",
  source: "mod_precompressed.c",
  directives,
  hooks: () => ({ typeChecker }),
};
