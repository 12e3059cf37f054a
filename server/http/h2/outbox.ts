// What have the streams of a connection still to send? Bodies in pieces, as much as the client's windows take (RFC 9113, 5.2), the most
// urgent first; of those that are wanted bit by bit a frame each in turn, the others one behind the other (RFC 9218, 10).

import type { FileSource } from "../../../mpm/mod.ts";
import type { Outlet } from "../engine/staging.ts";
import type { Priority } from "./priority.ts";
import { Flag, FRAME_HEAD, FrameType, putFrameHead } from "./frame.ts";
import { randomPadding } from "./header_frames.ts";

/** So much is put together before it is looked whether the client takes it. */
const TOGETHER = 1 << 17;
/** While more is on its way to the client no frames are made. */
const HIGH_WATER = 1 << 18;

/** A part of a body that waits. */
export type Piece = Uint8Array<ArrayBuffer> | FilePiece;

export interface FilePiece {
  readonly file: FileSource;
  offset: number;
  length: number;
}

/** A stream, as the outbox sees it. */
export interface Sender {
  readonly id: number;
  /** What waits, in order; what is taken of it is removed. */
  readonly pieces: Piece[];
  /** Bytes of all pieces. */
  queued: number;
  /** Behind the pieces the body is over; false again once that was said. */
  ends: boolean;
  /** Behind the body there are trailers. */
  readonly hasTrailers: boolean;
  /** What the client takes of this stream. */
  window: number;
  /** Waits in line. */
  inLine: boolean;
  readonly priority: Priority;
  /** A DATA frame of `length` bytes was written, of which `body` are the body's; `last`: the response is over. */
  sent(length: number, body: number, last: boolean): void;
  /** What it was to send cannot be had: the stream is broken off. */
  broken(): void;
}

/** The frames that leave one connection. */
export class Outbox {
  /** What the client takes of all streams together. */
  window: number;
  readonly #line: Sender[] = [];

  /** @param mostData the longest payload of a DATA frame, in bytes; the client may take larger ones than we make; @param padding H2Padding */
  constructor(readonly outlet: Outlet, window: number, public mostData: number, readonly padding = 0) {
    this.window = window;
  }

  /** Somebody waits. */
  get waiting(): boolean {
    return this.#line.length > 0;
  }

  /** `sender` has something to send, or its window has grown. */
  enter(sender: Sender): void {
    if (sender.inLine || (sender.queued === 0 && !sender.ends)) return;
    if (sender.queued > 0 && sender.window <= 0) return;
    sender.inLine = true;
    const line = this.#line;
    const { urgency, incremental } = sender.priority;
    let at = line.length;
    // Behind all that are as urgent; one that goes first until it is done, before those that share.
    while (at > 0 && isBehind(line[at - 1], urgency, incremental, sender.id)) at--;
    if (at === line.length) line.push(sender);
    else line.splice(at, 0, sender);
  }

  /** Its priority has changed. */
  moved(sender: Sender): void {
    if (!sender.inLine) return;
    this.leave(sender);
    this.enter(sender);
  }

  /** Nothing more of `sender` is to be sent. */
  leave(sender: Sender): void {
    if (!sender.inLine) return;
    sender.inLine = false;
    const at = this.#line.indexOf(sender);
    if (at >= 0) this.#line.splice(at, 1);
  }

  /** Makes frames of what waits, as long as the client takes them. */
  pump(): void {
    const { outlet } = this;
    const { transport } = outlet;
    while (this.#line.length > 0) {
      if (transport.gone || transport.backlog > HIGH_WATER) return;
      const sender = this.#line[0];
      if (this.window <= 0 && sender.queued > 0) {
        // An end without bytes needs no window.
        const other = this.#line.findIndex(({ queued }) => queued === 0);
        if (other < 0) return;
        this.#line.unshift(...this.#line.splice(other, 1));
        continue;
      }
      this.#line.shift();
      sender.inLine = false;
      this.#frame(sender);
      if (outlet.output.length > TOGETHER) outlet.flush(true);
      this.enter(sender);
    }
  }

  /** Writes one frame of `sender`. */
  #frame(sender: Sender): void {
    const { output } = this.outlet;
    const room = Math.min(this.mostData, this.window, sender.window);
    // With the byte that says how much there is of it; it counts as what it is wrapped around does.
    let padding = this.padding > 0 && sender.queued > 0 ? 1 + randomPadding(this.padding) : 0;
    if (padding >= room) padding = 0;
    const most = Math.min(room - padding, sender.queued);
    const at = output.length;
    output.reserve(FRAME_HEAD + most + padding);
    output.length += FRAME_HEAD;
    if (padding > 0) output.bytes[output.length++] = padding - 1;
    let length = 0;
    while (length < most) {
      const piece = sender.pieces[0];
      const taken = piece instanceof Uint8Array
        ? this.#copy(sender.pieces, piece, most - length)
        : this.#read(sender.pieces, piece, most - length);
      if (taken <= 0) {
        // The file has become shorter than was promised.
        output.length = at;
        return sender.broken();
      }
      length += taken;
    }
    if (padding > 1) output.append(new Uint8Array(padding - 1));
    sender.queued -= length;
    sender.window -= length + padding;
    this.window -= length + padding;
    const last = sender.ends && sender.queued === 0;
    if (last) sender.ends = false;
    if (last && sender.hasTrailers && length === 0) {
      output.length = at;
      return sender.sent(0, 0, last);
    }
    const flags = (last && !sender.hasTrailers ? Flag.EndStream : 0) | (padding > 0 ? Flag.Padded : 0);
    putFrameHead(output.bytes, at, length + padding, FrameType.Data, flags, sender.id);
    sender.sent(FRAME_HEAD + length + padding, length, last);
  }

  #copy(pieces: Piece[], piece: Uint8Array<ArrayBuffer>, most: number): number {
    const { output } = this.outlet;
    if (piece.length <= most) {
      output.append(piece);
      pieces.shift();
      return piece.length;
    }
    output.append(piece.subarray(0, most));
    pieces[0] = piece.subarray(most);
    return most;
  }

  #read(pieces: Piece[], piece: FilePiece, most: number): number {
    const { output } = this.outlet;
    const length = Math.min(most, piece.length);
    const { bytes } = output;
    const taken = piece.file.readAt(
      bytes.subarray(output.length, output.length + length),
      length,
      piece.offset,
    );
    if (taken <= 0) return taken;
    output.length += taken;
    piece.offset += taken;
    piece.length -= taken;
    if (piece.length === 0) {
      pieces.shift();
      piece.file.release();
    }
    return taken;
  }
}

/** Lets go of pieces that nobody will send. */
export function releasePieces(pieces: Piece[]): void {
  for (const piece of pieces) if (!(piece instanceof Uint8Array)) piece.file.release();
  pieces.length = 0;
}

/** `other` is to wait for a stream with that priority. */
function isBehind(other: Sender, urgency: number, incremental: boolean, id: number): boolean {
  if (other.priority.urgency !== urgency) return other.priority.urgency > urgency;
  if (other.priority.incremental !== incremental) return other.priority.incremental;
  return !incremental && other.id > id;
}
