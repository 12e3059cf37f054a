// How does a response look on the wire? Writes heads and small bodies into the staging buffer, and decides with the request
// whether the connection may stay open (http-core.md 5 and 11).

import {
  currentHttpDate,
  dropsConnection,
  hasNoBody,
  isFieldName,
  isFieldValue,
  reasonPhrase,
} from "../content/mod.ts";
import type { Exchange } from "../../request/exchange.ts";
import type { OutputBuffer } from "./output.ts";
import type { PreparedReply, Reply } from "./reply.ts";
import type { ConnectionSettings } from "./service.ts";

/** How a body is delimited. */
export type Framing = "none" | "length" | "chunked" | "close";

/** What was decided while a head was written. */
export interface Sent {
  readonly framing: Framing;
  readonly persistent: boolean;
}

/** A field of a handler's reply that cannot be sent: it would let a value end the line (AH02428-AH02430). */
export class FieldError extends Error {
  override readonly name = "FieldError";
}

/** A handler takes a connection over whose client has not asked for that. */
export class UpgradeError extends Error {
  override readonly name = "UpgradeError";
}

/**
 * Writes the head of `reply` into `output`.
 * @throws FieldError for an invalid field name or value, UpgradeError; before anything is written
 */
export function writeHead(
  output: OutputBuffer,
  exchange: Exchange,
  reply: Reply,
  settings: ConnectionSettings,
  now: number,
): Sent {
  const { head } = exchange;
  const { status, body } = reply;
  let text = "";
  for (const [name, value] of reply.fields) {
    if (!isFieldName(name) || !isFieldValue(value)) {
      throw new FieldError(`invalid response field ${JSON.stringify(name)}`);
    }
    text += `${name}: ${value}\r\n`;
  }
  let framing: Framing = "none";
  let delimited = true;
  const length = bodyLength(reply, output);
  if (hasNoBody(status)) framing = "none";
  else if (length !== undefined) {
    framing = "length";
    // A HEAD response says what GET would give, if that is known and not nothing (http-core.md 6).
    if (head.method !== "HEAD" || length > 0) text += `Content-Length: ${length}\r\n`;
  } else if (head.method === "HEAD") framing = "none";
  else if (head.isHttp11) framing = "chunked";
  else {
    framing = "close";
    delimited = false;
  }
  if (head.method === "HEAD") framing = "none";
  const upgrades = reply.takeOver !== undefined;
  if (upgrades && (status !== 101 || head.upgrade === undefined)) {
    throw new UpgradeError("a connection is taken over without status 101, or without being asked");
  }
  const persistent = !upgrades && delimited && mayPersist(exchange, reply, settings);
  text += upgrades ? "Connection: Upgrade\r\n" : connectionFields(exchange, persistent, settings);
  if (framing === "chunked") text += "Transfer-Encoding: chunked\r\n";
  if (reply.contentType !== undefined && status !== 304 && status !== 204) {
    if (!isFieldValue(reply.contentType)) throw new FieldError("invalid Content-Type");
    text += `Content-Type: ${reply.contentType}\r\n`;
  }
  // HTTP/0.9 knows no head: the answer is the bare body. Whoever made an error of the request line is told so with a head.
  if (head.major >= 1 || reply.close === true) {
    if (reply.origin === undefined) output.append(beginning(status, reply.reason, now, settings.serverField));
    else output.latin1(beginningOf(reply, now, settings.serverField));
    output.latin1(text + "\r\n");
  }
  exchange.connectionState = persistent ? "+" : "-";
  return { framing: body.kind === "none" ? "none" : framing, persistent };
}

/** How heads begin that were written in the second `madeAt`, by status: the same for all. */
const beginnings = new Map<
  number,
  { readonly bytes: Uint8Array<ArrayBuffer>; readonly serverField: string }
>();
let madeAt = 0;

/** The same for the response of another server. */
function beginningOf({ status, reason, origin }: Reply, now: number, serverField: string): string {
  const phrase = reason ?? reasonPhrase(status) ?? "";
  const date = origin?.date ?? currentHttpDate(Math.floor(now / 1000));
  return `HTTP/1.1 ${status} ${phrase}\r\nDate: ${date}\r\nServer: ${origin?.server ?? serverField}\r\n`;
}

/** Status line, Date and Server. */
function beginning(
  status: number,
  reason: string | undefined,
  now: number,
  serverField: string,
): Uint8Array<ArrayBuffer> {
  const second = Math.floor(now / 1000);
  if (second !== madeAt) {
    beginnings.clear();
    madeAt = second;
  }
  const known = reason === undefined ? beginnings.get(status) : undefined;
  if (known !== undefined && known.serverField === serverField) return known.bytes;
  const phrase = reason ?? reasonPhrase(status) ?? "";
  const text = `HTTP/1.1 ${status} ${phrase}\r\nDate: ${
    currentHttpDate(second)
  }\r\nServer: ${serverField}\r\n`;
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  if (reason === undefined) beginnings.set(status, { bytes, serverField });
  return bytes;
}

function bodyLength({ body, declaredLength }: Reply, output: OutputBuffer): number | undefined {
  if (declaredLength !== undefined) return declaredLength;
  if (body.kind === "text") return output.encode(body.text);
  if (body.kind === "bytes") return body.bytes.length;
  if (body.kind === "none") return 0;
  return body.length;
}

/** What the head says of the connection's future. */
export function connectionFields(
  { head, keepAlives }: Exchange,
  persistent: boolean,
  { keepAliveTimeout, maxKeepAliveRequests }: ConnectionSettings,
): string {
  if (!persistent) return "Connection: close\r\n";
  if (!head.sentKeepAlive) return "";
  const max = maxKeepAliveRequests > 0 ? `, max=${maxKeepAliveRequests - keepAlives - 1}` : "";
  return `Keep-Alive: timeout=${Math.floor(keepAliveTimeout / 1000)}${max}\r\nConnection: Keep-Alive\r\n`;
}

/** The conditions of http-core.md 5 but for the length, which the caller has looked at. */
export function mayPersist(
  { head, transport, keepAlives }: Exchange,
  { status, close }: Pick<Reply, "status" | "close">,
  { keepAlive, keepAliveTimeout, maxKeepAliveRequests }: ConnectionSettings,
): boolean {
  return keepAlive && keepAliveTimeout > 0 && head.keepAlive && !head.closeAfter && close !== true &&
    !transport.stopping && !dropsConnection(status) &&
    (maxKeepAliveRequests === 0 || keepAlives + 1 < maxKeepAliveRequests);
}

/** Brings the Date field of a message made ahead up to date. */
export function refreshDate(prepared: PreparedReply, now: number): void {
  const second = Math.floor(now / 1000);
  if (prepared.dateSecond === second) return;
  prepared.dateSecond = second;
  const text = currentHttpDate(second);
  for (let i = 0; i < text.length; i++) prepared.bytes[prepared.dateAt + i] = text.charCodeAt(i);
}
