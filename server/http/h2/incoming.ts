// How does the request of a stream come in? Its body piece by piece, for a handler that may read slowly or not at all, from a client
// that may wait for leave to send it, be too slow, or send something else than it has announced.

import type { Exchange } from "../../request/exchange.ts";
import { ReadTimer } from "../engine/read_timer.ts";
import type { Reply } from "../engine/reply.ts";
import { type BodySource, StreamedBody } from "../engine/request_body.ts";
import type { ConnectionSettings } from "../engine/service.ts";
import { FAULTS, ProtocolError } from "../parser/errors.ts";
import { ErrorCode, StreamError } from "./error.ts";

/** The stream whose request it is. */
export interface IncomingOwner {
  readonly id: number;
  readonly exchange: Exchange;
  readonly settings: ConnectionSettings;
  /** Nothing can be written to the client any more. */
  readonly over: boolean;
  /** Takes what comes on a stream that is something else than a request. */
  receive(bytes: Uint8Array<ArrayBuffer>): void;
  /** Tells the client that the body is wanted. */
  sendContinue(): void;
  /** Gives the client room for `bytes` more. */
  giveRoom(bytes: number): void;
  /** No more of the request can be had, as `message` says. `error`: what the client has done. */
  broken(message: string, error: ProtocolError): void;
  proceed(step: () => void): void;
}

/** What one stream receives. */
export class Incoming implements BodySource {
  /** All of the request is here. */
  received = false;
  /** The handler does not take more for now. */
  paused = false;
  /** The client waits for 100 (Continue) before it sends the body. */
  expects = false;
  /** Bytes of the body that have come. */
  bodyBytes = 0;
  /** What the client may still send; and what was taken of that and not told yet. */
  #room: number;
  #taken = 0;
  /** LimitRequestBody; 0: none. */
  #limit = 0;
  #body: StreamedBody | undefined = undefined;
  /** What to answer when the handler gave up because of its body. */
  #answer: ((exchange: Exchange) => Reply) | undefined = undefined;
  readonly #timer = new ReadTimer();

  /** @param window what the client may send before some of it is taken, in bytes */
  constructor(readonly owner: IncomingOwner, readonly window: number) {
    this.#room = window;
  }

  /** The body may have `limit` bytes; 0: as many as can be counted. Returns false if the client has announced more. */
  limit(limit: number): boolean {
    this.#limit = limit;
    return this.owner.exchange.head.contentLength <= (limit || Number.MAX_SAFE_INTEGER);
  }

  /** The handler reads the body itself. */
  offer(): void {
    this.owner.exchange.body = this.#body = new StreamedBody(this);
  }

  /** A DATA frame has begun; flow control counts `length` bytes of it. @throws StreamError */
  take(length: number): void {
    const { id } = this.owner;
    if (this.received) throw new StreamError(id, ErrorCode.StreamClosed, "DATA behind the end of a stream");
    this.#room -= length;
    if (this.#room < 0) throw new StreamError(id, ErrorCode.FlowControlError, "more DATA than the window");
  }

  /** A piece of the body has arrived. @throws StreamError */
  data(bytes: Uint8Array<ArrayBuffer>): void {
    const { owner } = this;
    const { head } = owner.exchange;
    this.bodyBytes += bytes.length;
    if (this.#timer.running) this.#timer.note(bytes.length);
    if (head.bodyKind === "length" && this.bodyBytes > head.contentLength) {
      throw new StreamError(owner.id, ErrorCode.ProtocolError, "more of a body than its Content-Length");
    }
    if (this.#limit > 0 && this.bodyBytes > this.#limit) {
      return owner.broken("the request body is too large", new ProtocolError(FAULTS.chunksTooLarge));
    }
    if (head.bodyKind === "none") owner.receive(bytes);
    else this.#body?.push(bytes);
  }

  /** `bytes` of the window were used up: they are given back, if the handler takes what comes. */
  consumed(bytes: number): void {
    this.#taken += bytes;
    if (!this.paused) this.#giveRoom();
  }

  #giveRoom(): void {
    // Told once in a while: half of the window is still open then.
    if (this.#taken * 2 < this.window || this.received || this.owner.over) return;
    const taken = this.#taken;
    this.#taken = 0;
    this.#room += taken;
    this.owner.giveRoom(taken);
  }

  /** The request is complete. @throws StreamError */
  end(): void {
    const { id, exchange: { head } } = this.owner;
    if (head.bodyKind === "length" && this.bodyBytes !== head.contentLength) {
      throw new StreamError(id, ErrorCode.ProtocolError, "less of a body than its Content-Length");
    }
    this.received = true;
    this.#timer.stop();
    this.#body?.end();
  }

  /** No more of the body will come. `answer` is for a handler that gives up for that reason. */
  break(message: string, answer: (exchange: Exchange) => Reply): void {
    this.#answer = answer;
    this.#body?.fail(message);
  }

  /** The answer for a handler that gave up because of its body. */
  answerFor(exchange: Exchange): Reply | undefined {
    return this.#answer?.(exchange);
  }

  /** The stream is over, as `message` says to whoever still reads. */
  close(message: string): void {
    this.#timer.stop();
    this.#body?.fail(message);
    this.#body?.discard();
  }

  /** More of the request is needed to go on: times the client. */
  await(): void {
    if (this.received || this.#timer.running) return;
    this.#timer.start(performance.now(), this.owner.settings.bodyTimeout);
  }

  /** Nobody waits for the client any more. */
  stopTimer(): void {
    this.#timer.stop();
  }

  /** The client is being waited for. */
  get awaited(): boolean {
    return this.#timer.running;
  }

  /** The client has been waited for too long, at `now` (performance.now()). */
  overdue(now: number): boolean {
    return this.#timer.running && this.#timer.left(now, this.owner.settings.timeout) <= 0;
  }

  /** A tunnel takes what comes, or has enough for now. */
  setReading(on: boolean): void {
    this.paused = !on;
    if (on) this.owner.proceed(() => this.#giveRoom());
  }

  resume(): void {
    const { owner } = this;
    if (this.received || owner.over) return;
    this.paused = false;
    owner.proceed(() => {
      if (this.expects) owner.sendContinue();
      this.expects = false;
      this.#giveRoom();
    });
    this.await();
  }

  pause(): void {
    this.paused = true;
    this.#timer.stop();
  }
}
