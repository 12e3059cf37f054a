// In what pieces does the body of a reply come to a filter? One after the other, whatever it is made of: bytes, text, parts of files or a
// stream. Nothing is read ahead of whoever asks.

import type { FileSource } from "../../../mpm/mod.ts";
import * as posix from "../../../platform/posix.ts";
import { streamOfPushed } from "../../http/engine/push_stream.ts";
import type { Body, BodyPart } from "../../http/engine/reply.ts";

/**
 * The content of a body in order. A piece without bytes says that no more is ready: what a filter holds back should go on now, for
 * somebody may be waiting for it.
 */
export type Pieces = AsyncIterable<Uint8Array<ArrayBuffer>>;

/** That piece. */
export const NOTHING_READY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** Files are read, and what is in memory is given, in pieces of this size (bytes). */
const PIECE = 65_536;
/** A stream that gives nothing within so many microtasks is not ready. */
const READY_WITHIN = 8;
/** A part of a file that is not in memory after so many fetches is waited for. */
const FETCHES = 20;

const encoder = new TextEncoder();

/** A file that ends before its end, or cannot be read any more. */
export class ShortFileError extends Error {
  override readonly name = "ShortFileError";
}

/** Pieces that somebody may have no more use for. */
export interface Source extends Pieces {
  /** Nobody will ask any more: what it holds is released, a stream is told `reason`. */
  cancel(reason: unknown): void;
}

/** The pieces of `body`, to be asked for once. */
export function piecesOf(body: Body): Source {
  if (body.kind === "stream") return new StreamSource(body.stream);
  if (body.kind === "pushed") return new StreamSource(streamOfPushed(body.source));
  if (body.kind === "parts") return new PartsSource(body.parts);
  if (body.kind === "none") return new PartsSource([]);
  return new PartsSource([body.kind === "bytes" ? body.bytes : encoder.encode(body.text)]);
}

class PartsSource implements Source {
  readonly #parts: BodyPart[];

  constructor(parts: readonly BodyPart[]) {
    this.#parts = [...parts];
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    try {
      for (;;) {
        // The next one is looked at, not taken: who cancels releases it.
        const part = this.#parts[0];
        if (part === undefined) return;
        if (part instanceof Uint8Array) {
          for (let at = 0; at < part.length; at += PIECE) yield part.subarray(at, at + PIECE);
        } else {
          for (let at = 0; at < part.length;) {
            const piece = await readPiece(part.file, part.offset + at, Math.min(PIECE, part.length - at));
            if (this.#parts[0] !== part) return;
            at += piece.length;
            yield piece;
          }
          part.file.release();
        }
        this.#parts.shift();
      }
    } finally {
      this.cancel();
    }
  }

  cancel(): void {
    for (const part of this.#parts.splice(0)) if (!(part instanceof Uint8Array)) part.file.release();
  }
}

/** Up to `length` bytes of `file` at `offset`, without a wait of this thread for a disk. @throws ShortFileError */
async function readPiece(file: FileSource, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  if (file.fd < 0 || !posix.isOpen()) {
    const piece = new Uint8Array(length);
    const n = file.readAt(piece, length, offset);
    if (n <= 0) throw new ShortFileError("a file became shorter while it was sent");
    return piece.subarray(0, n);
  }
  const reader = posix.threadFileReader();
  for (let fetches = 0;; fetches++) {
    const n = fetches < FETCHES
      ? reader.read(file.fd, length, offset)
      : reader.readWaiting(file.fd, length, offset);
    if (n > 0) return reader.buffer.slice(0, n);
    if (n !== -posix.Errno.EAGAIN) throw new ShortFileError("a file became shorter while it was sent");
    await reader.fetch(file.fd, length, offset);
  }
}

class StreamSource implements Source {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #cancelled = false;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    let over = false;
    try {
      for (let first = true;; first = false) {
        let settled = false;
        const reading = this.#reader.read();
        // What it fails with is thrown below.
        reading.then(() => settled = true, () => settled = true);
        if (!first) {
          for (let tick = 0; tick < READY_WITHIN && !settled; tick++) await undefined;
          if (!settled) yield NOTHING_READY;
        }
        const { done, value } = await reading.catch((error) => {
          over = true;
          throw error;
        });
        over = done;
        if (done) return;
        if (!(value instanceof Uint8Array)) {
          throw new TypeError("a response stream gave something other than a Uint8Array");
        }
        if (value.length > 0) yield value as Uint8Array<ArrayBuffer>;
      }
    } finally {
      if (!over) this.cancel("nobody reads the response any more");
    }
  }

  cancel(reason: unknown): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    // What its source makes of that is its own affair.
    this.#reader.cancel(reason).catch(() => {});
  }
}
