// What does a line of the access log cost? One thread formats and writes them, without a server around it:
// `deno run -A bench/access_log.ts [lines of one write]`. What parsing and making the request costs is measured too, and taken off.

import { DEFAULT_PARSER_OPTIONS, RequestParser } from "../server/http/parser/mod.ts";
import { Exchange } from "../server/request/exchange.ts";
import type { Transport } from "../mpm/mod.ts";
import { openForAppend, openLibc } from "../platform/posix.ts";
import { resolveFormat } from "../modules/log_config/custom_log.ts";
import { ExchangeRecord } from "../modules/log_config/exchange_record.ts";
import { compileFormat } from "../modules/log_config/format.ts";
import { descriptorWriter } from "../server/log/descriptor_writer.ts";
import { LineQueue } from "../server/log/line_queue.ts";

const COMMON = '%h %l %u %t "%r" %>s %b';
const FORMATS: Readonly<Record<string, string>> = {
  common: COMMON,
  combined: COMMON + ' "%{Referer}i" "%{User-Agent}i"',
  json: resolveFormat("json", new Map()),
};
const REQUEST = [
  "GET /images/products/index.html?id=42 HTTP/1.1",
  "Host: www.example.org",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  "Referer: https://www.example.org/shop/start",
  "Accept: */*",
  "\r\n",
].join("\r\n");
/** The best of so many rounds counts: others use the machine too. */
const ROUNDS = 25;
const LINES = 100_000;

const batch = Number(Deno.args[0] ?? 1);
openLibc();
const path = await Deno.makeTempFile({ prefix: "mpmd-bench-" });
const write = descriptorWriter(openForAppend(path));
const bytes = new TextEncoder().encode(REQUEST);
const transport = {
  peer: { address: "192.0.2.17", port: 50_123 },
  local: { address: "198.51.100.2", port: 80 },
} as Transport;
const HOST = { names: {} } as Exchange["vhost"];

/** Microseconds a request; without a format nothing is logged. */
function run(format: string | undefined): number {
  const queue = new LineQueue({
    output: { write, together: Infinity },
    onError: ({ error }) => {
      throw error;
    },
  });
  const line = format === undefined ? undefined : compileFormat(format);
  const record = new ExchangeRecord(0);
  const parser = new RequestParser(DEFAULT_PARSER_OPTIONS);
  const start = performance.now();
  for (let i = 0; i < LINES; i++) {
    parser.reset();
    parser.next(bytes, 0, bytes.length);
    const exchange = new Exchange(parser.head, transport, 1_790_000_000_000 + i / 10, start, 3);
    exchange.vhost = HOST;
    exchange.status = 200;
    exchange.bytesSent = 5120;
    record.exchange = exchange;
    if (line !== undefined) queue.line(line(record));
    if ((i + 1) % batch === 0) queue.endOfBatch();
  }
  queue.flush();
  return (performance.now() - start) / LINES * 1000;
}

async function best(format: string | undefined): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    least = Math.min(least, run(format));
    await Deno.truncate(path);
  }
  return least;
}

const none = await best(undefined);
for (const [name, format] of Object.entries(FORMATS)) {
  const cost = await best(format) - none;
  const rate = Math.round(1e6 / cost).toLocaleString("en");
  console.log(`${name}: ${cost.toFixed(2)} us a line (${rate} lines/s), ${batch} a write`);
}
await Deno.remove(path);
