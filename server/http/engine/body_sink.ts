// Where does a streamed body go? To the connection, in the framing that its response has announced.

import type { Exchange } from "../../request/exchange.ts";
import { TOGETHER } from "./body_sender.ts";
import type { Outlet } from "./staging.ts";
import { takeTrailers } from "./trailers.ts";
import type { Framing } from "./writer.ts";

/** A stream waits while more than this is on its way to the client. */
const HIGH_WATER = 262_144;
const LAST_CHUNK = "0\r\n";

/** The way of one streamed body to its client. */
export interface BodySink {
  /** So much waits for the client that the stream has to wait too. */
  readonly full: boolean;
  /** Sends `pieces`, together `size` bytes that are good for this call only, and the end of the body if it is the `last`. */
  send(pieces: readonly Uint8Array<ArrayBuffer>[], size: number, last: boolean): void;
}

/** The way over HTTP/1.1. */
export class Http1BodySink implements BodySink {
  /** What goes in front: the head of the response, until it has left. */
  #head: Uint8Array<ArrayBuffer> | undefined;

  /** `head` leaves with the first pieces. */
  constructor(
    readonly exchange: Exchange,
    readonly framing: Framing,
    head: Uint8Array<ArrayBuffer>,
    readonly outlet: Outlet,
  ) {
    this.#head = head;
  }

  get full(): boolean {
    return this.outlet.transport.backlog > HIGH_WATER;
  }

  send(pieces: readonly Uint8Array<ArrayBuffer>[], size: number, last: boolean): void {
    const { exchange, outlet, framing } = this;
    // First of all: they may be wrong, and then nothing more goes out.
    const trailers = last && framing === "chunked" ? takeTrailers(exchange) : [];
    if (this.#head !== undefined) outlet.output.append(this.#head);
    this.#head = undefined;
    const chunked = framing === "chunked" && size > 0;
    // What was ready in one turn is one chunk.
    const start = chunked ? `${size.toString(16)}\r\n` : "";
    const end = chunked ? "\r\n" : "";
    outlet.output.latin1(start);
    for (const piece of pieces) {
      if (piece.length < TOGETHER) outlet.output.append(piece);
      else {
        outlet.flush(true);
        outlet.transport.write(piece, piece.length, false, true);
      }
    }
    outlet.output.latin1(end);
    exchange.bytesWritten += start.length + size + end.length;
    if (last && framing === "chunked") {
      const end = `${LAST_CHUNK}${trailers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
      outlet.output.latin1(end);
      exchange.bytesWritten += end.length;
    }
    outlet.flush();
  }
}
