// Which streams has a connection, and which had it? RFC 9113, 5.1.

import type { Stream } from "./stream.ts";

export const LARGEST_STREAM = 2 ** 31 - 1;
/** Of so many streams that we have reset, frames may still be on their way. */
const MOST_RESET = 256;

/** The streams of one connection. */
export class StreamTable {
  /** The highest stream that the client has opened. */
  last = 0;
  /** Streams whose handlers are at work, also those that the client has given up. */
  working = 0;
  readonly #open = new Map<number, Stream>();
  /** Streams that we have reset; undefined: none. */
  #reset: Set<number> | undefined = undefined;

  get size(): number {
    return this.#open.size;
  }

  get(id: number): Stream | undefined {
    return this.#open.get(id);
  }

  /** Those that are open, in the order in which they were opened. */
  values(): Iterable<Stream> {
    return this.#open.values();
  }

  add(stream: Stream): void {
    this.#open.set(stream.id, stream);
  }

  remove(stream: Stream): void {
    this.#open.delete(stream.id);
  }

  /** One more would be more than `most`, open or worked on. */
  full(most: number): boolean {
    return this.working >= most || this.#open.size >= most;
  }

  /** We have reset a stream: what its client sent before it heard of that is no fault. */
  noteReset(id: number): void {
    const reset = this.#reset ??= new Set();
    reset.add(id);
    if (reset.size > MOST_RESET) reset.delete(reset.values().next().value!);
  }

  wasReset(id: number): boolean {
    return this.#reset?.has(id) === true;
  }
}
