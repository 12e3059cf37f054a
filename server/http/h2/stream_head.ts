// How do heads leave on a stream? Each in a block of its own, together with what says of the exchange that it was sent.

import type { Exchange } from "../../request/exchange.ts";
import { hasNoBody } from "../content/mod.ts";
import type { Fields, Reply } from "../engine/reply.ts";
import { UpgradeError } from "../engine/writer.ts";
import { FRAME_HEAD } from "./frame.ts";
import { encodeField, encodeStatus } from "./hpack_encoder.ts";
import { encodeHead, lengthOf } from "./response_head.ts";
import type { StreamHost } from "./stream_host.ts";

/** The stream, as its heads see it. */
interface Heading {
  readonly id: number;
  readonly exchange: Exchange;
  readonly host: StreamHost;
}

/** Writes a block; `ends`: nothing follows it. Nothing was written if `encode` throws. */
function sendBlock({ id, exchange, host }: Heading, ends: boolean, encode: () => void): void {
  const { output } = host;
  const mark = output.length;
  try {
    output.reserve(FRAME_HEAD);
    output.length += FRAME_HEAD;
    encode();
  } catch (error) {
    output.length = mark;
    throw error;
  }
  exchange.bytesWritten += output.length - mark;
  host.writeHeaders(id, mark, ends);
}

/**
 * Writes the head of `reply`, which withBytes() has made. Returns true if nothing follows.
 * @throws FieldError, UpgradeError: nothing was written
 */
export function sendHead(stream: Heading, reply: Reply, serverField: string): boolean {
  const { exchange, host: { output } } = stream;
  const { body, takeOver } = reply;
  if (takeOver !== undefined && (reply.status !== 101 || exchange.head.upgrade === undefined)) {
    throw new UpgradeError("a stream is taken over without status 101, or without being asked");
  }
  const isHead = exchange.head.method === "HEAD";
  const length = lengthOf(reply);
  const ends = takeOver === undefined &&
    (body.kind === "none" || isHead || hasNoBody(reply.status) || length === 0);
  const told = isHead && length === 0 ? undefined : length;
  sendBlock(stream, ends, () => encodeHead(output, reply, told, serverField, exchange.startTime));
  exchange.reply = reply;
  exchange.status = takeOver === undefined ? reply.status : 200;
  exchange.committed = true;
  return ends;
}

/** Writes an interim response. */
export function sendInterim(stream: Heading, status: number, fields: Fields): void {
  const { output } = stream.host;
  sendBlock(stream, false, () => {
    encodeStatus(output, status);
    for (const [name, value] of fields) encodeField(output, name, value.trim());
  });
}

/** Writes trailers, which are the end of the stream. */
export function sendTrailers(stream: Heading, trailers: Fields): void {
  const { output } = stream.host;
  sendBlock(stream, true, () => {
    for (const [name, value] of trailers) encodeField(output, name, value.trim());
  });
}
