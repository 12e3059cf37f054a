// How does a handler get at a connection that has changed its protocol? As a Duplex of node:stream over the transport: whatever
// speaks over a socket in Node's world speaks over this, and the descriptor stays with its one owner.

import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import type { Transport } from "../../../mpm/mod.ts";
import type { Exchange } from "../../request/exchange.ts";

/** Writing waits while more than this is on its way to the client, in bytes. */
const HIGH_WATER = 65536;

/** What a tunnel needs of what it goes through: a connection, or a stream of one. */
export type TunnelEnd = Pick<Transport, "write" | "setReading" | "gone" | "backlog">;

/**
 * A connection after 101 (Switching Protocols). Ended by whoever took it (end() or destroy()) or by the client; in both cases
 * it closes for both directions.
 */
export class Tunnel extends Duplex {
  readonly #transport: TunnelEnd;
  readonly #exchange: Exchange;
  readonly #onClosed: () => void;
  /** Nothing more is to be read. */
  #inputEnded = false;
  /** Called once the client has taken what was written. */
  #written: ((error?: Error) => void) | undefined = undefined;

  /** `onClosed` is called when nobody speaks here any more. */
  constructor(transport: TunnelEnd, exchange: Exchange, onClosed: () => void) {
    // Whoever reads the end has to end too; what was written before still arrives.
    super({ allowHalfOpen: false });
    this.#transport = transport;
    this.#exchange = exchange;
    this.#onClosed = onClosed;
  }

  /** The client has sent `bytes`, which belong to the reader from now on. */
  receive(bytes: Uint8Array<ArrayBuffer>): void {
    this.#exchange.bytesReceived += bytes.length;
    if (this.#inputEnded || this.destroyed) return;
    if (!this.push(bytes)) this.#transport.setReading(false);
  }

  /** The client sends no more. */
  receiveEnd(): void {
    if (this.#inputEnded || this.destroyed) return;
    this.#inputEnded = true;
    this.push(null);
  }

  /** The client has taken everything that was written. */
  drained(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  override _read(): void {
    if (!this.destroyed) this.#transport.setReading(true);
  }

  override _write(
    chunk: Uint8Array<ArrayBuffer>,
    _encoding: string,
    callback: (error?: Error | null) => void,
  ): void {
    const transport = this.#transport;
    // A library may use its memory again as soon as it is told that this is written.
    transport.write(chunk, chunk.length, false);
    this.#exchange.bytesWritten += chunk.length;
    if (transport.gone || transport.backlog <= HIGH_WATER) callback();
    else this.#written = callback;
  }

  /** What was corked leaves together: the head of a frame and its payload are mostly written apart. */
  override _writev(
    chunks: { chunk: Uint8Array<ArrayBuffer> }[],
    callback: (error?: Error | null) => void,
  ): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "buffer", callback);
  }

  /** Nothing more will be written: the connection ends. */
  override _final(callback: (error?: Error | null) => void): void {
    callback();
    this.receiveEnd();
    // Whoever has said its last word may have stopped reading: the end comes behind what is unread.
    this.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#written = undefined;
    // The engine may be at work here: it must not find its connection gone in the middle of that.
    queueMicrotask(this.#onClosed);
    callback(error);
  }
}
