// What do the directives of mod_deflate say? Rows, and the values they set.

import { bytes, type Context, type Directive, dirKey, integer, serverKey } from "../../server/config/mod.ts";
import { alterETagRow, type CodingServer, minSizeRow, noteRow, numberRow } from "../compression/settings.ts";

/** The values of a virtual host; undefined: as in the main server, then the default. */
export interface DeflateServer extends CodingServer {
  level?: number;
  windowSize?: number;
  memLevel?: number;
  bufferSize?: number;
}

/** The key of the values of a virtual host. */
export const deflateServer = serverKey<DeflateServer>("deflate", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

/** The values of a place, about request bodies. */
export interface DeflateDir {
  /** The most bytes that a body may have once it is inflated. */
  limit?: number;
  /** How many times longer than what was received it may be, and how often in a row it may be longer for a while. */
  ratioLimit?: number;
  ratioBurst?: number;
}

/** The key of the values of a place. */
export const deflateDir = dirKey<DeflateDir>("deflate", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

/** Defaults (httpd's). */
export const DEFLATE_DEFAULTS = {
  windowSize: 15,
  memLevel: 9,
  bufferSize: 8096,
  ratioLimit: 200,
  ratioBurst: 3,
} as const;

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

/** The rows. */
export const deflateRows: readonly Directive[] = [
  numberRow(
    "DeflateCompressionLevel",
    deflateServer,
    "level",
    [1, 9],
    "How hard DEFLATE tries: 1 is fast, 9 small",
    "6",
  ),
  numberRow(
    "DeflateWindowSize",
    deflateServer,
    "windowSize",
    [1, 15],
    "The window of zlib, as a power of 2",
    "15",
    "Less than 9 is 9.",
  ),
  numberRow("DeflateMemLevel", deflateServer, "memLevel", [1, 9], "How much memory zlib may use", "9"),
  numberRow(
    "DeflateBufferSize",
    deflateServer,
    "bufferSize",
    [64, 1024 * 1024],
    "Bytes in which zlib gives its results",
    "8096",
  ),
  alterETagRow("DeflateAlterETag", deflateServer, "DEFLATE"),
  noteRow("DeflateFilterNote", deflateServer, "DEFLATE"),
  minSizeRow,
  {
    name: "DeflateInflateLimitRequestBody",
    contexts: EVERYWHERE,
    args: 1,
    syntax: "DeflateInflateLimitRequestBody bytes",
    help: "The most bytes that a request body may have once it is inflated; more is answered with 413",
    default: "LimitRequestBody",
    override: "All",
    apply([word], to) {
      to.dir.get(deflateDir).limit = bytes(word);
    },
  },
  {
    name: "DeflateInflateRatioLimit",
    contexts: EVERYWHERE,
    args: 1,
    syntax: "DeflateInflateRatioLimit number",
    help: "How many times longer than what was received a request body may be once it is inflated",
    default: "200",
    override: "All",
    apply([word], to) {
      to.dir.get(deflateDir).ratioLimit = integer(word, { name: "DeflateInflateRatioLimit", min: 1 });
    },
  },
  {
    name: "DeflateInflateRatioBurst",
    contexts: EVERYWHERE,
    args: 1,
    syntax: "DeflateInflateRatioBurst number",
    help: "How many times in a row that may be more",
    default: "3",
    override: "All",
    apply([word], to) {
      to.dir.get(deflateDir).ratioBurst = integer(word, { name: "DeflateInflateRatioBurst", min: 1 });
    },
  },
];
