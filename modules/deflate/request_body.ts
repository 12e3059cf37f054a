// What does a handler read of a request whose body came compressed? The content, as long as it is not larger than what the place allows: few
// bytes may stand for very many.

import type { Fields } from "../../server/http/engine/reply.ts";
import { coreDir } from "../../server/core/config.ts";
import { Field } from "../../server/http/parser/mod.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import {
  filterRequestBody,
  FilterType,
  type InputFilter,
  type Pieces,
} from "../../server/request/filters/mod.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { coded, type ZlibStream } from "../compression/coder.ts";
import { loadZlib } from "../compression/zlib.ts";
import { DEFLATE_DEFAULTS, deflateDir } from "./settings.ts";

/** So many bytes are inflated at a time: what comes out of them is at most a thousand times that. */
export const INFLATE_SLICE = 4096;

/** A body that is no gzip, or too much of it. */
export class InflateError extends Error {
  override readonly name = "InflateError";
}

/** The filter DEFLATE for requests. `log`: of the module. */
export function inflateRequestFilter(log: () => ThreadContext["log"]): InputFilter {
  return {
    name: "DEFLATE",
    type: FilterType.ContentSet,
    filter(exchange, body) {
      const codings = exchange.head.field(Field.ContentEncoding)?.split(",").map((each) => each.trim()) ?? [];
      const last = codings.pop()?.toLowerCase();
      if (last !== "gzip" && last !== "x-gzip") return body;
      withoutCoding(exchange, codings);
      return filterRequestBody(body, (pieces) => inflated(exchange, pieces, log()));
    },
  };
}

/** The fields are about what the handler reads. */
function withoutCoding(exchange: Exchange, codings: readonly string[]): void {
  const gone = new Set(["content-encoding", "content-length", "content-md5"]);
  const fields: Fields = [...exchange.head.entries()].filter(([name]) => !gone.has(name.toLowerCase()));
  if (codings.length > 0) fields.push(["Content-Encoding", codings.join(", ")]);
  exchange.dependsOn = "request";
  exchange.head = exchange.head.withFields(fields);
}

async function* inflated(
  exchange: Exchange,
  pieces: Pieces,
  log: ThreadContext["log"],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { dir } = exchange;
  const { limit, ratioLimit, ratioBurst } = { ...DEFLATE_DEFAULTS, ...dir.get(deflateDir) };
  const most = limit ?? dir.get(coreDir).limitRequestBody;
  const counts = { input: 0, output: 0 };
  let hits = 0;
  const refuse = (status: number, ah: string, message: string): InflateError => {
    log("warn", ah, message, exchange);
    exchange.badBody = errorReply(status);
    return new InflateError(message);
  };
  const { createGunzip } = await loadZlib();
  try {
    for await (const piece of coded(pieces, createGunzip() as ZlibStream, counts, INFLATE_SLICE)) {
      if (most > 0 && counts.output > most) {
        throw refuse(
          413,
          "AH02648",
          `Inflated content length of ${counts.output} is larger than the configured limit of ${most}`,
        );
      }
      hits = counts.output > counts.input * ratioLimit ? hits + 1 : 0;
      if (hits > ratioBurst) {
        throw refuse(
          400,
          "AH02649",
          `Inflated content ratio is larger than the configured limit ${ratioLimit} by ${ratioBurst} time(s)`,
        );
      }
      yield piece;
    }
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (code === "Z_BUF_ERROR") {
      throw refuse(400, "AH02481", "Encountered premature end-of-stream while inflating");
    }
    if (typeof code === "string" && code.startsWith("Z_")) throw refuse(400, "AH01387", `Zlib: ${message}`);
    throw error;
  }
}
