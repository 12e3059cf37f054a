// What has a connection received that is not answered yet? The parser, the input that has to wait behind the request in hand,
// and how many bytes each request took on the wire.

import { RequestParser } from "../parser/mod.ts";
import type { ParserOptions } from "../parser/mod.ts";

/** The receiving side of one connection. */
export class Input {
  readonly parser: RequestParser;
  /** The parser keeps bytes (of blank lines before a request): it cannot serve another connection meanwhile. */
  dangling = false;
  /** The client sends no more. */
  ended = false;
  /** Input behind the request in hand. */
  #kept: Uint8Array<ArrayBuffer> | undefined = undefined;
  /** Bytes of the request in hand in earlier buffers, and where it begins in the one that is being read. */
  #count = 0;
  #mark = 0;

  constructor(options: ParserOptions) {
    this.parser = new RequestParser(options);
  }

  /** Some input waits behind the request in hand. */
  get hasKept(): boolean {
    return this.#kept !== undefined;
  }

  /** Keeps a copy of the bytes [from, to) behind what is kept already. */
  keep(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): void {
    const before = this.#kept;
    const kept = new Uint8Array((before?.length ?? 0) + to - from);
    if (before !== undefined) kept.set(before);
    kept.set(bytes.subarray(from, to), before?.length ?? 0);
    this.#kept = kept;
  }

  /** What was kept, which is the caller's from now on. */
  takeKept(): Uint8Array<ArrayBuffer> | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept;
  }

  /** The parser is about to read a buffer from `at` on. */
  enter(at: number): void {
    this.#mark = at;
    this.parser.pos = at;
  }

  /** The parser will read that buffer no further for now. */
  leave(): void {
    this.#count += this.parser.pos - this.#mark;
    this.#mark = this.parser.pos;
  }

  /** Bytes that were read since this was last asked: head and body of a request, when it is over. */
  takeCount(): number {
    this.leave();
    const count = this.#count;
    this.#count = 0;
    return count;
  }

  /** Ready for another connection. */
  reset(): void {
    this.parser.reset();
    this.takeCount();
    this.dangling = this.ended = false;
    this.#kept = undefined;
  }
}
