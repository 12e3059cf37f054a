// How does a handler get at the body of its request? As a stream that lets the client wait when the handler is slow, and that
// answers an Expect: 100-continue only when somebody begins to read.

import type { RequestBody } from "../../request/exchange.ts";

/** The engine's side of a body that is being received. */
export interface BodySource {
  /** The handler wants more: read on. */
  resume(): void;
  /** The handler has enough for now. */
  pause(): void;
}

/** A body whose client went away, was too slow or sent nonsense. */
export class BodyError extends Error {
  override readonly name = "BodyError";
}

/** This much (bytes) is received ahead of the handler. */
const HIGH_WATER = 65536;

/** The body of one request. */
export class StreamedBody implements RequestBody {
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  #stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  /** Whoever waits for all of it. */
  #whole: PromiseWithResolvers<Uint8Array<ArrayBuffer>> | undefined;
  /** What arrived before anybody asked for the stream, or all that has arrived for who wants the whole. */
  #early: Uint8Array<ArrayBuffer>[] = [];
  #earlySize = 0;
  #ended = false;
  #error: BodyError | undefined;

  constructor(readonly source: BodySource) {}

  /** True once the handler has asked for the stream, or for the whole. */
  get taken(): boolean {
    return this.#stream !== undefined || this.#whole !== undefined;
  }

  whole(): Promise<Uint8Array<ArrayBuffer>> {
    this.#whole = Promise.withResolvers();
    if (this.#error !== undefined) this.#whole.reject(this.#error);
    else if (this.#ended) this.#whole.resolve(this.#joined());
    else this.source.resume();
    return this.#whole.promise;
  }

  #joined(): Uint8Array<ArrayBuffer> {
    const pieces = this.#early;
    this.#early = [];
    if (pieces.length === 1) return pieces[0];
    const joined = new Uint8Array(this.#earlySize);
    let at = 0;
    for (const piece of pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    return joined;
  }

  /** The stream. Asked for again it is the same one, which the platform then reports as locked or disturbed. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#stream ??= new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        for (const bytes of this.#early) controller.enqueue(bytes);
        this.#early = [];
        if (this.#error !== undefined) controller.error(this.#error);
        else if (this.#ended) controller.close();
      },
      pull: () => this.source.resume(),
      cancel: () => {
        this.#controller = undefined;
        // Behind the end the source may be at work for another request.
        if (!this.#ended && this.#error === undefined) this.source.resume();
      },
    }, { highWaterMark: HIGH_WATER, size: (bytes) => bytes.length });
    return this.#stream;
  }

  /** The engine received `bytes` (a copy, the handler's to keep). */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#stream === undefined) {
      this.#early.push(bytes);
      this.#earlySize += bytes.length;
      if (this.#earlySize >= HIGH_WATER && this.#whole === undefined) this.source.pause();
      return;
    }
    if (this.#controller === undefined) return;
    this.#controller.enqueue(bytes);
    if ((this.#controller.desiredSize ?? 0) <= 0) this.source.pause();
  }

  /** The body is complete. */
  end(): void {
    this.#ended = true;
    this.#whole?.resolve(this.#joined());
    this.#controller?.close();
    this.#controller = undefined;
  }

  /** No more will come, and it was not all. */
  fail(message: string): void {
    if (this.#error !== undefined || this.#ended) return;
    this.#error = new BodyError(message);
    this.#whole?.reject(this.#error);
    this.#controller?.error(this.#error);
    this.#controller = undefined;
  }

  /** The response is done: what is still to come is nobody's, and the engine may be at work for another client. */
  discard(): void {
    this.#early = [];
    this.fail("the response was finished before the request body was read");
  }
}
