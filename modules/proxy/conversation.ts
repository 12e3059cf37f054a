// How is a request made to another server, and how does its answer come back? One conversation from the choice of a backend to the last
// byte, whatever the protocol: connections, time, tries, and streams in both directions at the pace of whoever is slower.

import {
  type Body,
  NO_BODY,
  type PushSink,
  type PushSource,
  type Reply,
} from "../../server/http/engine/reply.ts";
import { Acquisition, type AcquisitionOwner } from "./acquisition.ts";
import { type ConversationParts, EXPIRED, type Failure, HIGH_WATER } from "./conversation_parts.ts";
import type { BackendHead, Protocol, ResponseTaker } from "./protocol.ts";
import { BodyPump, type PumpOwner, sendHead } from "./request_sending.ts";
import type { Lease, Worker } from "./worker.ts";

/** How long (ms) a backend has to say that it wants the body. */
const CONTINUE_MS = 1000;

/** One request to other servers. */
export class Conversation implements AcquisitionOwner, PumpOwner, PushSource, ResponseTaker {
  readonly #parts: ConversationParts;
  #worker: Worker;
  #protocol!: Protocol;
  #lease: Lease | undefined;
  /** While there is no connection. */
  #acquisition: Acquisition | undefined;
  #settle!: (reply: Reply) => void;
  #reject!: (error: unknown) => void;
  #answered = false;
  #over = false;
  /** The answer's head, until a reply is made of it. */
  #head: BackendHead | undefined;
  #status: number | undefined;
  /** Content that nobody has taken yet. */
  #early: Uint8Array<ArrayBuffer>[] = [];
  #earlySize = 0;
  #done = false;
  #broken = false;
  #sink: PushSink | undefined;
  #paused = false;
  #awaitingContinue = false;
  #bodySent = false;
  #pump: BodyPump | undefined;
  #sent = 0;
  #received = 0;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    this.#worker = parts.worker;
  }

  /** The answer. Rejected with what the request's body failed with. */
  run(): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#reject = reject;
      this.#parts.exchange.onAbort = () => this.abort();
      this.#parts.begun(this.#worker);
      this.#attempt(false);
    });
  }

  /** True when nothing but descriptors is waited for. */
  get direct(): boolean {
    return this.#parts.stream === undefined &&
      (this.#lease !== undefined || this.#acquisition?.direct === true);
  }

  #attempt(fresh: boolean): void {
    if (this.#over) return;
    const worker = this.#worker;
    this.#protocol = this.#parts.protocol(worker);
    const lease = fresh ? undefined : worker.takeIdle(this);
    if (lease !== undefined) {
      this.#lease = lease;
      return this.#begin();
    }
    this.#acquisition = new Acquisition(worker, this.#parts.timeout(worker), this);
    this.#acquisition.start();
  }

  /** The backend cannot be had: another one, if there is one. */
  onUnreached(failure: Failure, reason: string): void {
    this.#acquisition = undefined;
    const failed = this.#worker;
    const reply = this.#parts.failed(failure, reason, failed);
    const next = failure === "busy" || this.#pump !== undefined ? undefined : this.#parts.next(failed);
    if (next === undefined) return this.#answer(reply);
    this.#parts.over(failed, undefined, 0, 0);
    this.#worker = next;
    this.#parts.begun(next);
    this.#attempt(false);
  }

  onConnected(): void {
    this.#acquisition?.onConnected();
  }

  onFault(error: unknown): void {
    this.#reject(error);
  }

  onLease(lease: Lease): void {
    this.#acquisition = undefined;
    this.#lease = lease;
    this.#begin();
  }

  /** There is a connection: the request goes out. */
  #begin(): void {
    const { whole, stream } = this.#parts;
    const { connection } = this.#lease!;
    const protocol = this.#protocol;
    this.#bodySent = stream === undefined;
    this.#sent += sendHead(connection, protocol, whole, this.#bodySent);
    if (stream === undefined || !protocol.waitsForContinue) {
      connection.setTimer(this.#parts.timeout(this.#worker));
      if (stream !== undefined) this.#sendBody(stream);
      return;
    }
    this.#awaitingContinue = true;
    connection.setTimer(CONTINUE_MS);
  }

  onContinue(): void {
    const { stream } = this.#parts;
    if (!this.#awaitingContinue || stream === undefined) return;
    this.#awaitingContinue = false;
    this.#lease?.connection.setTimer(this.#parts.timeout(this.#worker));
    this.#sendBody(stream);
  }

  #sendBody(stream: () => ReadableStream<Uint8Array<ArrayBuffer>>): void {
    this.#pump = new BodyPump(this.#lease!.connection, this.#protocol, this);
    this.#pump.run(stream);
  }

  onSent(bytes: number): void {
    this.#sent += bytes;
    this.#lease?.connection.setTimer(this.#parts.timeout(this.#worker));
  }

  onBodySent(): void {
    this.#bodySent = true;
  }

  onBodyFailed(error: unknown): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#finish(false);
    this.#reject(error);
  }

  onDrained(): void {
    this.#pump?.wake();
  }

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.#received += length;
    this.#protocol.receive(bytes, length, this);
    this.#afterInput();
  }

  onEnd(): void {
    this.#protocol.ended(this);
    this.#afterInput();
  }

  /** The input that was there is understood: what has come of it goes on. */
  #afterInput(): void {
    if (this.#over) return;
    const connection = this.#lease?.connection;
    if (this.#head !== undefined && !this.#answered) this.#reply(this.#head);
    else if (this.#sink === undefined && this.#earlySize > HIGH_WATER) this.#pause();
    if (this.#paused || connection === undefined) return;
    connection.setTimer(this.#parts.timeout(this.#worker));
  }

  #pause(): void {
    if (this.#lease === undefined || this.#paused) return;
    this.#paused = true;
    this.#lease.connection.setReading(false);
    // Others are slow now.
    this.#lease.connection.setTimer(0);
  }

  onHead(head: BackendHead): void {
    this.#head = head;
    this.#status = head.status;
    this.#awaitingContinue = false;
  }

  onUpgrade(head: BackendHead, rest: Uint8Array<ArrayBuffer>): void {
    const lease = this.#lease!;
    this.#status = head.status;
    this.#answered = true;
    this.#over = true;
    lease.connection.setTimer(0);
    lease.connection.setReading(false);
    this.#settle(this.#parts.upgraded(head, lease.connection, rest));
    // The tunnel closes it; it counts as used until then.
    this.#lease = undefined;
    this.#parts.over(this.#worker, head.status, this.#sent, this.#received);
  }

  onBody(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): void {
    if (this.#over || from === to) return;
    if (this.#sink === undefined) {
      this.#early.push(bytes.slice(from, to));
      this.#earlySize += to - from;
    } else if (!this.#sink.push(bytes, from, to)) this.#pause();
  }

  onDone(reusable: boolean): void {
    if (this.#over || this.#done) return;
    this.#done = true;
    this.#release(reusable && this.#bodySent);
    this.#end();
  }

  onBad(ah: string | undefined, message: string): void {
    if (this.#over || this.#done) return;
    this.#parts.log("error", ah, message);
    this.#fail("bad", message);
  }

  /** The connection goes back. */
  #release(reusable: boolean): void {
    const lease = this.#lease;
    if (lease === undefined) return;
    this.#lease = undefined;
    this.#worker.release(lease, reusable);
    this.#pump?.stop();
  }

  /** All of the answer is here, or will never be. */
  #end(): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    this.#finish(false);
    if (this.#broken) sink.fail();
    else sink.end();
  }

  #reply(head: BackendHead): void {
    const worker = this.#worker;
    if (!this.#done) {
      const body: Body = head.bodiless ? NO_BODY : { kind: "pushed", source: this, length: head.length };
      return this.#answer(this.#parts.reply(head, body, worker));
    }
    if (this.#broken) {
      return this.#answer(this.#parts.failed("read", "the connection ended within the response", worker));
    }
    const bytes = this.#early.length === 1 ? this.#early[0] : joined(this.#early, this.#earlySize);
    this.#early = [];
    const reply = this.#parts.reply(head, head.bodiless ? NO_BODY : { kind: "bytes", bytes }, worker);
    this.#finish(false);
    this.#answer(reply);
  }

  #answer(reply: Reply): void {
    if (this.#answered) return;
    this.#answered = true;
    if (reply.body.kind !== "pushed") this.#finish(false);
    this.#settle(reply);
  }

  start(sink: PushSink): void {
    if (this.#broken && this.#earlySize === 0) return sink.fail();
    this.#sink = sink;
    const early = this.#early;
    this.#early = [];
    this.#earlySize = 0;
    let more = true;
    for (const piece of early) more = sink.push(piece, 0, piece.length);
    if (this.#done) return this.#end();
    if (more) this.resume();
    else this.#pause();
  }

  resume(): void {
    if (!this.#paused || this.#lease === undefined) return;
    this.#paused = false;
    const { connection } = this.#lease;
    connection.setTimer(this.#parts.timeout(this.#worker));
    connection.setReading(true);
  }

  cancel(): void {
    this.#finish(false);
  }

  /** The client is gone. */
  abort(): void {
    if (this.#over) return;
    this.#finish(false);
    if (this.#answered) return;
    this.#answered = true;
    this.#settle({ status: 502, fields: [], body: NO_BODY, close: true });
  }

  onFailed(reason: string): void {
    if (this.#over) return;
    if (this.#acquisition === undefined) this.#lost(reason);
    else this.#acquisition.onFailed(reason);
  }

  onLost(reason: string): void {
    if (!this.#over && !this.#done) this.#lost(reason);
  }

  #lost(reason: string): void {
    const { repeatable, stream } = this.#parts;
    const lease = this.#lease;
    const retries = lease?.reused === true && this.#protocol.untouched && repeatable && stream === undefined;
    if (!retries) return this.#fail("read", reason);
    // The backend has closed it before it saw the request, as it may at any time.
    this.#parts.log(
      "debug",
      undefined,
      `${this.#worker.label} had closed its connection: trying again on a new one`,
    );
    this.#release(false);
    this.#attempt(true);
  }

  onTimeout(): void {
    if (this.#over) return;
    if (this.#awaitingContinue) return this.onContinue();
    if (this.#acquisition !== undefined) return this.#acquisition.onTimeout();
    this.#fail("timeout", EXPIRED);
  }

  #fail(failure: Failure, reason: string): void {
    this.#release(false);
    this.#done = true;
    this.#broken = true;
    if (!this.#answered) {
      this.#head = undefined;
      return this.#answer(this.#parts.failed(failure, reason, this.#worker));
    }
    if (failure !== "bad") {
      this.#parts.log("error", "AH01110", `${reason}: error reading response from ${this.#worker.label}`);
    }
    this.#end();
  }

  /** Nothing more comes of it. */
  #finish(reusable: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#acquisition?.cancel();
    this.#release(reusable);
    const { exchange, over } = this.#parts;
    exchange.onAbort = undefined;
    over(this.#worker, this.#status, this.#sent, this.#received);
  }
}

/** One array of `pieces`, which have `size` bytes. */
export function joined(pieces: readonly Uint8Array<ArrayBuffer>[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
