// What becomes of the head of a program's answer? A status, fields, a type; or a place elsewhere that the client, or this server, is led to.

import { checkConditions, formatHttpDate, parseHttpDate } from "../../server/http/content/mod.ts";
import type { Fields, Reply } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { requestVariable } from "../../server/request/request_variables.ts";
import type { OutputHead } from "./output.ts";

/** A place that the answer leads to; a path: one of this server, which answers. */
export interface Elsewhere {
  readonly location: string;
  readonly fields: Fields;
  readonly contentType: string | undefined;
}

/** The head of a reply, with the length that is announced. */
export interface AnswerHead extends Reply {
  readonly length: number | undefined;
}

/** Of these fields the last counts; all others are put together. */
const SINGLE: ReadonlySet<string> = new Set(["location", "content-range", "etag", "last-modified"]);

function put(fields: Fields, name: string, value: string): void {
  const lower = name.toLowerCase();
  const at = lower === "set-cookie" ? -1 : fields.findIndex(([known]) => known.toLowerCase() === lower);
  if (at < 0) fields.push([name, value]);
  else fields[at] = [fields[at][0], SINGLE.has(lower) ? value : `${fields[at][1]}, ${value}`];
}

/** Type and subtype in lower case, parameters as they are. */
function mediaType(value: string): string {
  return value.replace(/^[^;]*/, (type) => type.toLowerCase());
}

/** What `head` says; `complain` is told what is wrong with it. */
export function readHead(
  head: OutputHead,
  exchange: Exchange,
  complain: (message: string) => void,
): AnswerHead | Elsewhere {
  const name = exchange.filename.slice(exchange.filename.lastIndexOf("/") + 1);
  const fields: Fields = [];
  // The name of the file says what it gives, if it does not; one that speaks HTTP says everything.
  let contentType = head.whole === undefined ? exchange.contentType : undefined;
  let modified: number | undefined;
  const now = Math.floor(exchange.startTime / 1000);
  for (const [field, value] of head.fields) {
    const lower = field.toLowerCase();
    if (lower === "content-type") contentType = mediaType(value);
    else if (lower === "last-modified") {
      const date = parseHttpDate(value, now);
      if (date === undefined) continue;
      // A date in the future says nothing.
      modified = Math.min(date, now);
      put(fields, field, formatHttpDate(modified));
    } else if (head.whole === undefined || (lower !== "date" && lower !== "server")) {
      put(fields, field, value);
    }
  }
  if (head.whole !== undefined) return ofWhole(head, head.whole, fields, contentType);
  const { status, reason } = statusOf(head.status, (line) => {
    complain(`Invalid status line from script '${name}': ${line.slice(0, 30)}`);
  });
  const at = fields.findIndex(([field]) => field.toLowerCase() === "location");
  if (at >= 0 && status === 200) {
    const [[, location]] = fields.splice(at, 1);
    return { location, fields, contentType };
  }
  const length = requestVariable(exchange, "ap_trust_cgilike_cl") === undefined ? undefined : head.length;
  const verdict = head.status === undefined ? conditionOf(exchange, fields, modified, now) : 0;
  if (verdict === 412) return { ...errorReply(412, { fields }), length: undefined };
  if (verdict === 304) return { status: 304, fields, body: { kind: "none" }, length: undefined };
  return { status, reason, fields, contentType, body: { kind: "none" }, length };
}

/** An answer of HTTP: the connection is not used again, as behind one that the server has not understood. */
function ofWhole(
  head: OutputHead,
  { status, reason }: { readonly status: number; readonly reason: string },
  fields: Fields,
  contentType: string | undefined,
): AnswerHead {
  const value = (name: string) => head.fields.find(([known]) => known.toLowerCase() === name)?.[1];
  const origin = { date: value("date"), server: value("server") };
  return {
    status,
    reason,
    fields,
    contentType,
    origin,
    body: { kind: "none" },
    close: true,
    length: head.length,
  };
}

function statusOf(
  line: string | undefined,
  invalid: (line: string) => void,
): { readonly status: number; readonly reason?: string } {
  if (line === undefined) return { status: 200 };
  const [, number = "", reason = ""] = /^(\d*)\s*(.*)$/.exec(line) ?? [];
  const status = Number(number);
  if (status >= 200 && status < 600) return { status, reason: reason === "" ? undefined : reason };
  invalid(line);
  return { status: 500 };
}

function conditionOf(
  { head, method }: Exchange,
  fields: Fields,
  modified: number | undefined,
  now: number,
): 0 | 304 | 412 {
  if (method !== "GET" && method !== "HEAD") return 0;
  return checkConditions({
    method,
    ifMatch: head.field(Field.IfMatch),
    ifNoneMatch: head.field(Field.IfNoneMatch),
    ifModifiedSince: head.field(Field.IfModifiedSince),
    ifUnmodifiedSince: head.field(Field.IfUnmodifiedSince),
    hasRange: false,
    etag: fields.find(([name]) => name.toLowerCase() === "etag")?.[1],
    lastModified: modified,
    now,
  });
}
