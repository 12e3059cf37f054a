// What becomes of one request? From its head to the log line, through a handler that may take its time, a body that streams in
// or out, and a client that may be slow, wrong or gone.
//
//   Receiving ──▶ Handling ──▶ Streaming ──▶ Draining ──▶ Discarding ──▶ (none)
//       │            │             │             │            ▲
//       └────────────┴─────────────┴─────────────┴────────────┘     each stage but the first may be left out
//                    └──▶ Tunnel ──▶ (none)

import type { Transport } from "../../../mpm/mod.ts";
import { Exchange } from "../../request/exchange.ts";
import { INCOMPLETE, type ProtocolError, RequestHead } from "../parser/mod.ts";
import { BodyIntake, type IntakeOwner } from "./body_intake.ts";
import { discardReply } from "./body_sender.ts";
import { clock } from "./clock.ts";
import type { Input } from "./input.ts";
import type { Patience } from "./patience.ts";
import { type InterimSink, interimText } from "./interim.ts";
import type { Fields, Reply } from "./reply.ts";
import { Responder, type ResponderOwner } from "./responder.ts";
import type { ConnectionSettings, Service } from "./service.ts";
import type { Outlet } from "./staging.ts";
import type { Tunnel } from "./tunnel.ts";
import { connectionFields, mayPersist, refreshDate } from "./writer.ts";

/**
 * What becomes of the connection: go on reading, wait for something to happen to the request, end behind its response ("last":
 * the client has said that it will send nothing more), or end at once because that is not whole.
 */
export type Next = "continue" | "pending" | "close" | "last" | "break";

/** The connection, as its transaction sees it. */
export interface TransactionHost extends Outlet {
  /** Something happened that the connection did not cause: it goes on as `next` says. */
  proceed(next: Next): void;
  /** The engine or a hook has failed, in a callback that nobody waits for. */
  fault(error: unknown): void;
}

/** Where a request is. */
const Stage = {
  /** Its body, if any, is received and dropped; the handler is called afterwards. */
  Receiving: 0,
  /** The handler is at work. */
  Handling: 1,
  /** The response is a stream that is being sent. */
  Streaming: 2,
  /** All of the response is with the transport, and the client takes it. */
  Draining: 3,
  /** The response is out, and came before the end of the request: what is left of that is read and dropped. */
  Discarding: 4,
  /** The connection speaks another protocol. */
  Tunnel: 5,
} as const;

const NOTHING = new Uint8Array(0);

/** The request in hand of one connection; one object for all requests of many connections. */
export class Transaction implements IntakeOwner, ResponderOwner, InterimSink {
  /** Undefined between two requests. */
  exchange: Exchange | undefined = undefined;
  /** Of the request's virtual host, or before that is known of the main server. */
  settings: ConnectionSettings;
  /** The whole request has been received. */
  received = true;
  #stage: number = Stage.Receiving;
  #waits = false;
  /** The counters have the request already. */
  #counted = false;
  #transport!: Transport;
  readonly #body: BodyIntake;
  readonly #responder: Responder;

  constructor(
    readonly service: Service,
    readonly input: Input,
    readonly patience: Patience,
    readonly host: TransactionHost,
  ) {
    this.settings = service.settings;
    this.#body = new BodyIntake(service, patience, host, this);
    this.#responder = new Responder(service, patience, host, this);
  }

  /** A connection begins, or comes back. */
  open(transport: Transport): void {
    this.#transport = transport;
    this.settings = this.service.settings;
    this.#body.open(transport);
  }

  /** The response is with the transport, and the client has not taken all of it. */
  get draining(): boolean {
    return this.#stage === Stage.Draining;
  }

  /** Takes the input of a connection that speaks another protocol. */
  get tunnel(): Tunnel | undefined {
    return this.#responder.tunnel;
  }

  /** A head is complete. */
  begin(): Next {
    const { service, input: { parser } } = this;
    const exchange = this.#create(parser.head);
    this.received = false;
    if (this.patience.timesInput) this.patience.endInput();
    const { head } = exchange;
    if (head.bodyKind === "none") return "continue";
    this.#body.expects = head.expectContinue;
    const refused = service.begin(exchange);
    this.settings = service.settingsOf(exchange);
    parser.bodyLimit = service.bodyLimit(exchange);
    if (refused === undefined && service.wantsBody(exchange)) {
      exchange.detach();
      this.#body.offer(exchange);
      // Also a handler that answers at once gets the rest of the input first: most bodies arrive with their head.
      return this.#respond(exchange, Promise.resolve(service.handle(exchange)));
    }
    exchange.reply = refused;
    // A client that asks first whether to send gets the answer instead: nobody here wants the body.
    if (!this.#body.expects) return "continue";
    return this.#respond(exchange, refused ?? service.handle(exchange));
  }

  #create(head: RequestHead): Exchange {
    const transport = this.#transport;
    const exchange = new Exchange(head, transport, clock.date, clock.steady, transport.served);
    exchange.interim = this;
    return this.exchange = exchange;
  }

  /** A piece of the body has arrived. */
  bodyData(bytes: Uint8Array<ArrayBuffer>): void {
    this.#body.push(bytes);
  }

  /** A request is complete. `last`: no input is left behind it. */
  end(last: boolean): Next {
    const { service, input } = this;
    const exchange = this.exchange!;
    this.received = true;
    const trailers = input.parser.trailers;
    if (trailers !== undefined && trailers.headerCount > 0) exchange.trailers = [...trailers.entries()];
    this.#body.end();
    if (this.patience.timesInput) this.patience.endInput();
    if (this.#stage === Stage.Discarding) return this.#conclude(exchange);
    if (this.#stage !== Stage.Receiving) return "pending";
    if (exchange.head.bodyKind === "none") {
      const next = exchange.head.major === 0 ? undefined : this.#sendPrepared(exchange, last);
      if (next !== undefined) return next;
      exchange.reply = service.begin(exchange);
      this.settings = service.settingsOf(exchange);
    }
    return this.#respond(exchange, exchange.reply ?? service.handle(exchange));
  }

  /** Answers with a message made ahead, if there is one. */
  #sendPrepared(exchange: Exchange, last: boolean): Next | undefined {
    const { service, host: { output } } = this;
    const prepared = service.prepared(exchange);
    if (prepared === undefined) return undefined;
    // Of this host: the connection waits for its next request as long as that host says.
    const settings = this.settings = service.settingsOf(exchange);
    const persistent = mayPersist(exchange, prepared, settings);
    const connection = connectionFields(exchange, persistent, settings);
    refreshDate(prepared, exchange.startTime);
    const { bytes } = prepared;
    exchange.status = prepared.status;
    exchange.bytesSent = prepared.bodyLength;
    exchange.bytesWritten = bytes.length + connection.length;
    if (connection !== "") {
      output.append(bytes.subarray(0, prepared.connectionAt));
      output.latin1(connection);
      output.append(bytes.subarray(prepared.connectionAt));
    } else if (last && output.length === 0) this.#transport.write(bytes, bytes.length, false);
    else output.append(bytes);
    if (!persistent) exchange.connectionState = "-";
    const next = persistent ? "continue" : exchange.head.keepAlive ? "close" : "last";
    this.#finish(exchange);
    return next;
  }

  /** A handler has answered, or promised to. */
  #respond(exchange: Exchange, reply: Reply | Promise<Reply>): Next {
    this.#stage = Stage.Handling;
    if (!(reply instanceof Promise)) return this.#send(exchange, reply);
    this.#setWaiting(!exchange.awaitsDescriptor);
    exchange.detach();
    reply.then(
      (later) => {
        if (this.exchange !== exchange) discardReply(later);
        else this.#goOn(() => this.#send(exchange, later));
      },
      (error) => {
        if (this.exchange !== exchange) this.service.handlerFailed(exchange, error);
        else {
          this.#goOn(() =>
            this.#send(
              exchange,
              this.#body.answerFor(exchange) ?? this.service.handlerFailed(exchange, error),
            )
          );
        }
      },
    ).catch((error) => this.service.faulted(error));
    return "pending";
  }

  /** Goes on after a promise. Whatever fails must not leave the connection waiting for ever. */
  #goOn(step: () => Next): void {
    try {
      this.host.proceed(step());
    } catch (error) {
      this.host.fault(error);
    }
  }

  #send(exchange: Exchange, reply: Reply): Next {
    // Somebody who was not told to go on may send the body or not: nobody knows what comes next.
    const settled = (this.received || !this.#body.expects) && !this.#body.failed;
    const sending = this.#responder.send(
      exchange,
      settled ? reply : { ...reply, close: true },
      this.settings,
    );
    this.#setWaiting(sending === "streaming" || sending === "taken over");
    if (sending === "written") return this.#written(exchange);
    this.#stage = sending === "taken over" ? Stage.Tunnel : Stage.Streaming;
    return "pending";
  }

  streamed(exchange: Exchange, complete: boolean): void {
    if (this.exchange !== exchange) return;
    this.#setWaiting(false);
    this.#goOn(() => {
      if (!complete) exchange.connectionState = "X";
      return complete ? this.#written(exchange) : this.#conclude(exchange);
    });
  }

  released(exchange: Exchange): void {
    if (this.exchange === exchange) this.#goOn(() => this.#conclude(exchange));
  }

  handedOver(exchange: Exchange): void {
    if (this.exchange === exchange) this.#goOn(() => "pending");
  }

  fault(error: unknown, exchange: Exchange): void {
    if (this.exchange === exchange) this.host.fault(error);
    else this.service.faulted(error);
  }

  sendInterim(exchange: Exchange, status: number, fields: Fields): void {
    const text = interimText(status, fields);
    if (this.exchange !== exchange || exchange.committed || !exchange.head.isHttp11) return;
    this.host.output.latin1(text);
    exchange.bytesWritten += text.length;
    this.host.flush();
  }

  /** All of the response is written. */
  #written(exchange: Exchange): Next {
    const transport = this.#transport;
    if (transport.backlog === 0 || transport.gone) return this.#answered(exchange);
    this.#stage = Stage.Draining;
    exchange.detach();
    transport.setReading(false);
    // Its slot is given back now, and may be another request's when this one is over.
    this.service.counted(exchange);
    this.#counted = true;
    return "pending";
  }

  /** All of the response is on its way. */
  #answered(exchange: Exchange): Next {
    if (this.received || !this.#responder.persistent || this.#body.failed) return this.#conclude(exchange);
    this.#stage = Stage.Discarding;
    exchange.detach();
    exchange.complete();
    this.#body.discard();
    return "continue";
  }

  /** Request and response are over. */
  #conclude(exchange: Exchange): Next {
    const goesOn = this.#responder.persistent && !this.#body.failed;
    const { head } = exchange;
    const last = this.received && head.bodyKind === "none" && !head.keepAlive;
    this.#finish(exchange);
    if (exchange.connectionState === "X") return "break";
    return goesOn ? "continue" : last ? "last" : "close";
  }

  #finish(exchange: Exchange): void {
    const { service, input, received } = this;
    const counted = this.#counted;
    if (this.#transport.gone) exchange.connectionState = "X";
    exchange.bytesReceived += input.takeCount();
    // First of all the request is over: a log that fails must not be asked again.
    this.#forget();
    exchange.over = true;
    try {
      if (!counted) service.counted(exchange);
      service.finished(exchange);
    } finally {
      exchange.complete();
      this.#transport.served++;
      if (received) input.parser.reset();
    }
  }

  /** Whether the request waits for something of the handler's, which the event loop has to bring. */
  #setWaiting(waits: boolean): void {
    if (this.#waits === waits) return;
    this.#waits = waits;
    this.service.waiting += waits ? 1 : -1;
  }

  #forget(): void {
    this.exchange = undefined;
    this.#setWaiting(false);
    this.#stage = Stage.Receiving;
    this.#counted = false;
    this.#body.forget();
    this.#responder.forget();
  }

  /** Bytes came that are no request, or not the body that was announced. */
  protocolError(error: ProtocolError): Next {
    const { service } = this;
    return this.#endInput(
      "the request body is malformed",
      (exchange) => service.protocolError(error, exchange),
    );
  }

  /** The client sends no more, and the request in hand is not complete. */
  inputEnded(): Next {
    const { service } = this;
    return this.#endInput(
      "the client closed the connection within the request body",
      (exchange) => service.protocolError(INCOMPLETE, exchange),
    );
  }

  /** The timer of the connection has run out, and a request is in hand or its fields are being received. */
  timedOut(): Next {
    const { service } = this;
    if (!this.#responder.waits) {
      return this.#endInput("the client was too slow", (exchange) => service.timedOut(exchange));
    }
    this.#responder.timedOut(this.exchange!, this.settings);
    return "pending";
  }

  /** No more of the request can be had. `answer` is for a client that has got none yet. */
  #endInput(message: string, answer: (exchange: Exchange) => Reply): Next {
    const exchange = this.exchange ?? this.#create(this.input.parser.head);
    if (this.#stage === Stage.Receiving) {
      this.received = false;
      this.#body.failed = true;
      return this.#send(exchange, answer(exchange));
    }
    // Where the handler is at work already it finds its body broken, and the connection ends with what it answers.
    this.#body.break(message, answer);
    return this.#stage === Stage.Discarding ? this.#conclude(exchange) : "pending";
  }

  /** A client that connected has not even sent a request line in time: it gets no answer, and a line in the log. */
  silent(): void {
    const exchange = this.#create(new RequestHead(NOTHING));
    exchange.status = this.service.timedOut(exchange).status;
    exchange.connectionState = "-";
    this.#finish(exchange);
  }

  /** The client has taken everything. */
  drained(): void {
    if (this.#stage === Stage.Draining) this.host.proceed(this.#answered(this.exchange!));
    else this.#responder.drained(this.settings);
  }

  /** More of the request is needed to go on: times the client. Returns true if that is all that is awaited. */
  awaitBody(): boolean {
    this.exchange!.detach();
    const waits = this.#stage === Stage.Receiving || this.#stage === Stage.Discarding;
    if (!waits && !this.#body.wanted) return false;
    this.patience.forInput(this.settings.bodyTimeout, this.settings.timeout);
    return waits;
  }

  /** The connection is broken or given up: whatever waits for the request in hand is told, and logs say that it was broken off. */
  breakOff(): void {
    const { exchange } = this;
    this.#responder.abort();
    if (exchange === undefined) return;
    exchange.connectionState = "X";
    // What was never taken was not sent.
    exchange.bytesWritten -= Math.min(exchange.bytesWritten, this.#transport.backlog);
    exchange.abort();
    this.#body.break("the client closed the connection");
    this.#finish(exchange);
  }

  /** Ready for another connection. */
  reset(): void {
    this.#forget();
    this.received = true;
    this.#body.failed = false;
  }
}
