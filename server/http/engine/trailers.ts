// What follows a body? Trailer fields of a response whose length nobody knew (RFC 9110, 6.5).

import type { Exchange } from "../../request/exchange.ts";
import { isFieldName, isFieldValue } from "../content/mod.ts";
import type { Fields } from "./reply.ts";
import { FieldError } from "./writer.ts";

/** What only a head may say (RFC 9110, 6.5.1). */
const OF_HEADS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "host",
  "keep-alive",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The trailers of the reply to `exchange`, whose body is over; logs find them there. @throws FieldError */
export function takeTrailers(exchange: Exchange): Fields {
  const fields = (exchange.reply?.trailers?.() ?? []).filter(([name]) => !OF_HEADS.has(name.toLowerCase()));
  for (const [name, value] of fields) {
    if (!isFieldName(name) || !isFieldValue(value)) {
      throw new FieldError(`invalid response trailer ${JSON.stringify(name)}`);
    }
  }
  if (fields.length > 0) exchange.sentTrailers = fields;
  return fields;
}
