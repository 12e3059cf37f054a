// How does a pushed body go out? Each piece in the call in which it comes, behind its head: from one descriptor to the other, without
// a copy where the client takes it at once. A client that is slow makes the source wait.

import type { Exchange } from "../../request/exchange.ts";
import { TOGETHER } from "./body_sender.ts";
import type { PushSink, PushSource } from "./reply.ts";
import type { Outlet } from "./staging.ts";
import type { Framing } from "./writer.ts";

/** The source waits while more than this is on its way to the client. */
const HIGH_WATER = 262_144;
const LAST_CHUNK = "0\r\n\r\n";

/** Who the sender tells what it meets. */
export interface PushOwner {
  /** The source has to wait for the client. */
  waits(): void;
  /** The body is over; not `complete`: it was broken off. */
  over(complete: boolean): void;
  fault(error: unknown): void;
}

/** One pushed response body on its way. Its head is staged. */
export class PushSender implements PushSink {
  /** The source waits for the client to take what was sent. */
  waiting = false;
  #state: "starting" | "running" | "over" = "starting";
  #complete = false;

  constructor(
    readonly exchange: Exchange,
    readonly source: PushSource,
    readonly framing: Framing,
    readonly length: number | undefined,
    readonly outlet: Outlet,
    readonly owner: PushOwner,
  ) {}

  /** Begins. Returns true when all was there: nobody is told any more. */
  start(): boolean {
    this.source.start(this);
    if (this.#isOver() && this.#complete) return true;
    // The head leaves whether there is content yet or not.
    this.outlet.flush();
    if (this.#isOver()) queueMicrotask(() => this.owner.over(false));
    else this.#state = "running";
    return false;
  }

  #isOver(): boolean {
    return this.#state === "over";
  }

  push(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): boolean {
    if (this.#isOver()) return false;
    const { exchange, outlet, framing, length } = this;
    // What comes behind the announced end is not sent.
    const count = length === undefined ? to - from : Math.min(to - from, length - exchange.bytesSent);
    if (count === 0) return true;
    const chunked = framing === "chunked";
    const start = chunked ? `${count.toString(16)}\r\n` : "";
    const end = chunked ? "\r\n" : "";
    outlet.output.latin1(start);
    const piece = from === 0 && count === bytes.length ? bytes : bytes.subarray(from, from + count);
    if (count < TOGETHER) {
      outlet.output.append(piece);
      outlet.output.latin1(end);
    } else {
      outlet.flush(true);
      outlet.transport.write(piece, count, false);
      outlet.output.latin1(end);
    }
    exchange.bytesSent += count;
    exchange.bytesWritten += start.length + count + end.length;
    outlet.flush();
    if (outlet.transport.backlog <= HIGH_WATER) return true;
    this.waiting = true;
    this.owner.waits();
    return false;
  }

  end(): void {
    const { exchange, length, framing, outlet } = this;
    if (this.#isOver()) return;
    if (length !== undefined && exchange.bytesSent !== length) return this.fail();
    if (framing === "chunked") {
      outlet.output.latin1(LAST_CHUNK);
      exchange.bytesWritten += LAST_CHUNK.length;
    }
    outlet.flush();
    this.#finish(true);
  }

  fail(): void {
    if (!this.#isOver()) this.#finish(false);
  }

  #finish(complete: boolean): void {
    const starting = this.#state === "starting";
    this.#state = "over";
    this.#complete = complete;
    this.waiting = false;
    if (!starting) this.owner.over(complete);
  }

  /** The client has taken what was sent. */
  drained(): void {
    if (!this.waiting) return;
    this.waiting = false;
    this.source.resume();
  }

  /** The client is gone. */
  abort(): void {
    if (this.#isOver()) return;
    this.#state = "over";
    this.waiting = false;
    this.source.cancel();
  }
}
