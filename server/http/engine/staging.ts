// Whose bytes are put together at the moment? Heads, small bodies and pipelined responses are staged in one buffer per thread and
// leave in one send. What is staged belongs to one connection, and nobody else's bytes can come between or go with it.

import type { Transport } from "../../../mpm/mod.ts";
import { OutputBuffer } from "./output.ts";

/** The sending side of one connection. */
export interface Outlet {
  readonly transport: Transport;
  /** The staging buffer, to append to for this connection in this turn. */
  readonly output: OutputBuffer;
  /** What is staged for this connection goes out. `more`: something follows at once. */
  flush(more?: boolean): void;
}

/** A connection, as the staging buffer sees it. */
export interface StagingOwner {
  /** Hands the first `length` of `bytes` to its transport. `more`: something follows at once. */
  sendStaged(bytes: Uint8Array<ArrayBuffer>, length: number, more: boolean): void;
  /** Something of ours failed: it is logged, and costs the connection. */
  fault(error: unknown): void;
}

/** Bytes were staged and not sent before their connection let go of the thread. */
export class StagingError extends Error {
  override readonly name = "StagingError";
}

/**
 * The staging buffer of a thread. Whoever appends says for whom, and what is sent goes to that connection. Staged bytes leave
 * within the synchronous turn in which they were made: what is found later costs the connection that left it, and no other.
 */
export class Staging {
  readonly #buffer = new OutputBuffer();
  #owner: StagingOwner | undefined = undefined;

  /** Bytes that are staged. */
  get length(): number {
    return this.#buffer.length;
  }

  /** The buffer, to append to for `owner` in this turn. */
  for(owner: StagingOwner): OutputBuffer {
    if (this.#owner !== owner) {
      this.settle();
      this.#owner = owner;
    }
    return this.#buffer;
  }

  /** Sends what is staged for `owner`. `more`: something follows at once that may go with it. */
  flush(owner: StagingOwner, more = false): void {
    if (this.#owner !== owner) return;
    const { bytes, length } = this.#buffer;
    if (length === 0) return;
    this.#buffer.length = 0;
    owner.sendStaged(bytes, length, more);
  }

  /** Forgets what is staged for `owner`. */
  discard(owner: StagingOwner): void {
    if (this.#owner !== owner) return;
    this.#buffer.length = 0;
    this.#owner = undefined;
  }

  /** The thread goes on to something else: nothing may be staged any more. */
  settle(): void {
    if (this.#buffer.length === 0) return;
    const owner = this.#owner!;
    const { length } = this.#buffer;
    this.discard(owner);
    owner.fault(
      new StagingError(`${length} bytes were left behind that belong to one connection; it is closed`),
    );
  }
}
