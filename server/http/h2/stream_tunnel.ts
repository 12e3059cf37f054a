// How does a stream become something else? A WebSocket, for both directions (RFC 8441): whoever took it reads and writes it as it would
// a connection of HTTP/1.1.

import type { Exchange } from "../../request/exchange.ts";
import type { Reply } from "../engine/reply.ts";
import type { Tunnel, TunnelEnd } from "../engine/tunnel.ts";

/** The stream, as its tunnel sees it. */
export interface TunnelledStream {
  /** Nothing can be written to the client any more. */
  readonly over: boolean;
  /** Bytes that wait for the client. */
  readonly backlog: number;
  write(bytes: Uint8Array<ArrayBuffer>): void;
  setReading(on: boolean): void;
}

/** What comes and goes on a stream that has been taken over, or is about to be. */
export class StreamTunnel implements TunnelEnd {
  /** What came before anybody was there to take it. */
  #early: Uint8Array<ArrayBuffer>[] = [];
  #ended = false;
  #tunnel: Tunnel | undefined = undefined;

  constructor(readonly stream: TunnelledStream) {}

  /** Gives the stream to `takeOver`; `onClosed` is called when whoever took it has done with it. */
  async open(
    takeOver: NonNullable<Reply["takeOver"]>,
    exchange: Exchange,
    onClosed: () => void,
  ): Promise<void> {
    // node:stream takes 20 ms to load, of which most threads never need it.
    const { Tunnel } = await import("../engine/tunnel.ts");
    const tunnel = new Tunnel(this, exchange, onClosed);
    if (this.stream.over) tunnel.destroy();
    else this.#tunnel = tunnel;
    takeOver(tunnel);
    for (const piece of this.#early) tunnel.receive(piece);
    this.#early = [];
    if (this.#ended) tunnel.receiveEnd();
  }

  /** The client has sent `bytes`. */
  receive(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#tunnel !== undefined) this.#tunnel.receive(bytes);
    else this.#early.push(bytes);
  }

  /** The client sends no more. */
  receiveEnd(): void {
    this.#ended = true;
    this.#tunnel?.receiveEnd();
  }

  /** The client has taken what was written. */
  drained(): void {
    this.#tunnel?.drained();
  }

  destroy(): void {
    this.#tunnel?.destroy();
    this.#early = [];
  }

  get gone(): boolean {
    return this.stream.over;
  }

  get backlog(): number {
    return this.stream.backlog;
  }

  write(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.stream.write(bytes.slice(0, length));
  }

  setReading(on: boolean): void {
    this.stream.setReading(on);
  }
}
