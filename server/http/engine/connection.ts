// What happens on an HTTP/1.1 connection? The driver between the transport (bytes, slots, timers) and the parser, which does no
// I/O: it feeds the parser, tells the transaction what was found, and decides what the connection waits for.
//
// A request that can be answered at once passes through in one call: input, parser, handler, one write, idle. Everything else
// (a handler that waits, a body that streams in or out, a client that is slow) leaves the call and comes back by an event.

import type { CloseMode, ProtocolHandler, Transport } from "../../../mpm/mod.ts";
import { ParserEvent } from "../parser/mod.ts";
import { readClocks } from "./clock.ts";
import { Input } from "./input.ts";
import { Patience } from "./patience.ts";
import type { OutputBuffer } from "./output.ts";
import { asHttp2Request, settingsOfUpgrade, SWITCHING } from "./http2_upgrade.ts";
import type { Http2Handler, Http2Support, Service } from "./service.ts";
import type { StagingOwner } from "./staging.ts";
import { type Next, Transaction, type TransactionHost } from "./transaction.ts";

/** So many bytes of responses to pipelined requests go out together; then it is looked whether the client takes them. */
const MOST_STAGED = 1 << 18;

export class HttpConnection implements ProtocolHandler, TransactionHost, StagingOwner {
  readonly #input: Input;
  readonly #patience = new Patience();
  readonly #transaction: Transaction;
  #transport!: Transport;
  /** The transport is ours. */
  #attached = false;
  /** The first bytes say which protocol this is. */
  #sniffs = false;
  /** Pipelined requests wait until the client has taken the responses to those before them. */
  #blocked = false;

  constructor(readonly service: Service) {
    this.#input = new Input(service.settings.parser);
    this.#transaction = new Transaction(service, this.#input, this.#patience, this);
  }

  open(transport: Transport): void {
    this.#transport = transport;
    this.#attached = true;
    this.#patience.open(transport);
    this.#transaction.open(transport);
    transport.writeTimeout = this.service.settings.timeout;
    this.#sniffs = transport.served === 0 && this.service.http2 !== undefined;
  }

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    readClocks();
    if (this.#sniffs) return this.#sniff(bytes, length);
    const transaction = this.#transaction;
    if (transaction.tunnel !== undefined) {
      if (length > 0) transaction.tunnel.receive(bytes.slice(0, length));
      return;
    }
    if (
      this.#blocked || (transaction.exchange !== undefined && (transaction.received || transaction.draining))
    ) {
      // The next request is here before the response to this one is out: it has to wait, and so has the client.
      if (length > 0) this.#input.keep(bytes, 0, length);
      return this.#transport.setReading(false);
    }
    this.#patience.noteInput(length);
    this.#consume(bytes, length);
  }

  /** The first bytes of a connection are here, or some of them. */
  #sniff(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    const input = this.#input;
    const transport = this.#transport;
    const { http2, settings } = this.service;
    if (input.hasKept) {
      input.keep(bytes, 0, length);
      bytes = input.takeKept()!;
      length = bytes.length;
    }
    const isHttp2 = http2!.begins(transport, bytes, length);
    if (isHttp2 === undefined) {
      if (length > 0) input.keep(bytes, 0, length);
      this.#patience.forInput(settings.headTimeout, settings.timeout);
      return transport.awaitInput();
    }
    this.#sniffs = false;
    if (!isHttp2) return this.onData(bytes, length);
    this.#patience.endInput();
    this.#speakHttp2(http2!).onData(bytes, length);
  }

  /** The connection is one of HTTP/2 from now on. */
  #speakHttp2(http2: Http2Support): Http2Handler {
    const transport = this.#transport;
    this.#attached = false;
    this.reset();
    const handler = http2.createHandler(transport);
    transport.handOver(handler);
    handler.open(transport);
    return handler;
  }

  /** A head is complete. Changes to HTTP/2 if its client wants that, and goes on with the bytes [pos, end) of `bytes`. */
  #upgrades(bytes: Uint8Array<ArrayBuffer>, pos: number, end: number): boolean {
    const { http2 } = this.service;
    const { head } = this.#input.parser;
    const settings = http2?.upgrades(this.#transport, head) === true ? settingsOfUpgrade(head) : undefined;
    if (settings === undefined) return false;
    this.#patience.endInput();
    const request = asHttp2Request(head);
    this.output.latin1(SWITCHING);
    this.flush();
    const handler = this.#speakHttp2(http2!);
    handler.beginUpgraded(request, settings);
    if (pos < end) handler.onData(bytes.subarray(pos, end), end - pos);
    return true;
  }

  #consume(bytes: Uint8Array<ArrayBuffer>, end: number): void {
    const transaction = this.#transaction;
    const input = this.#input;
    const { parser } = input;
    let pos = 0;
    let requestAt = 0;
    input.enter(pos);
    for (;;) {
      const event = parser.next(bytes, pos, end);
      pos = parser.pos;
      if (event === ParserEvent.NeedData) break;
      if (event === ParserEvent.Data) {
        transaction.bodyData(bytes.slice(parser.dataStart, parser.dataEnd));
        continue;
      }
      let next: Next;
      if (event === ParserEvent.Head) {
        if (parser.head.sentUpgrade && this.#upgrades(bytes, pos, end)) return;
        next = transaction.begin();
      } else if (event === ParserEvent.End) {
        next = transaction.end(pos === end);
        requestAt = pos;
        input.dangling = false;
      } else next = this.#notUnderstood();
      if (next === "last" && pos < end) next = "close";
      if (next !== "continue" && next !== "pending") return this.#end(next);
      if (
        next === "pending" && (transaction.received || transaction.draining || parser.error !== undefined)
      ) {
        if (pos < end) input.keep(bytes, pos, end);
        input.leave();
        return this.#hold();
      }
      if (this.output.length > MOST_STAGED && this.#blocks()) {
        if (pos < end) input.keep(bytes, pos, end);
        return input.leave();
      }
    }
    input.leave();
    if (end > requestAt) input.dangling = true;
    this.flush();
    this.#await();
  }

  /** Behind an error nothing can be understood, whoever still waits for what was before it. */
  #notUnderstood(): Next {
    this.#transport.setReading(false);
    return this.#transaction.protocolError(this.#input.parser.error!);
  }

  /** Sends what is staged. Returns true if the client does not take it at once: nothing more is done for it until then. */
  #blocks(): boolean {
    this.flush();
    if (this.#transport.backlog === 0 || this.#transport.gone) return false;
    this.#blocked = true;
    this.#transport.setReading(false);
    return true;
  }

  /** The request in hand has to go on by itself. */
  #hold(): void {
    this.flush();
    const { tunnel, draining } = this.#transaction;
    if (tunnel !== undefined) {
      const kept = this.#input.takeKept();
      if (kept !== undefined) tunnel.receive(kept);
      if (this.#input.ended) tunnel.receiveEnd();
      return;
    }
    // The next request needs the slot, if it is here already.
    if (draining && !this.#input.hasKept) this.#transport.awaitDrain();
  }

  proceed(next: Next): void {
    if (next !== "continue" && next !== "pending") return this.#end(next);
    const { exchange, received, draining } = this.#transaction;
    if (next === "pending" || (exchange !== undefined && (received || draining))) return this.#hold();
    this.flush();
    readClocks();
    this.#transport.setReading(true);
    const kept = this.#input.takeKept();
    if (kept !== undefined) return this.#consume(kept, kept.length);
    this.#await();
  }

  /** Nothing more can be done with the input there is. */
  #await(): void {
    const input = this.#input;
    const transaction = this.#transaction;
    // What was kept behind an earlier request is used up, and nothing will follow.
    if (input.ended) return this.onEnd();
    const transport = this.#transport;
    const { settings } = transaction;
    if (transaction.exchange !== undefined) {
      if (transaction.awaitBody()) transport.awaitInput();
      return;
    }
    if (input.parser.started) {
      this.#patience.forInput(settings.headTimeout, settings.timeout);
      return transport.awaitInput();
    }
    const first = settings.headTimeout.initial > 0 ? settings.headTimeout.initial : settings.timeout;
    const patience = transport.served === 0 ? first : settings.keepAliveTimeout;
    if (!input.dangling) {
      this.#attached = false;
      return transport.idle(patience);
    }
    transport.setTimer(patience);
    transport.awaitInput();
  }

  onTimeout(): void {
    readClocks();
    const transaction = this.#transaction;
    const { parser } = this.#input;
    if (transaction.exchange === undefined && parser.readingLine) {
      // Who has not sent a whole request line is not answered, and only known to the log if it never asked for anything.
      if (this.#transport.served === 0) transaction.silent();
      return this.#close("linger");
    }
    this.proceed(transaction.timedOut());
  }

  /** Its next response says that it is the last. */
  onStopping(): void {}

  onEnd(): void {
    readClocks();
    const transaction = this.#transaction;
    const { exchange, tunnel } = transaction;
    this.#input.ended = true;
    if (tunnel !== undefined) return tunnel.receiveEnd();
    if (this.#blocked || transaction.draining) return;
    // Whoever closes has mostly gone, and the handler may stop; one that has only finished sending still gets its answer.
    if (exchange !== undefined && transaction.received) return exchange.abort();
    if (this.#input.parser.finish() === "clean") return this.#close("now");
    this.proceed(transaction.inputEnded());
  }

  onDrained(): void {
    if (!this.#blocked) return this.#transaction.drained();
    this.#blocked = false;
    this.proceed("continue");
  }

  onGone(): void {
    this.#attached = false;
    this.reset();
  }

  get transport(): Transport {
    return this.#transport;
  }

  get output(): OutputBuffer {
    return this.service.staging.for(this);
  }

  flush(more = false): void {
    this.service.staging.flush(this, more);
  }

  sendStaged(bytes: Uint8Array<ArrayBuffer>, length: number, more: boolean): void {
    this.#transport.write(bytes, length, false, more);
  }

  /**
   * Whatever the client still sends, it can read the response: what a closed connection gets is answered with a reset, which makes
   * clients lose what they have not read. Who has said that nothing follows is believed. That a response is not whole, it has to see.
   */
  #end(next: "close" | "last" | "break"): void {
    const lingers = next === "close" || (next === "last" && this.#input.hasKept);
    this.#close(next === "break" ? "break" : lingers ? "linger" : "now");
  }

  #close(mode: CloseMode): void {
    this.flush();
    const transport = this.#transport;
    this.#attached = false;
    this.reset();
    transport.close(mode);
  }

  /** Nobody else waits for a callback of ours: the failure is logged, and costs the connection that met it. */
  fault(error: unknown): void {
    this.service.faulted(error);
    const attached = this.#attached;
    const transport = this.#transport;
    this.#attached = false;
    this.reset();
    if (attached) transport.close("break");
  }

  /** Ready for another connection. A request that is still in hand is broken off. */
  reset(): void {
    this.service.staging.discard(this);
    try {
      this.#transaction.breakOff();
    } catch (error) {
      this.service.faulted(error);
    }
    this.#transaction.reset();
    this.#input.reset();
    this.#patience.reset();
    this.#blocked = false;
  }
}
