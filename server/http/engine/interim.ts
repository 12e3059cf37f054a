// What does a client get to know before the response? Interim responses of handlers: 103 (Early Hints, RFC 8297), 102.

import type { Exchange } from "../../request/exchange.ts";
import { isFieldName, isFieldValue, reasonPhrase } from "../content/mod.ts";
import type { Fields } from "./reply.ts";
import { FieldError } from "./writer.ts";

/** The way of interim responses to the client. */
export interface InterimSink {
  /**
   * Sends an interim response to `exchange`. Nothing is sent once the response has begun, or to a client that does not know interim
   * responses (HTTP/1.0). @throws FieldError, RangeError for a status that is none: 100 and 101 are the engine's
   */
  sendInterim(exchange: Exchange, status: number, fields: Fields): void;
}

/** @throws FieldError, RangeError */
export function checkInterim(status: number, fields: Fields): void {
  if (!Number.isInteger(status) || status < 102 || status > 199) {
    throw new RangeError(`${status} is no status of an interim response`);
  }
  for (const [name, value] of fields) {
    if (!isFieldName(name) || !isFieldValue(value)) {
      throw new FieldError(`invalid field ${JSON.stringify(name)} of an interim response`);
    }
  }
}

/** An interim response of HTTP/1.1. @throws FieldError, RangeError */
export function interimText(status: number, fields: Fields): string {
  checkInterim(status, fields);
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `HTTP/1.1 ${status} ${reasonPhrase(status) ?? ""}\r\n${lines}\r\n`;
}
