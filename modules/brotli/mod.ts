// How are answers compressed for clients that take br? mod_brotli: the filter BROTLI_COMPRESS.

import type { Zlib } from "../compression/zlib.ts";
import { type Directive, serverKey } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule } from "../../server/request/module.ts";
import type { Coder, ZlibStream } from "../compression/coder.ts";
import { compressFilter } from "../compression/compress_filter.ts";
import { alterETagRow, type CodingServer, noteRow, numberRow } from "../compression/settings.ts";

interface BrotliServer extends CodingServer {
  quality?: number;
  window?: number;
  inputBlock?: number;
}

const brotliServer = serverKey<BrotliServer>("brotli", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

const directives: readonly Directive[] = [
  numberRow(
    "BrotliCompressionQuality",
    brotliServer,
    "quality",
    [0, 11],
    "How hard BROTLI_COMPRESS tries: 0 is fast, 11 small",
    "5",
  ),
  numberRow(
    "BrotliCompressionWindow",
    brotliServer,
    "window",
    [10, 24],
    "The window of brotli, as a power of 2",
    "18",
  ),
  numberRow(
    "BrotliCompressionMaxInputBlock",
    brotliServer,
    "inputBlock",
    [16, 24],
    "The block of input that brotli looks at as a whole, as a power of 2",
    "automatic",
  ),
  alterETagRow("BrotliAlterETag", brotliServer, "BROTLI_COMPRESS"),
  noteRow("BrotliFilterNote", brotliServer, "BROTLI_COMPRESS"),
];

function coderOf({ vhost }: Exchange, zlib: Zlib): Coder {
  const { quality = 5, window = 18, inputBlock = 0 } = vhost.store.get(brotliServer);
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_LGBLOCK } = zlib.constants;
  const params = {
    [BROTLI_PARAM_QUALITY]: quality,
    [BROTLI_PARAM_LGWIN]: window,
    [BROTLI_PARAM_LGBLOCK]: inputBlock,
  };
  return {
    whole: (bytes) => zlib.brotliCompressSync(bytes, { params }),
    stream: () => zlib.createBrotliCompress({ params }) as ZlibStream,
  };
}

const brotliFilter = compressFilter({
  filter: "BROTLI_COMPRESS",
  name: "br",
  refusedBy: "no-brotli",
  settingsOf: ({ vhost }) => vhost.store.get(brotliServer),
  coderOf,
});

export const brotli: ServerModule = {
  name: "brotli_module",
  source: "mod_brotli.c",
  directives,
  hooks: () => ({ outputFilters: [brotliFilter] }),
};
