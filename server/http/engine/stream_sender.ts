// How does a streamed body go out? What the stream gives in one turn is collected here, with this connection, and leaves together;
// a client that is slow makes the stream wait.

import type { Exchange } from "../../request/exchange.ts";
import { TOGETHER } from "./body_sender.ts";
import type { BodySink } from "./body_sink.ts";
import type { Body } from "./reply.ts";

/** A stream that gives nothing within so many microtasks is not ready: what it has given until then goes out. */
const READY_WITHIN = 8;

/** Who the sender tells what it meets. */
export interface SenderOwner {
  /** The stream has to wait for the client. */
  waits(): void;
  /** The stream gave something else than it should, or failed. */
  streamFailed(exchange: Exchange, error: unknown): void;
  /** A stream failed that nobody waits for any more. */
  sourceFailed(error: unknown): void;
  /** Something of ours failed. */
  fault(error: unknown, exchange: Exchange): void;
}

/** One streamed response body on its way. */
export class StreamSender {
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  #size = 0;
  /** Something has been sent. */
  #begun = false;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined = undefined;
  #drained: (() => void) | undefined = undefined;
  #aborted = false;
  /** Microtasks without progress, while something is collected. */
  #idle = -1;

  constructor(readonly exchange: Exchange, readonly sink: BodySink, readonly owner: SenderOwner) {}

  /** True while the stream waits for the client to take what was sent. */
  get waiting(): boolean {
    return this.#drained !== undefined;
  }

  /** Sends the whole stream. Returns false when it failed, or gave less than declared: the client must be cut off. */
  async send({ stream, length }: Extract<Body, { kind: "stream" }>): Promise<boolean> {
    const { exchange, sink, owner } = this;
    try {
      const reader = this.#reader = stream.getReader();
      this.#flushSoon();
      for (;;) {
        const { done, value } = await reader.read();
        if (this.#aborted) return false;
        if (done) return this.#end(length);
        if (!(value instanceof Uint8Array)) {
          throw new TypeError("a response stream gave something other than a Uint8Array");
        }
        const rest = length === undefined ? value.length : length - exchange.bytesSent;
        if (rest < value.length) this.#collect(value.subarray(0, rest) as Uint8Array<ArrayBuffer>);
        else this.#collect(value as Uint8Array<ArrayBuffer>);
        if (length !== undefined && exchange.bytesSent === length) {
          return this.#full(reader, value.length > rest);
        }
        if (this.#size >= TOGETHER) this.#flush();
        else this.#flushSoon();
        if (sink.full) await this.#drain();
        if (this.#aborted) return false;
      }
    } catch (error) {
      if (!this.#aborted) {
        this.#flush();
        owner.streamFailed(exchange, error);
        // Of no use to a stream that failed itself: it then fails again with the same.
        this.#reader?.cancel(error).catch(() => {});
      }
    }
    return false;
  }

  #collect(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    this.exchange.bytesSent += bytes.length;
  }

  #drain(): Promise<void> {
    this.owner.waits();
    return new Promise<void>((resolve) => this.#drained = resolve);
  }

  /** The stream is over. */
  #end(declared: number | undefined): boolean {
    const { exchange } = this;
    if (declared !== undefined && exchange.bytesSent !== declared) {
      throw new RangeError(`a response stream gave ${exchange.bytesSent} of ${declared} bytes`);
    }
    this.#flush(true);
    return true;
  }

  /** All is there that was declared: the response is whole. Whatever comes behind it is not sent. */
  #full(reader: ReadableStreamDefaultReader<Uint8Array>, excess: boolean): boolean {
    this.#flush(true);
    const { exchange, owner } = this;
    const tooMuch = () => {
      const message = `a response stream gave more than its Content-Length of ${exchange.bytesSent}`;
      owner.streamFailed(exchange, new RangeError(message));
      return reader.cancel(message);
    };
    // Most streams end here, which the next read tells.
    const over = excess ? tooMuch() : reader.read().then(({ done }) => done ? undefined : tooMuch());
    over.catch((error) => owner.sourceFailed(error));
    return true;
  }

  /** Sends what was collected once the stream has nothing more that is ready. */
  #flushSoon(): void {
    const waiting = this.#idle >= 0;
    this.#idle = 0;
    if (!waiting) queueMicrotask(this.#hop);
  }

  readonly #hop = (): void => {
    if (this.#idle < 0) return;
    if (++this.#idle <= READY_WITHIN) return queueMicrotask(this.#hop);
    try {
      this.#flush();
    } catch (error) {
      this.owner.fault(error, this.exchange);
    }
  };

  /** Sends what was collected, and the end of the body if it is the `last`. */
  #flush(last = false): void {
    this.#idle = -1;
    if (this.#aborted || (this.#begun && this.#size === 0 && !last)) return;
    this.#begun = true;
    this.sink.send(this.#pieces, this.#size, last);
    this.#pieces.length = 0;
    this.#size = 0;
  }

  /** The client has taken what was sent. */
  drained(): void {
    this.#drained?.();
    this.#drained = undefined;
  }

  /** The client is gone: the source is told at once, whatever it waits for. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#pieces.length = 0;
    this.#idle = -1;
    this.drained();
    this.#reader?.cancel("the client has closed the connection")
      .catch((error) => this.owner.sourceFailed(error));
  }
}
