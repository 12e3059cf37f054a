// How does a request go out to a backend? What is there at once; the body as it comes from the client, at the pace of the backend.

import type { OutgoingConnection } from "../../mpm/mod.ts";
import { OutputBuffer } from "../../server/http/engine/output.ts";
import { HIGH_WATER } from "./conversation_parts.ts";
import type { Protocol } from "./protocol.ts";

const out = new OutputBuffer(8192);

/** Sends what is in front of a body; all of the request where no body is a stream (`complete`). Returns the bytes it took. */
export function sendHead(
  connection: OutgoingConnection,
  protocol: Protocol,
  whole: Uint8Array<ArrayBuffer> | undefined,
  complete: boolean,
): number {
  out.length = 0;
  protocol.begin(out);
  if (complete) {
    if (whole !== undefined && whole.length > 0) protocol.piece(out, whole);
    protocol.finish(out);
  }
  connection.write(out.bytes, out.length);
  return out.length;
}

/** Whom a pump tells. */
export interface PumpOwner {
  /** So many bytes are on their way. */
  onSent(bytes: number): void;
  onBodySent(): void;
  /** The client has not sent what it has announced: its connection says so. */
  onBodyFailed(error: unknown): void;
}

/** A body that is a stream, on its way to a backend. */
export class BodyPump {
  readonly #connection: OutgoingConnection;
  readonly #protocol: Protocol;
  readonly #owner: PumpOwner;
  #stopped = false;
  #wake: (() => void) | undefined;

  constructor(connection: OutgoingConnection, protocol: Protocol, owner: PumpOwner) {
    this.#connection = connection;
    this.#protocol = protocol;
    this.#owner = owner;
  }

  async run(stream: () => ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const reader = stream().getReader();
    try {
      while (!this.#stopped) {
        const { done, value } = await reader.read();
        if (this.#isStopped()) break;
        out.length = 0;
        if (done) this.#protocol.finish(out);
        else this.#protocol.piece(out, value);
        this.#connection.write(out.bytes, out.length);
        this.#owner.onSent(out.length);
        if (done) return this.#owner.onBodySent();
        if (this.#connection.backlog > HIGH_WATER) await new Promise<void>((resolve) => this.#wake = resolve);
      }
      // Nobody wants the rest.
      reader.cancel().catch(() => {});
    } catch (error) {
      this.#owner.onBodyFailed(error);
    }
  }

  #isStopped(): boolean {
    return this.#stopped;
  }

  /** The backend has taken what it had to take. */
  wake(): void {
    this.#wake?.();
    this.#wake = undefined;
  }

  /** Nobody wants the rest. */
  stop(): void {
    this.#stopped = true;
    this.wake();
  }
}
