// How does the head of a reply look over HTTP/2? The fields that HTTP/1.1 would have, in a header block, without what is about its
// connection (RFC 9113, 8.2.2 and 8.3.2).

import { currentHttpDate, hasNoBody, isFieldName, isFieldValue } from "../content/mod.ts";
import { OutputBuffer } from "../engine/output.ts";
import { streamOfPushed } from "../engine/push_stream.ts";
import type { PreparedReply, Reply } from "../engine/reply.ts";
import { FieldError } from "../engine/writer.ts";
import { Flag, FRAME_HEAD, FrameType, MAX_FRAME, putFrameHead, putU32 } from "./frame.ts";
import { encodeField, encodeStatus } from "./hpack_encoder.ts";

/** What no message of HTTP/2 has. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

const encoder = new TextEncoder();

/** Date and Server as they were encoded in the second `madeAt`: the same for all. */
let common = new Uint8Array(0);
let commonServer = "";
let madeAt = 0;

function commonFields(now: number, serverField: string): Uint8Array {
  const second = Math.floor(now / 1000);
  if (second === madeAt && serverField === commonServer) return common;
  const output = new OutputBuffer(256);
  encodeField(output, "date", currentHttpDate(second));
  encodeField(output, "server", serverField);
  common = output.bytes.slice(0, output.length);
  commonServer = serverField;
  madeAt = second;
  return common;
}

/** Encodes status and fields. @throws FieldError */
export function encodeHead(
  output: OutputBuffer,
  reply: Reply,
  length: number | undefined,
  serverField: string,
  now: number,
): void {
  const { contentType, takeOver } = reply;
  // A stream that becomes something else is open with 200 (RFC 8441, 5); there is no proof of a key.
  const status = takeOver === undefined ? reply.status : 200;
  encodeStatus(output, status);
  if (reply.origin === undefined) output.append(commonFields(now, serverField));
  else {
    encodeField(output, "date", reply.origin.date ?? currentHttpDate(Math.floor(now / 1000)));
    encodeField(output, "server", reply.origin.server ?? serverField);
  }
  for (const [name, value] of reply.fields) {
    if (!isFieldName(name) || !isFieldValue(value)) {
      throw new FieldError(`invalid response field ${JSON.stringify(name)}`);
    }
    if (CONNECTION_FIELDS.has(name) || CONNECTION_FIELDS.has(name.toLowerCase())) continue;
    if (takeOver !== undefined && name.toLowerCase() === "sec-websocket-accept") continue;
    encodeField(output, name, value.trim());
  }
  if (length !== undefined && takeOver === undefined && !hasNoBody(status)) {
    encodeField(output, "content-length", String(length));
  }
  if (contentType !== undefined && status !== 304 && status !== 204) {
    if (!isFieldValue(contentType)) throw new FieldError("invalid Content-Type");
    encodeField(output, "content-type", contentType.trim());
  }
}

/** A text is made bytes, and what is pushed a stream: others have their turn between its pieces. */
export function withBytes(reply: Reply): Reply {
  const { body } = reply;
  if (body.kind === "pushed") {
    return { ...reply, body: { kind: "stream", stream: streamOfPushed(body.source), length: body.length } };
  }
  if (body.kind !== "text") return reply;
  return { ...reply, body: { kind: "bytes", bytes: encoder.encode(body.text) } };
}

/** The Content-Length of a reply that withBytes() has made; undefined: not known. */
export function lengthOf({ body, declaredLength }: Reply): number | undefined {
  if (declaredLength !== undefined) return declaredLength;
  if (body.kind === "bytes") return body.bytes.length;
  if (body.kind === "none") return 0;
  return body.kind === "text" ? undefined : body.length;
}

/** The frames of a message made ahead: HEADERS, and the body in DATA if it fits into one. */
export interface PreparedFrames {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the DATA frame begins; the end of `bytes` if there is no body. */
  readonly dataAt: number;
  /** Where the 29 characters of the date begin, and of which second they are. */
  readonly dateAt: number;
  dateSecond: number;
}

/** Where the head of a frame has its stream. */
const STREAM_AT = 5;

const latin1 = new TextDecoder("latin1");
/** undefined: it has to be sent in other ways. */
const prepared = new WeakMap<PreparedReply, PreparedFrames | null>();

/** The frames for a message that was made ahead for HTTP/1.1; undefined: its body does not fit into a frame. */
export function preparedFrames(reply: PreparedReply): PreparedFrames | undefined {
  let frames = prepared.get(reply);
  if (frames === undefined) {
    frames = makeFrames(reply) ?? null;
    prepared.set(reply, frames);
  }
  return frames ?? undefined;
}

function makeFrames(reply: PreparedReply): PreparedFrames | undefined {
  const { bytes, bodyLength, status } = reply;
  const bodyAt = bytes.length - bodyLength;
  if (bodyLength > MAX_FRAME) return undefined;
  const output = new OutputBuffer(bytes.length + 512);
  output.length = FRAME_HEAD;
  encodeStatus(output, status);
  let dateAt = 0;
  for (const line of latin1.decode(bytes.subarray(0, bodyAt)).split("\r\n").slice(1, -2)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (CONNECTION_FIELDS.has(name)) continue;
    const value = line.slice(colon + 1).trim();
    encodeField(output, name, value);
    if (name === "date") dateAt = output.length - value.length;
  }
  const dataAt = output.length;
  const flags = Flag.EndHeaders | (bodyLength === 0 ? Flag.EndStream : 0);
  putFrameHead(output.bytes, 0, dataAt - FRAME_HEAD, FrameType.Headers, flags, 0);
  if (bodyLength > 0) {
    output.reserve(FRAME_HEAD + bodyLength);
    putFrameHead(output.bytes, output.length, bodyLength, FrameType.Data, Flag.EndStream, 0);
    output.length += FRAME_HEAD;
    output.append(bytes.subarray(bodyAt));
  }
  return { bytes: output.bytes.slice(0, output.length), dataAt, dateAt, dateSecond: 0 };
}

/** Makes the frames those of `stream`, at `now`. */
export function addressFrames(frames: PreparedFrames, stream: number, now: number): void {
  const { bytes, dataAt, dateAt } = frames;
  putU32(bytes, STREAM_AT, stream);
  if (dataAt < bytes.length) putU32(bytes, dataAt + STREAM_AT, stream);
  const second = Math.floor(now / 1000);
  if (second === frames.dateSecond) return;
  frames.dateSecond = second;
  const text = currentHttpDate(second);
  for (let i = 0; i < text.length; i++) bytes[dateAt + i] = text.charCodeAt(i);
}
