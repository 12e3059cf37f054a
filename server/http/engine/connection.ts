// What happens on an HTTP/1.1 connection? The driver between the transport (bytes, slots, timers) and the parser and writer,
// which do no I/O: it feeds the one, sends what the other makes, and decides what comes next.
//
// A request that can be answered at once passes through in one call: input, parser, handler, one write, idle. Everything else
// (a handler that waits, a body that streams in or out, a client that is slow) leaves the call and comes back by an event.

import type { ProtocolHandler, Transport } from "../../../mpm/mod.ts";
import { Exchange } from "../../request/exchange.ts";
import { INCOMPLETE, ParserEvent, type ProtocolError, RequestParser } from "../parser/mod.ts";
import { clock, readClocks } from "./clock.ts";
import { discardReply, sendBody, StreamSender } from "./body_sender.ts";
import { ReadTimer } from "./read_timer.ts";
import { type BodySource, StreamedBody } from "./request_body.ts";
import type { Reply } from "./reply.ts";
import type { ConnectionSettings, Service } from "./service.ts";
import { FieldError, refreshDate, takesPrepared, writeHead } from "./writer.ts";

/** What becomes of the connection after a response: go on, wait for the response to be made, or end. */
type Next = "continue" | "pending" | "close";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

export class HttpConnection implements ProtocolHandler, BodySource {
  readonly #parser: RequestParser;
  readonly #readTimer = new ReadTimer();
  #transport!: Transport;
  #settings: ConnectionSettings;
  /** The request in hand, until its response is complete. */
  #exchange: Exchange | undefined = undefined;
  /** The whole request has been received. */
  #received = true;
  /** The handler has been called. */
  #handled = false;
  #body: StreamedBody | undefined = undefined;
  #sender: StreamSender | undefined = undefined;
  /** The client waits for 100 Continue before it sends the body. */
  #expects = false;
  /** The input makes no sense any more: the connection ends with the response in hand. */
  #failed = false;
  /** The parser keeps bytes (of blank lines before a request): it cannot serve another connection meanwhile. */
  #dangling = false;
  /** The client sends no more. */
  #ended = false;
  /** The handler has more of the body than it can take: it is not the client who is slow. */
  #paused = false;
  /** What was on its way to the client when the latest wait for it began. */
  #unsent = 0;
  /** What to answer when the handler gave up because of a body that is malformed or late. */
  #bodyFault: ((exchange: Exchange) => Reply) | undefined = undefined;
  /** Input behind the request in hand. */
  #pipelined: Uint8Array<ArrayBuffer> | undefined = undefined;

  constructor(readonly service: Service) {
    this.#settings = service.settings;
    this.#parser = new RequestParser(service.settings.parser);
  }

  open(transport: Transport): void {
    this.#transport = transport;
    this.#settings = this.service.settings;
    transport.writeTimeout = this.#settings.timeout;
  }

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    readClocks();
    if (this.#exchange !== undefined && this.#received) {
      // The next request is here before the response to this one: it has to wait, and so has the client.
      if (length > 0) this.#keep(bytes, 0, length);
      return this.#transport.setReading(false);
    }
    if (this.#readTimer.running) this.#readTimer.note(length);
    this.#consume(bytes, 0, length);
  }

  #keep(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): void {
    const before = this.#pipelined;
    const kept = new Uint8Array((before?.length ?? 0) + to - from);
    if (before !== undefined) kept.set(before);
    kept.set(bytes.subarray(from, to), before?.length ?? 0);
    this.#pipelined = kept;
  }

  #consume(bytes: Uint8Array<ArrayBuffer>, from: number, end: number): void {
    const parser = this.#parser;
    let pos = from;
    let requestAt = from;
    for (;;) {
      const event = parser.next(bytes, pos, end);
      pos = parser.pos;
      if (event === ParserEvent.NeedData) break;
      if (event === ParserEvent.Data) {
        this.#body?.push(bytes.slice(parser.dataStart, parser.dataEnd));
        continue;
      }
      let next: Next;
      if (event === ParserEvent.Head) next = this.#begin();
      else if (event === ParserEvent.End) {
        next = this.#end(pos === end);
        requestAt = pos;
        this.#dangling = false;
      } else next = this.#protocolError(parser.error!);
      if (next === "close") return this.#close(pos === end && this.#received ? "now" : "linger");
      if (next === "pending" && this.#received) {
        if (pos < end) this.#keep(bytes, pos, end);
        return this.#flush();
      }
    }
    if (end > requestAt) this.#dangling = true;
    this.#flush();
    this.#await();
  }

  /** A head is complete. */
  #begin(): Next {
    const { service } = this;
    const transport = this.#transport;
    const exchange = new Exchange(
      this.#parser.head,
      transport,
      clock.date,
      clock.steady,
      transport.served,
    );
    this.#exchange = exchange;
    this.#received = false;
    this.#handled = false;
    this.#expects = exchange.head.expectContinue;
    if (this.#readTimer.running) {
      this.#readTimer.stop();
      transport.setTimer(0);
    }
    if (exchange.head.bodyKind === "none") return "continue";
    const refused = service.begin(exchange);
    this.#settings = service.settingsOf(exchange);
    this.#parser.bodyLimit = service.bodyLimit(exchange);
    if (refused === undefined && service.wantsBody(exchange)) {
      exchange.head = exchange.head.detach();
      this.#body = new StreamedBody(this);
      exchange.body = this.#body;
      // Also a handler that answers at once gets the rest of the input first: most bodies arrive with their head.
      return this.#respond(exchange, Promise.resolve(service.handle(exchange)));
    }
    exchange.reply = refused;
    // A client that asks first whether to send gets the answer instead: nobody here wants the body.
    if (!this.#expects) return "continue";
    const reply = refused ?? service.handle(exchange);
    return reply instanceof Promise
      ? this.#respond(exchange, reply.then((later) => ({ ...later, close: true })))
      : this.#respond(exchange, { ...reply, close: true });
  }

  /** A request is complete. `last`: no input is left behind it. */
  #end(last: boolean): Next {
    const { service } = this;
    const exchange = this.#exchange!;
    this.#received = true;
    this.#body?.end();
    if (this.#readTimer.running) {
      this.#readTimer.stop();
      this.#transport.setTimer(0);
    }
    if (this.#handled) return "pending";
    if (exchange.head.bodyKind === "none") {
      if (takesPrepared(exchange, this.#settings)) {
        const prepared = service.prepared(exchange);
        if (prepared !== undefined) {
          refreshDate(prepared, exchange.startTime);
          exchange.status = prepared.status;
          exchange.bytesSent = prepared.bodyLength;
          if (last && service.output.length === 0) {
            this.#transport.write(prepared.bytes, prepared.bytes.length, false);
          } else service.output.append(prepared.bytes);
          this.#finish(exchange);
          return "continue";
        }
      }
      exchange.reply = service.begin(exchange);
      this.#settings = service.settingsOf(exchange);
    }
    return this.#respond(exchange, exchange.reply ?? service.handle(exchange));
  }

  /** A handler has answered, or promised to. */
  #respond(exchange: Exchange, reply: Reply | Promise<Reply>): Next {
    this.#handled = true;
    if (!(reply instanceof Promise)) return this.#send(exchange, reply);
    exchange.head = exchange.head.detach();
    reply.then(
      (later) => {
        if (this.#exchange !== exchange) return discardReply(later);
        this.#proceed(this.#send(exchange, later));
      },
      (error) => {
        const failed = this.#bodyFault?.(exchange) ?? this.service.handlerFailed(exchange, error);
        if (this.#exchange === exchange) this.#proceed(this.#send(exchange, failed));
      },
    );
    return "pending";
  }

  /** After something that happened outside of onData: output goes out, and the connection goes on as `next` says. */
  #proceed(next: Next): void {
    if (next === "close" || (this.#failed && next === "continue")) {
      return this.#close(this.#received && this.#pipelined === undefined && !this.#failed ? "now" : "linger");
    }
    this.#flush();
    if (next === "pending") return;
    readClocks();
    const input = this.#pipelined;
    this.#pipelined = undefined;
    this.#transport.setReading(true);
    if (input !== undefined) return this.#consume(input, 0, input.length);
    this.#await();
  }

  #send(exchange: Exchange, reply: Reply): Next {
    const { service } = this;
    const { output } = service;
    const mark = output.length;
    // The answer is there before the body: what is still to come is not read any more.
    const answered = this.#received && !this.#failed ? reply : { ...reply, close: true };
    let sent;
    try {
      sent = writeHead(output, exchange, answered, this.#settings, exchange.startTime);
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      output.length = mark;
      discardReply(reply);
      return this.#send(exchange, service.invalidField(exchange, error));
    }
    exchange.reply = answered;
    exchange.status = answered.status;
    exchange.committed = true;
    if (sent.framing !== "none" && answered.body.kind === "stream") {
      this.#flush();
      exchange.head = exchange.head.detach();
      this.#sender = new StreamSender(exchange, sent.framing, service, () => this.#timeWrite());
      this.#sender.send(answered.body).then((complete) => {
        if (this.#exchange !== exchange) return;
        this.#sender = undefined;
        if (!complete) exchange.connectionState = "X";
        this.#finish(exchange);
        this.#proceed(complete && sent.persistent ? "continue" : "close");
      });
      return "pending";
    }
    if (sent.framing === "none") discardReply(answered);
    else exchange.bytesSent = sendBody(answered.body, output, this.#transport);
    this.#finish(exchange);
    return sent.persistent ? "continue" : "close";
  }

  /** The response is complete (or broken off). */
  #finish(exchange: Exchange): void {
    this.service.finished(exchange);
    exchange.complete();
    this.#transport.served++;
    this.#exchange = undefined;
    this.#body?.discard();
    this.#body = undefined;
    this.#handled = false;
    this.#expects = false;
    this.#paused = false;
    if (this.#received) this.#clearParser();
  }

  #protocolError(error: ProtocolError): Next {
    const exchange = this.#exchange ??
      new Exchange(this.#parser.head, this.#transport, clock.date, clock.steady, this.#transport.served);
    this.#received = false;
    if (this.#handled) {
      // The handler is at work already: it finds its body broken, and the response goes no further.
      this.#bodyFault = (late) => this.service.protocolError(error, late);
      this.#body?.fail("the request body is malformed");
      this.#failed = true;
      this.#received = true;
      return "pending";
    }
    this.#exchange = exchange;
    return this.#send(exchange, this.service.protocolError(error, exchange));
  }

  /** Nothing more can be done with the input there is. */
  #await(): void {
    // What was kept behind an earlier request is used up, and nothing will follow.
    if (this.#ended) return this.onEnd();
    const transport = this.#transport;
    const settings = this.#settings;
    if (this.#exchange === undefined && !this.#parser.started) {
      const first = settings.headTimeout.initial > 0 ? settings.headTimeout.initial : settings.timeout;
      const patience = transport.served === 0 ? first : settings.keepAliveTimeout;
      if (!this.#dangling) return transport.idle(patience);
      transport.setTimer(patience);
      return transport.awaitInput();
    }
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      exchange.head = exchange.head.detach();
      if (this.#handled && (!this.#body?.taken || this.#paused)) return;
      if (this.#handled) {
        this.#timeRead(settings.bodyTimeout);
        return;
      }
    }
    this.#timeRead(exchange === undefined ? settings.headTimeout : settings.bodyTimeout);
    transport.awaitInput();
  }

  #timeRead(rules: ConnectionSettings["headTimeout"]): void {
    const now = performance.now();
    if (!this.#readTimer.running) this.#readTimer.start(now, rules);
    this.#transport.setTimer(Math.max(1, this.#readTimer.left(now, this.#settings.timeout)));
  }

  /** Until TimeOut is over the client has to take something of what was sent. */
  #timeWrite(): void {
    this.#unsent = this.#transport.backlog;
    this.#transport.setTimer(this.#settings.timeout);
  }

  onTimeout(): void {
    readClocks();
    const exchange = this.#exchange;
    if (exchange === undefined && !this.#parser.started) return this.#close("now");
    if (this.#sender?.waiting) {
      if (this.#transport.backlog < this.#unsent) return this.#timeWrite();
      exchange?.abort();
      return this.#sender.abort();
    }
    if (this.#handled) {
      this.#bodyFault = (late) => this.service.timedOut(late);
      this.#body?.fail("the client was too slow");
      return;
    }
    const late = exchange ??
      new Exchange(this.#parser.head, this.#transport, clock.date, clock.steady, this.#transport.served);
    this.#exchange = late;
    this.#send(late, this.service.timedOut(late));
    this.#close("linger");
  }

  onEnd(): void {
    readClocks();
    this.#ended = true;
    const cut = this.#parser.finish();
    // Whoever closes has mostly gone, and the handler may stop; one that has only finished sending still gets its answer.
    if (this.#exchange !== undefined && this.#received) return this.#exchange.abort();
    if (cut === "clean") return this.#close("now");
    if (this.#handled) {
      this.#bodyFault = (late) => this.service.protocolError(INCOMPLETE, late);
      return this.#body?.fail("the client closed the connection within the request body");
    }
    this.#proceed(this.#protocolError(INCOMPLETE));
  }

  onDrained(): void {
    if (!this.#sender?.waiting) return;
    this.#transport.setTimer(0);
    if (this.#readTimer.running) this.#timeRead(this.#settings.bodyTimeout);
    this.#sender.drained();
  }

  onGone(): void {
    const exchange = this.#exchange;
    if (exchange !== undefined) {
      exchange.abort();
      exchange.connectionState = "X";
      this.#body?.fail("the client closed the connection");
      this.#sender?.abort();
      this.#finish(exchange);
    }
    this.reset();
  }

  resume(): void {
    if (this.#expects && !this.#received) {
      this.#expects = false;
      this.service.output.latin1(CONTINUE);
      this.#flush();
    }
    this.#paused = false;
    if (this.#exchange !== undefined && !this.#received) {
      this.#transport.setReading(true);
      this.#timeRead(this.#settings.bodyTimeout);
    }
  }

  pause(): void {
    this.#paused = true;
    this.#readTimer.stop();
    this.#transport.setReading(false);
    this.#transport.setTimer(0);
  }

  #flush(): void {
    const { output } = this.service;
    if (output.length === 0) return;
    this.#transport.write(output.bytes, output.length, false);
    output.length = 0;
  }

  #close(mode: "now" | "linger"): void {
    this.#flush();
    const transport = this.#transport;
    this.reset();
    transport.close(mode);
  }

  /** Ready for another request. What was said of the last one must not be told of a next that is no request at all. */
  #clearParser(): void {
    const { head } = this.#parser;
    this.#parser.reset();
    head.method = "";
    head.form = "origin";
    head.major = head.minor = 1;
    head.targetStart = head.targetEnd = head.pathStart = 0;
  }

  /** Ready for another connection. */
  reset(): void {
    this.#clearParser();
    this.#readTimer.stop();
    this.#exchange = undefined;
    this.#received = true;
    this.#handled = false;
    this.#body?.discard();
    this.#body = undefined;
    this.#sender?.abort();
    this.#sender = undefined;
    this.#expects = false;
    this.#failed = false;
    this.#ended = false;
    this.#paused = false;
    this.#bodyFault = undefined;
    this.#dangling = false;
    this.#pipelined = undefined;
  }
}
