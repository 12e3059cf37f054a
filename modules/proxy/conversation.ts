// How is a request made to another server, and how does its answer come back? One conversation from the choice of a backend to the last
// byte, whatever the protocol: connections, time, tries, and streams in both directions at the pace of whoever is slower.

import type { Destination, OutgoingConnection, OutgoingUser } from "../../mpm/mod.ts";
import { OutputBuffer } from "../../server/http/engine/output.ts";
import {
  type Body,
  NO_BODY,
  type PushSink,
  type PushSource,
  type Reply,
} from "../../server/http/engine/reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { CgiHead } from "../cgi/response.ts";
import type { Lease, Worker } from "./worker.ts";

/** What a backend has answered, but for its content: as a program does, whatever the protocol; `length` may be that of what GET would give. */
export type BackendHead = CgiHead;

/** A language of backends: makes bytes of a request, and a response of bytes. One object per try. */
export interface Protocol {
  /** Appends what is in front of the body. */
  begin(out: OutputBuffer): void;
  /** Appends a piece of the body, in its framing. */
  piece(out: OutputBuffer, bytes: Uint8Array<ArrayBuffer>): void;
  /** Appends what is behind the body. */
  finish(out: OutputBuffer): void;
  /** Input. Tells `to` what it is; what it tells may end the conversation. */
  receive(bytes: Uint8Array<ArrayBuffer>, length: number, to: ResponseTaker): void;
  /** The backend sends no more. */
  ended(to: ResponseTaker): void;
  /** Nothing of an answer has come. */
  readonly untouched: boolean;
  /** The body is sent when the backend has said that it wants it, or for `ms` nothing. */
  readonly waitsForContinue: boolean;
}

/** Who is told what a backend says. */
export interface ResponseTaker {
  /** It wants the body. */
  onContinue(): void;
  onHead(head: BackendHead): void;
  /** It has changed the protocol, as was asked for. */
  onUpgrade(head: BackendHead, rest: Uint8Array<ArrayBuffer>): void;
  onBody(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): void;
  /** That was all. `reusable`: another request may be made on the connection. */
  onDone(reusable: boolean): void;
  /** Its connection is gone, and that is not the end of an answer. */
  onLost(reason: string): void;
  /** What it says makes no sense. */
  onBad(ah: string | undefined, message: string): void;
}

/** Why there is no answer. */
export type Failure = "lookup" | "connect" | "busy" | "read" | "timeout" | "bad";

/** What a conversation is about. */
export interface ConversationParts {
  readonly exchange: Exchange;
  readonly worker: Worker;
  /** Another backend for a request that nobody has received; undefined: there is none. */
  next(failed: Worker): Worker | undefined;
  protocol(worker: Worker): Protocol;
  /** All of the request's body; undefined: there is none, or it is a stream. */
  readonly whole: Uint8Array<ArrayBuffer> | undefined;
  /** Taken when it is wanted: whoever takes it gives the client leave to send. */
  readonly stream: (() => ReadableStream<Uint8Array<ArrayBuffer>>) | undefined;
  /** How long (ms) a backend may be silent. */
  readonly timeout: (worker: Worker) => number;
  /** It may be made twice. */
  readonly repeatable: boolean;
  reply(head: BackendHead, body: Body, worker: Worker): Reply;
  upgraded(head: BackendHead, connection: OutgoingConnection, rest: Uint8Array<ArrayBuffer>): Reply;
  /** Logs, and makes the reply. */
  failed(failure: Failure, reason: string, worker: Worker): Reply;
  log(level: "error" | "warn" | "debug", ah: string | undefined, message: string): void;
  /** Begin and end with a worker; `bytes` of its response. */
  begun(worker: Worker): void;
  over(worker: Worker, status: number | undefined, sent: number, received: number): void;
}

/** Sending to the backend waits while it has more than this to take; so does reading before somebody takes the answer. */
const HIGH_WATER = 262_144;
/** How long (ms) a backend has to say that it wants the body. */
const CONTINUE_MS = 1000;
/** How a full queue is refused (EAGAIN), and how soon (ms) it is looked whether there is room. */
const QUEUE_FULL = /^\((?:11|35)\)/;
const QUEUE_MS = 20;
const EXPIRED = "(70007)The timeout specified has expired";

const out = new OutputBuffer(8192);

/** One request to other servers. */
export class Conversation implements OutgoingUser, PushSource, ResponseTaker {
  readonly #parts: ConversationParts;
  #worker: Worker;
  #protocol!: Protocol;
  #lease: Lease | undefined;
  #connecting = false;
  #destinations: readonly Destination[] = [];
  #queueUntil = 0;
  #next = 0;
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
  #streamTaken = false;
  #wakePump: (() => void) | undefined;
  #leaveQueue: (() => void) | undefined;
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
    return this.#parts.stream === undefined && (this.#lease !== undefined || this.#leaveQueue !== undefined);
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
    if (worker.full) return this.#queue();
    const found = worker.destinations();
    if (!(found instanceof Promise)) return this.#connectTo(found);
    found.then((later) => this.#connectTo(later)).catch((error) => this.#reject(error));
  }

  /** All connections that there may be are in use. */
  #queue(): void {
    const { acquire } = this.#worker.values;
    const timeout = acquire ?? this.#parts.timeout(this.#worker);
    const leave = this.#worker.await(this, (lease) => {
      clearTimeout(timer);
      this.#leaveQueue = undefined;
      if (typeof lease === "string") return this.#attempt(true);
      this.#lease = lease;
      this.#begin();
    });
    const timer = setTimeout(() => {
      leave();
      this.#leaveQueue = undefined;
      this.#answer(this.#parts.failed("busy", EXPIRED, this.#worker));
    }, timeout);
    this.#leaveQueue = () => {
      clearTimeout(timer);
      leave();
    };
  }

  #connectTo(destinations: readonly Destination[]): void {
    if (this.#over) return;
    if (destinations.length === 0) return this.#unreached("lookup", "no address was found");
    this.#destinations = destinations;
    this.#next = 0;
    this.#connect("");
  }

  /** Tries the next address; `reason` is what the one before has failed with. */
  #connect(reason: string): void {
    const worker = this.#worker;
    let failed = reason;
    while (this.#next < this.#destinations.length) {
      const destination = this.#destinations[this.#next++];
      const lease = worker.connect(destination, this);
      if (typeof lease === "string") {
        failed = lease;
        if (destination.kind === "unix" && QUEUE_FULL.test(lease) && this.#waitsForQueue(lease)) return;
        continue;
      }
      this.#lease = lease;
      this.#connecting = true;
      lease.connection.setTimer(worker.values.connectionTimeout ?? this.#parts.timeout(worker));
      return;
    }
    this.#unreached("connect", failed);
  }

  /** A Unix-domain socket whose queue is full refuses at once, where one of TCP lets clients wait. Returns false when that has been long. */
  #waitsForQueue(reason: string): boolean {
    const now = performance.now();
    if (this.#queueUntil === 0) {
      this.#queueUntil = now + (this.#worker.values.connectionTimeout ?? this.#parts.timeout(this.#worker));
    }
    if (now >= this.#queueUntil) return false;
    setTimeout(() => {
      if (this.#over) return;
      this.#next--;
      this.#connect(reason);
    }, QUEUE_MS);
    return true;
  }

  /** The backend cannot be had: another one, if there is one. */
  #unreached(failure: Failure, reason: string): void {
    const failed = this.#worker;
    const reply = this.#parts.failed(failure, reason, failed);
    const next = this.#streamTaken ? undefined : this.#parts.next(failed);
    if (next === undefined) return this.#answer(reply);
    this.#parts.over(failed, undefined, 0, 0);
    this.#worker = next;
    this.#parts.begun(next);
    this.#attempt(false);
  }

  onConnected(): void {
    this.#connecting = false;
    this.#worker.noteSuccess();
    this.#begin();
  }

  /** There is a connection: the request goes out. */
  #begin(): void {
    const { whole, stream } = this.#parts;
    const { connection } = this.#lease!;
    const protocol = this.#protocol;
    out.length = 0;
    protocol.begin(out);
    if (stream === undefined) {
      if (whole !== undefined && whole.length > 0) protocol.piece(out, whole);
      protocol.finish(out);
      this.#bodySent = true;
    }
    this.#sent += out.length;
    connection.write(out.bytes, out.length);
    if (stream === undefined || !protocol.waitsForContinue) {
      connection.setTimer(this.#parts.timeout(this.#worker));
      if (stream !== undefined) this.#pump(stream);
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
    this.#pump(stream);
  }

  /** Sends the body as it comes. */
  async #pump(stream: () => ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    this.#streamTaken = true;
    const lease = this.#lease;
    const reader = stream().getReader();
    const active = () => !this.#over && !this.#done && this.#lease === lease && lease !== undefined;
    try {
      while (active()) {
        const { done, value } = await reader.read();
        if (!active()) break;
        const { connection } = lease!;
        out.length = 0;
        if (done) this.#protocol.finish(out);
        else this.#protocol.piece(out, value);
        this.#sent += out.length;
        connection.write(out.bytes, out.length);
        connection.setTimer(this.#parts.timeout(this.#worker));
        if (done) {
          this.#bodySent = true;
          return;
        }
        if (connection.backlog > HIGH_WATER) await new Promise<void>((resolve) => this.#wakePump = resolve);
      }
      // Nobody wants the rest.
      reader.cancel().catch(() => {});
    } catch (error) {
      // The client has not sent what it has announced: its connection says so.
      if (this.#answered) return;
      this.#answered = true;
      this.#finish(false);
      this.#reject(error);
    }
  }

  onDrained(): void {
    this.#wakePump?.();
    this.#wakePump = undefined;
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
    this.#wakePump?.();
    this.#wakePump = undefined;
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
    if (!this.#connecting) return this.#lost(reason);
    this.#connecting = false;
    this.#release(false);
    this.#connect(reason);
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
    if (this.#connecting) {
      this.#connecting = false;
      this.#release(false);
      return this.#connect(EXPIRED);
    }
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
    this.#leaveQueue?.();
    this.#release(reusable);
    const { exchange, over } = this.#parts;
    exchange.onAbort = undefined;
    over(this.#worker, this.#status, this.#sent, this.#received);
  }
}

function joined(pieces: readonly Uint8Array<ArrayBuffer>[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
