// How are bytes compressed, or the opposite, piece by piece? A stream of node:zlib works on one piece at a time, on this thread: between two
// pieces others have their turn, so that nobody waits for longer than one takes.

import type { Transform } from "node:stream";
import { NOTHING_READY, type Pieces } from "../../server/request/filters/mod.ts";

/** A stream of node:zlib. */
export interface ZlibStream extends Transform {
  flush(done: () => void): void;
}

/** A content coding with its settings. */
export interface Coder {
  /** All of `bytes` at once, for few. */
  whole(bytes: Uint8Array): Uint8Array;
  stream(): ZlibStream;
}

/** What went in and came out, in bytes; known in full when the body is over. */
export interface Counts {
  input: number;
  output: number;
}

/** A stream of node:zlib, one step after the other. */
class Steps {
  readonly #stream: ZlibStream;
  #made: Uint8Array<ArrayBuffer>[] = [];
  #failed: ((error: Error) => void) | undefined = undefined;
  #error: Error | undefined = undefined;

  constructor(stream: ZlibStream) {
    this.#stream = stream;
    stream.on("data", (bytes: Uint8Array<ArrayBuffer>) => this.#made.push(bytes));
    stream.on("error", (error: Error) => {
      this.#error = error;
      this.#failed?.(error);
    });
  }

  #step(take: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) return reject(this.#error);
      this.#failed = reject;
      take(resolve);
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#step((done) =>
      this.#stream.write(bytes, (error) => {
        // What is wrong comes as an event too.
        if (error === null || error === undefined) done();
      })
    );
  }

  flush(): Promise<void> {
    return this.#step((done) => this.#stream.flush(done));
  }

  end(): Promise<void> {
    return this.#step((done) => {
      this.#stream.once("end", done);
      this.#stream.end();
    });
  }

  /** What has been made since the last time. */
  take(): Uint8Array<ArrayBuffer>[] {
    const made = this.#made;
    this.#made = [];
    return made;
  }

  close(): void {
    this.#failed = undefined;
    this.#stream.destroy();
  }
}

/** `pieces` through `stream`. `slice`: at most so many bytes go in at a time. */
export async function* coded(
  pieces: Pieces,
  stream: ZlibStream,
  counts: Counts,
  slice = 65_536,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const steps = new Steps(stream);
  function* made() {
    for (const bytes of steps.take()) {
      counts.output += bytes.length;
      yield bytes;
    }
  }
  try {
    let held = false;
    for await (const piece of pieces) {
      if (piece === NOTHING_READY || piece.length === 0) {
        if (!held) continue;
        held = false;
        await steps.flush();
        yield* made();
        continue;
      }
      held = true;
      for (let at = 0; at < piece.length; at += slice) {
        const part = piece.subarray(at, at + slice);
        counts.input += part.length;
        await steps.write(part);
        yield* made();
      }
    }
    await steps.end();
    yield* made();
  } finally {
    steps.close();
  }
}
