// How fast may one client take an answer? mod_ratelimit: the filter RATE_LIMIT, told by variables of the request.

import type { Exchange } from "../../server/request/exchange.ts";
import { filterBody, FilterType, type OutputFilter, type Pieces } from "../../server/request/filters/mod.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { requestVariable } from "../../server/request/request_variables.ts";

/** What may go out in this time (ms) goes out at once. */
const INTERVAL = 200;

/** A variable in KiB, as bytes; undefined: it is not there, or no number above 0. */
function kibibytes(exchange: Exchange, name: string): number | undefined {
  const value = parseInt(requestVariable(exchange, name) ?? "", 10);
  return value > 0 ? value * 1024 : undefined;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** `pieces`, at most `rate` bytes a second once `burst` bytes are out. */
async function* limited(
  pieces: Pieces,
  rate: number,
  burst: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const share = Math.max(1, Math.floor(rate * INTERVAL / 1000));
  let left = burst > 0 ? burst : share;
  let since = performance.now();
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      if (left === 0) {
        // What was taken slowly anyway has waited already.
        const wait = since + INTERVAL - performance.now();
        if (wait > 0) await pause(wait);
        since = performance.now();
        left = share;
      }
      const part = piece.subarray(at, at + left);
      at += part.length;
      left -= part.length;
      yield part;
    }
  }
}

const rateLimitFilter: OutputFilter = {
  name: "RATE_LIMIT",
  type: FilterType.Connection - 1,
  filter(exchange, reply) {
    const rate = kibibytes(exchange, "rate-limit");
    const { body } = reply;
    if (rate === undefined || body.kind === "none") return reply;
    const burst = kibibytes(exchange, "rate-initial-burst") ?? 0;
    const length = body.kind === "bytes"
      ? body.bytes.length
      : body.kind === "text"
      ? new TextEncoder().encode(body.text).length
      : body.length;
    return filterBody(reply, (pieces) => limited(pieces, rate, burst), { length, streamed: true });
  },
};

export const rateLimit: ServerModule = {
  name: "ratelimit_module",
  source: "mod_ratelimit.c",
  directives: [],
  hooks: () => ({ outputFilters: [rateLimitFilter] }),
};
