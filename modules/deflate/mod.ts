// How are answers compressed for clients that take gzip? mod_deflate: the filters DEFLATE and INFLATE for answers, and DEFLATE for the bodies of
// requests.

import type { Exchange } from "../../server/request/exchange.ts";
import { loadZlib, type Zlib } from "../compression/zlib.ts";
import { filterBody, FilterType, type OutputFilter } from "../../server/request/filters/mod.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { coded, type Coder, type ZlibStream } from "../compression/coder.ts";
import { alteredETag, compressFilter } from "../compression/compress_filter.ts";
import { fieldOf, withField, without } from "../../server/http/content/mod.ts";
import { note } from "../compression/settings.ts";
import { INFLATE_SLICE, inflateRequestFilter } from "./request_body.ts";
import { DEFLATE_DEFAULTS, deflateRows, deflateServer } from "./settings.ts";

function coderOf({ vhost }: Exchange, zlib: Zlib): Coder {
  const { level, windowSize, memLevel, bufferSize } = {
    ...DEFLATE_DEFAULTS,
    ...vhost.store.get(deflateServer),
  };
  const options = {
    level: level ?? zlib.constants.Z_DEFAULT_COMPRESSION,
    windowBits: Math.max(9, windowSize),
    memLevel,
    chunkSize: Math.max(bufferSize, 1024),
  };
  return {
    whole: (bytes) => zlib.gzipSync(bytes, options),
    stream: () => zlib.createGzip(options) as ZlibStream,
  };
}

const deflateFilter = compressFilter({
  filter: "DEFLATE",
  name: "gzip",
  refusedBy: "no-gzip",
  forcedBy: "force-gzip",
  htmlOnlyBy: "gzip-only-text/html",
  settingsOf: ({ vhost }) => vhost.store.get(deflateServer),
  coderOf,
});

/** Takes gzip off again: what a backend has compressed can be changed then by other filters. */
const inflateFilter: OutputFilter = {
  name: "INFLATE",
  type: FilterType.Resource - 1,
  keepable: true,
  needsWhole: ({ contentEncoding }) => /\b(?:x-)?gzip\s*$/i.test(contentEncoding ?? ""),
  filter(exchange, reply) {
    const codings = fieldOf(reply.fields, "content-encoding")?.split(",").map((each) => each.trim()) ?? [];
    const last = codings.pop()?.toLowerCase();
    if (last !== "gzip" && last !== "x-gzip") return reply;
    if (fieldOf(reply.fields, "content-range") !== undefined) return reply;
    const { alterETag, notes } = exchange.vhost.store.get(deflateServer);
    const plain = without(reply.fields, "content-md5");
    const left = codings.length === 0
      ? without(plain, "content-encoding")
      : withField(plain, "Content-Encoding", codings.join(", "));
    const counts = { input: 0, output: 0 };
    return filterBody({ ...reply, fields: alteredETag(left, alterETag, "gunzip") }, async function* (pieces) {
      const { createGunzip } = await loadZlib();
      yield* coded(pieces, createGunzip() as ZlibStream, counts, INFLATE_SLICE);
      if (notes !== undefined) note(exchange, notes, counts);
    });
  },
};

function hooks(): ModuleHooks {
  let log: ThreadContext["log"];
  return {
    threadInit(context) {
      log = context.log;
    },
    outputFilters: [deflateFilter, inflateFilter],
    inputFilters: [inflateRequestFilter(() => log)],
  };
}

export const deflate: ServerModule = {
  name: "deflate_module",
  source: "mod_deflate.c",
  directives: deflateRows,
  hooks,
};
