// How does an application's Response become a reply? Bodies that are a text or bytes are taken as they are, without reading a
// stream: that needs a look at what Deno keeps inside a Response. Where it is not found, the public interface is used.

import { type Body, type Fields, NO_BODY, type Reply } from "../../server/http/engine/reply.ts";

/** What a Response's headers are while they have not been asked for. */
const HeaderKind = { None: 0, DefaultType: 1, ContentType: 2 } as const;
const DEFAULT_TYPE = "text/plain;charset=UTF-8";

/**
 * Deno keeps the body of a Response that was made of a text or bytes, until somebody asks for its headers, in properties meant
 * for its own server. Their names, by what they hold; undefined where this Deno has none that behave as is known here.
 */
const fast = findFastSymbols();

interface FastSymbols {
  readonly status: symbol;
  readonly body: symbol;
  readonly headerKind: symbol;
  readonly contentType: symbol;
}

function findFastSymbols(): FastSymbols | undefined {
  const plain = new Response("probe");
  const typed = new Response("probe", { headers: { "content-type": "x/y" } });
  const named = (name: string) =>
    Object.getOwnPropertySymbols(plain).find(({ description }) => description === `serve fast ${name}`);
  const [status, body, headerKind, contentType] = [
    named("status"),
    named("body"),
    named("header kind"),
    named("content type"),
  ];
  if (status === undefined || body === undefined || headerKind === undefined || contentType === undefined) {
    return undefined;
  }
  const behaves = Reflect.get(plain, status) === 200 && Reflect.get(plain, body) === "probe" &&
    Reflect.get(plain, headerKind) === HeaderKind.DefaultType &&
    Reflect.get(typed, headerKind) === HeaderKind.ContentType && Reflect.get(typed, contentType) === "x/y";
  typed.headers.set("x-a", "b");
  return behaves && Reflect.get(typed, status) !== 200
    ? { status, body, headerKind, contentType }
    : undefined;
}

const NO_FIELDS: Fields = [];

/** The reply for a Response that is still as it was made, of a text or bytes with status 200. */
function fastReply(
  response: Response,
  { status, body, headerKind, contentType }: FastSymbols,
): Reply | undefined {
  const properties = response as unknown as Readonly<Record<symbol, unknown>>;
  if (properties[status] !== 200) return undefined;
  const content = properties[body];
  const kind = properties[headerKind];
  const type = kind === HeaderKind.DefaultType
    ? DEFAULT_TYPE
    : kind === HeaderKind.ContentType
    ? String(properties[contentType])
    : undefined;
  if (typeof content === "string") {
    return { status: 200, fields: NO_FIELDS, contentType: type, body: { kind: "text", text: content } };
  }
  if (content instanceof Uint8Array && content.buffer instanceof ArrayBuffer) {
    return {
      status: 200,
      fields: NO_FIELDS,
      contentType: type,
      body: { kind: "bytes", bytes: content as Uint8Array<ArrayBuffer> },
    };
  }
  return undefined;
}

/** What is wrong with a value that is no Response. */
export class NoResponseError extends TypeError {
  override readonly name = "NoResponseError";
}

/** The reply that `response` describes. @throws NoResponseError when it is none, TypeError when its body was read already */
export function replyOf(response: unknown, headOnly: boolean): Reply {
  if (!(response instanceof Response)) {
    throw new NoResponseError(
      `the handler returned ${response === null ? "null" : typeof response}, not a Response`,
    );
  }
  if (response.status < 200) {
    throw new NoResponseError(
      `the handler returned a Response with status ${response.status} that was not made for this request`,
    );
  }
  if (response.type === "error") throw new NoResponseError("the handler returned Response.error()");
  if (response.bodyUsed) throw new TypeError("the body of the response has been read already");
  const reply = (fast === undefined ? undefined : fastReply(response, fast)) ?? publicReply(response);
  if (!headOnly) return reply;
  // What GET would send is declared; the stream, if it is one, is not needed.
  const { body } = reply;
  if (body.kind === "stream") body.stream.cancel().catch(() => {});
  const declaredLength = body.kind === "bytes"
    ? body.bytes.length
    : body.kind === "text"
    ? new TextEncoder().encode(body.text).length
    : body.kind === "none"
    ? 0
    : body.length;
  return { ...reply, body: NO_BODY, declaredLength };
}

/** Fields that the engine sets itself, or that describe a connection that is not the application's. */
const ENGINE_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "date",
  "server",
]);

/** The reply that the public properties of a Response describe. */
function publicReply(response: Response): Reply {
  const fields: Fields = [];
  let contentType: string | undefined;
  let declared: number | undefined;
  // Headers gives its names in lower case.
  for (const [name, value] of response.headers) {
    if (name === "content-type") contentType = value;
    else if (name === "content-length") declared = /^\d{1,15}$/.test(value) ? Number(value) : undefined;
    else if (!ENGINE_FIELDS.has(name)) fields.push([name, value]);
  }
  const { status, statusText, body: stream } = response;
  const body: Body = stream === null ? NO_BODY : { kind: "stream", stream, length: declared };
  return { status, reason: statusText || undefined, fields, contentType, body };
}
