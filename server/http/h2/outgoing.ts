// How does the response of a stream go out? In pieces that wait in the outbox for the client's windows; what a handler streams stops
// when too much of it waits.

import type { Exchange } from "../../request/exchange.ts";
import type { BodySink } from "../engine/body_sink.ts";
import { clock } from "../engine/clock.ts";
import type { Body, Fields } from "../engine/reply.ts";
import { StreamSender } from "../engine/stream_sender.ts";
import { takeTrailers } from "../engine/trailers.ts";
import { ErrorCode } from "./error.ts";
import { MAX_WINDOW } from "./frame.ts";
import { type Piece, releasePieces, type Sender } from "./outbox.ts";
import { DEFAULT_PRIORITY, type Priority } from "./priority.ts";

import { sendTrailers } from "./stream_head.ts";
import type { StreamHost } from "./stream_host.ts";

const NO_FIELDS: Fields = [];

/** The stream whose response it is. */
export interface OutgoingOwner {
  readonly id: number;
  readonly exchange: Exchange;
  readonly host: StreamHost;
  readonly over: boolean;
  /** All of the response was sent. */
  finished(): void;
  /** Nothing waits any more. */
  drained(): void;
  reset(code: number): void;
}

/** What one stream sends behind the head of its response. */
export class Outgoing implements Sender, BodySink {
  readonly pieces: Piece[] = [];
  queued = 0;
  ends = false;
  inLine = false;
  priority: Priority = DEFAULT_PRIORITY;
  /** Since when (performance.now()) the client has taken nothing of what waits. */
  #stuckSince = 0;
  #sender: StreamSender | undefined = undefined;
  #trailers: Fields = NO_FIELDS;

  /** @param window what the client takes of this stream, in bytes */
  constructor(readonly owner: OutgoingOwner, public window: number) {}

  get hasTrailers(): boolean {
    return this.#trailers.length > 0;
  }

  get id(): number {
    return this.owner.id;
  }

  /** The client takes `bytes` more, or less. Returns false if that is more than it may (RFC 9113, 6.9.1). */
  widen(bytes: number): boolean {
    this.window += bytes;
    if (this.window > MAX_WINDOW) return false;
    this.owner.host.outbox.enter(this);
    return true;
  }

  /** The priority has changed. */
  prioritise(priority: Priority): void {
    this.priority = priority;
    this.owner.host.outbox.moved(this);
  }

  #enqueue(piece: Piece, length: number): void {
    if (length === 0) return;
    this.pieces.push(piece);
    this.queued += length;
  }

  /** Sends all of `body`, which is not a stream. */
  sendWhole(body: Body): void {
    if (body.kind === "bytes") this.#enqueue(body.bytes, body.bytes.length);
    else if (body.kind === "parts") {
      for (const part of body.parts) {
        if (part instanceof Uint8Array) this.#enqueue(part, part.length);
        else this.#enqueue({ file: part.file, offset: part.offset, length: part.length }, part.length);
      }
    }
    this.end();
  }

  /** Sends `bytes`, which are this stream's to keep. */
  sendBytes(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.queued === 0) this.#stuckSince = performance.now();
    this.#enqueue(bytes, bytes.length);
    this.#pump();
  }

  /** Nothing follows what waits. */
  end(): void {
    this.ends = true;
    this.#stuckSince = clock.steady;
    this.#pump();
  }

  #pump(): void {
    const { outbox } = this.owner.host;
    outbox.enter(this);
    outbox.pump();
  }

  /** Sends what the stream `body` gives. Returns false when it failed: the client must be cut off. */
  async sendStream(body: Extract<Body, { kind: "stream" }>): Promise<boolean> {
    const { exchange, host: { service } } = this.owner;
    const sender = this.#sender = new StreamSender(exchange, this, {
      waits: () => this.#stuckSince = performance.now(),
      streamFailed: (about, error) => service.streamFailed(about, error),
      sourceFailed: (error) => service.faulted(error),
      fault: (error) => service.faulted(error),
    });
    const complete = await sender.send(body);
    // What is left waits in the outbox.
    if (complete) this.#sender = undefined;
    return complete;
  }

  get full(): boolean {
    return this.queued > this.owner.host.streamMemory;
  }

  send(pieces: readonly Uint8Array<ArrayBuffer>[], _size: number, last: boolean): void {
    if (this.owner.over) return;
    // They may be wrong, which must not cost the connection.
    if (last) this.#trailers = takeTrailers(this.owner.exchange);
    this.owner.host.proceed(() => {
      const before = this.queued;
      for (const piece of pieces) this.#enqueue(piece, piece.length);
      if (before === 0) this.#stuckSince = performance.now();
      if (last) this.ends = true;
      this.#pump();
      // What has to wait is kept: the source may use its memory again.
      for (const [i, piece] of this.pieces.entries()) {
        if (piece instanceof Uint8Array && pieces.some(({ buffer }) => buffer === piece.buffer)) {
          this.pieces[i] = piece.slice();
        }
      }
    });
  }

  sent(length: number, body: number, last: boolean): void {
    const { owner } = this;
    const { exchange } = owner;
    exchange.bytesWritten += length;
    // A streamed body counts what it gives.
    if (exchange.reply?.body.kind !== "stream") exchange.bytesSent += body;
    this.#stuckSince = clock.steady;
    owner.host.sentData(body);
    if (last) {
      if (this.hasTrailers) sendTrailers(owner, this.#trailers);
      return owner.finished();
    }
    if (this.queued > 0) return;
    owner.drained();
    this.drained();
  }

  broken(): void {
    this.owner.reset(ErrorCode.InternalError);
  }

  /** The client has taken what was sent. */
  drained(): void {
    if (this.#sender?.waiting === true && this.queued === 0) this.#sender.drained();
  }

  /** The client has taken nothing for `timeout` ms, at `now` (performance.now()). */
  stuck(now: number, timeout: number): boolean {
    return this.queued > 0 && now - this.#stuckSince > timeout;
  }

  /** Nothing more is sent. */
  close(): void {
    this.owner.host.outbox.leave(this);
    releasePieces(this.pieces);
    this.queued = 0;
    this.ends = false;
    this.#sender?.abort();
    this.#sender = undefined;
  }
}
