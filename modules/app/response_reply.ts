// How does an application's Response become a reply? What it was made of is taken as it is, without reading a stream, where that is known
// (response.ts).

import { type Body, type Fields, NO_BODY, type Reply } from "../../server/http/engine/reply.ts";
import type { Source } from "./lazy_body.ts";
import { ingredientsOf } from "./own_response.ts";

/** A Blob up to this size (bytes) is read at once, and goes out with the head. */
const READ_AT_ONCE = 1 << 20;

/** What is wrong with a value that is no Response. */
export class NoResponseError extends TypeError {
  override readonly name = "NoResponseError";
}

/**
 * The reply that `response` describes. @throws NoResponseError when it is none, TypeError when its body was read already; the promise
 * is rejected with what reading a Blob or FormData has failed with
 */
export function replyOf(response: unknown, headOnly: boolean): Reply | Promise<Reply> {
  if (!(response instanceof Response)) {
    throw new NoResponseError(
      `the handler returned ${response === null ? "null" : typeof response}, not a Response`,
    );
  }
  const { status } = response;
  if (status < 200) {
    throw new NoResponseError(
      `the handler returned a Response with status ${status} that was not made for this request`,
    );
  }
  if (response.type === "error") throw new NoResponseError("the handler returned Response.error()");
  if (response.bodyUsed) throw new TypeError("the body of the response has been read already");
  const made = ingredientsOf(response);
  const head = headOf(status, response.statusText, made?.headers ?? response.headers);
  if (made === undefined) return streamed(head, response.body, headOnly);
  const body = bodyOf(made.source);
  if (body !== undefined) return headOnly ? described(head, lengthOf(body)) : { ...head.reply, body };
  const { source } = made;
  if (!(source instanceof Blob)) return response.bytes().then((bytes) => whole(head, bytes, headOnly));
  if (headOnly) return described(head, source.size);
  if (source.size <= READ_AT_ONCE) return source.bytes().then((bytes) => whole(head, bytes, false));
  return { ...head.reply, body: { kind: "stream", stream: source.stream(), length: source.size } };
}

/** What a reply says but for its body. */
interface Head {
  readonly reply: Reply;
  /** The Content-Length that the handler has given. */
  readonly declared: number | undefined;
}

/** Fields that the engine sets itself, or that describe a connection that is not the application's. */
const ENGINE_FIELDS: ReadonlySet<string> = new Set([
  "keep-alive",
  "transfer-encoding",
  "date",
  "server",
]);

function headOf(status: number, statusText: string, headers: Iterable<[string, string]>): Head {
  const fields: Fields = [];
  let contentType: string | undefined;
  let declared: number | undefined;
  let close = false;
  // Names are in lower case.
  for (const [name, value] of headers) {
    if (name === "content-type") contentType = value;
    else if (name === "content-length") declared = /^\d{1,15}$/.test(value) ? Number(value) : undefined;
    else if (name === "connection") close ||= /\bclose\b/i.test(value);
    else if (!ENGINE_FIELDS.has(name)) fields.push([name, value]);
  }
  const reason = statusText === "" ? undefined : statusText;
  return { reply: { status, reason, fields, contentType, body: NO_BODY, close }, declared };
}

/** The body for what is there at once. */
function bodyOf(source: Source): Body | undefined {
  if (source === null) return NO_BODY;
  if (typeof source === "string") return { kind: "text", text: source };
  return source instanceof Uint8Array ? { kind: "bytes", bytes: source } : undefined;
}

function lengthOf(body: Body): number {
  if (body.kind === "text") return new TextEncoder().encode(body.text).length;
  return body.kind === "bytes" ? body.bytes.length : 0;
}

function whole(head: Head, bytes: Uint8Array<ArrayBuffer>, headOnly: boolean): Reply {
  return headOnly ? described(head, bytes.length) : { ...head.reply, body: { kind: "bytes", bytes } };
}

/** The answer to HEAD: what GET would send is declared, or what the handler has said of it. */
function described({ reply, declared }: Head, length: number | undefined): Reply {
  // The engine leaves out a length of 0 that nobody has declared.
  if (declared === 0) reply.fields.push(["content-length", "0"]);
  return { ...reply, declaredLength: declared ?? length };
}

function streamed(head: Head, stream: ReadableStream<Uint8Array> | null, headOnly: boolean): Reply {
  if (stream?.locked === true) throw new TypeError("somebody else reads the body of the response");
  if (headOnly) {
    // Whatever its source makes of that is its own affair: nobody reads it.
    stream?.cancel().catch(() => {});
    return described(head, stream === null ? 0 : undefined);
  }
  const body: Body = stream === null ? NO_BODY : { kind: "stream", stream, length: head.declared };
  return { ...head.reply, body };
}
