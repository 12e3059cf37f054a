// How are answers compressed for clients that take zstd (RFC 8878)? The filter ZSTD_COMPRESS, which httpd does not have, as DEFLATE and
// BROTLI_COMPRESS are.

import type { Zlib } from "../compression/zlib.ts";
import { type Directive, serverKey } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule } from "../../server/request/module.ts";
import type { Coder, ZlibStream } from "../compression/coder.ts";
import { compressFilter } from "../compression/compress_filter.ts";
import { alterETagRow, type CodingServer, noteRow, numberRow } from "../compression/settings.ts";

interface ZstdServer extends CodingServer {
  level?: number;
  window?: number;
}

const zstdServer = serverKey<ZstdServer>("zstd", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

const NOT_IN_HTTPD = "Not in httpd.";

const directives: readonly Directive[] = [
  numberRow(
    "ZstdCompressionLevel",
    zstdServer,
    "level",
    [1, 19],
    "How hard ZSTD_COMPRESS tries: 1 is fast, 19 small",
    "3",
    NOT_IN_HTTPD,
  ),
  // Browsers take no more than 8 MB (RFC 8878 §3.1.1.1.2).
  numberRow(
    "ZstdCompressionWindow",
    zstdServer,
    "window",
    [10, 23],
    "The window of zstd, as a power of 2",
    "by the level",
    NOT_IN_HTTPD,
  ),
  { ...alterETagRow("ZstdAlterETag", zstdServer, "ZSTD_COMPRESS"), differs: NOT_IN_HTTPD },
  { ...noteRow("ZstdFilterNote", zstdServer, "ZSTD_COMPRESS"), differs: NOT_IN_HTTPD },
];

function coderOf({ vhost }: Exchange, zlib: Zlib): Coder {
  const { level = 3, window } = vhost.store.get(zstdServer);
  const { ZSTD_c_compressionLevel, ZSTD_c_windowLog } = zlib.constants;
  const params = {
    [ZSTD_c_compressionLevel]: level,
    ...window === undefined ? {} : { [ZSTD_c_windowLog]: window },
  };
  return {
    whole: (bytes) => zlib.zstdCompressSync(bytes, { params }),
    stream: () => zlib.createZstdCompress({ params }) as ZlibStream,
  };
}

const zstdFilter = compressFilter({
  filter: "ZSTD_COMPRESS",
  name: "zstd",
  refusedBy: "no-zstd",
  settingsOf: ({ vhost }) => vhost.store.get(zstdServer),
  coderOf,
});

export const zstd: ServerModule = {
  name: "zstd_module",
  source: "mod_zstd.c",
  directives,
  hooks: () => ({ outputFilters: [zstdFilter] }),
};
