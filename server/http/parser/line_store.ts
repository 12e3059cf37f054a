// Where do lines stay until they are complete? A buffer that grows with what has come, one line at a time.

import { LF } from "./grammar.ts";

const FIRST_SIZE = 1024;
/** A larger buffer is not kept for the next request: idle connections are many. */
const KEPT_SIZE = 4096;

/**
 * Bytes kept from earlier calls. What bounds their number is the caller's check of each line against its
 * limit.
 */
export class LineStore {
  bytes = new Uint8Array(0);
  length = 0;

  /** Appends from `source` up to and including the next LF, or up to `end`; returns the offset behind. */
  appendLine(source: Uint8Array, start: number, end: number): number {
    let stop = start;
    while (stop < end && source[stop++] !== LF);
    this.append(source, start, stop);
    return stop;
  }

  append(source: Uint8Array, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(FIRST_SIZE, length, this.bytes.length * 2));
      larger.set(this.bytes.subarray(0, this.length));
      this.bytes = larger;
    }
    if (end - start === 1) this.bytes[this.length] = source[start];
    else this.bytes.set(source.subarray(start, end), this.length);
    this.length = length;
  }

  /** True if the last line is complete. */
  get endsLine(): boolean {
    return this.length > 0 && this.bytes[this.length - 1] === LF;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_SIZE) this.bytes = new Uint8Array(0);
  }
}
