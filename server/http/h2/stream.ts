// What becomes of one request on a connection of HTTP/2? What Transaction is for HTTP/1.1: from its head to the log line, through a
// handler that may take its time, a body that streams in or out, and a client that may be slow, wrong or gone.
//
//   Receiving ──▶ Handling ──▶ Streaming ──▶ Sending ──▶ (over)
//                    └──▶ Tunnel ──▶ (over)
//
// Receiving: the body, if any, is received and dropped. Handling: the handler is at work. Streaming: the response is a stream. Sending:
// all of the response is here, and the client takes it at the pace of its windows. Each but the last may be left out.

import type { Exchange } from "../../request/exchange.ts";
import { discardReply } from "../engine/body_sender.ts";
import { checkInterim, type InterimSink } from "../engine/interim.ts";
import type { Body, Fields, Reply } from "../engine/reply.ts";
import type { ConnectionSettings } from "../engine/service.ts";
import { FieldError, UpgradeError } from "../engine/writer.ts";
import { FAULTS, INCOMPLETE, ProtocolError } from "../parser/errors.ts";
import { Field } from "../parser/fields.ts";
import { ErrorCode } from "./error.ts";
import { Incoming, type IncomingOwner } from "./incoming.ts";
import { Outgoing, type OutgoingOwner } from "./outgoing.ts";
import { parsePriority } from "./priority.ts";
import { withBytes } from "./response_head.ts";
import { sendHead, sendInterim } from "./stream_head.ts";
import type { StreamHost } from "./stream_host.ts";
import { StreamTunnel, type TunnelledStream } from "./stream_tunnel.ts";

const Stage = { Receiving: 0, Handling: 1, Streaming: 2, Sending: 3, Over: 4, Tunnel: 5 } as const;

/** One request with its response. */
export class Stream implements IncomingOwner, OutgoingOwner, TunnelledStream, InterimSink {
  readonly incoming: Incoming;
  readonly outgoing: Outgoing;
  settings: ConnectionSettings;
  #stage: number = Stage.Receiving;
  #works = false;
  #waits = false;
  #counted = false;
  /** Takes what comes on a stream that is to be something else. */
  #tunnel: StreamTunnel | undefined = undefined;

  /** @param window what the client takes; @param room what it may send before some is taken; both in bytes */
  constructor(
    readonly id: number,
    readonly exchange: Exchange,
    readonly host: StreamHost,
    window: number,
    room: number,
  ) {
    this.incoming = new Incoming(this, room);
    this.outgoing = new Outgoing(this, window);
    this.settings = host.service.settings;
    exchange.interim = this;
  }

  /** The head is here; `error`: it is refused. */
  begin(endStream: boolean, error: ProtocolError | undefined): void {
    const { service } = this.host;
    const { exchange, incoming } = this;
    incoming.received = endStream;
    const { head } = exchange;
    if (head.has(Field.Priority)) this.outgoing.priority = parsePriority(head.field(Field.Priority) ?? "");
    this.#setWorks(true);
    if (error !== undefined) return this.#respond(service.protocolError(error, exchange));
    const refused = service.begin(exchange);
    this.settings = service.settingsOf(exchange);
    if (endStream) return this.#respond(refused ?? service.handle(exchange));
    if (head.bodyKind === "none") {
      // No body: the stream is to become something else. What comes before that has the window, and no more.
      incoming.paused = true;
      this.#tunnel = new StreamTunnel(this);
      return this.#respond(refused ?? service.handle(exchange));
    }
    incoming.expects = head.expectContinue;
    if (!incoming.limit(service.bodyLimit(exchange))) {
      return this.#respond(service.protocolError(new ProtocolError(FAULTS.contentTooLarge), exchange));
    }
    if (refused === undefined && service.wantsBody(exchange)) {
      exchange.detach();
      incoming.offer();
      return this.#respond(Promise.resolve(service.handle(exchange)));
    }
    exchange.reply = refused;
    // A client that asks first whether to send gets the answer instead: nobody here wants the body.
    if (incoming.expects) return this.#respond(refused ?? service.handle(exchange));
    exchange.detach();
    incoming.await();
  }

  receive(bytes: Uint8Array<ArrayBuffer>): void {
    this.#tunnel?.receive(bytes);
  }

  /** The request is complete. @throws StreamError */
  end(): void {
    const { exchange, host: { service } } = this;
    this.incoming.end();
    this.#tunnel?.receiveEnd();
    if (this.#stage === Stage.Receiving) this.#respond(exchange.reply ?? service.handle(exchange));
  }

  /** A handler has answered, or promised to. */
  #respond(reply: Reply | Promise<Reply>): void {
    const { exchange, host } = this;
    const { service } = host;
    this.#stage = Stage.Handling;
    if (!(reply instanceof Promise)) return this.#send(reply);
    this.#setWaiting(true);
    exchange.detach();
    reply.then(
      (later) => {
        if (this.#stage !== Stage.Handling) discardReply(later);
        else host.proceed(() => this.#send(later));
      },
      (error) => {
        if (this.#stage !== Stage.Handling) service.handlerFailed(exchange, error);
        else {
          host.proceed(() =>
            this.#send(this.incoming.answerFor(exchange) ?? service.handlerFailed(exchange, error))
          );
        }
      },
    ).catch((error) => service.faulted(error)).finally(() => {
      if (this.#stage !== Stage.Streaming && this.#stage !== Stage.Tunnel) this.#setWorks(false);
    });
  }

  /** Sends `asked`, or a failure instead of one that cannot be sent. */
  #send(asked: Reply): void {
    const { exchange, host, settings } = this;
    const reply = withBytes(asked);
    const { body, takeOver } = reply;
    let ends: boolean;
    try {
      ends = sendHead(this, reply, settings.serverField);
    } catch (error) {
      discardReply(reply);
      if (error instanceof FieldError) return this.#send(host.service.invalidField(exchange, error));
      if (error instanceof UpgradeError) return this.#send(host.service.handlerFailed(exchange, error));
      throw error;
    }
    if (ends) {
      discardReply(reply);
      return this.finished();
    }
    if (takeOver !== undefined) return this.#handOver(takeOver);
    if (body.kind === "stream") return this.#stream(body);
    this.#setWaiting(false);
    this.#stage = Stage.Sending;
    this.outgoing.sendWhole(body);
    if (this.over) return;
    exchange.detach();
    // Nothing is left but what the client takes: the work is done.
    this.#count();
    this.#setWorks(false);
  }

  /** The stream is something else from now on, for both directions. */
  #handOver(takeOver: NonNullable<Reply["takeOver"]>): void {
    const { exchange, host } = this;
    this.#stage = Stage.Tunnel;
    this.#setWaiting(true);
    exchange.detach();
    exchange.complete();
    const tunnel = this.#tunnel ??= new StreamTunnel(this);
    tunnel.open(takeOver, exchange, () => host.proceed(() => this.#closeTunnel())).catch((error) => {
      host.service.faulted(error);
      host.proceed(() => this.reset(ErrorCode.InternalError));
    });
  }

  /** Whoever had the stream has done with it: what waits still goes out. */
  #closeTunnel(): void {
    if (this.#stage !== Stage.Tunnel) return;
    this.#setWaiting(false);
    this.#stage = Stage.Sending;
    this.outgoing.end();
    this.#setWorks(false);
  }

  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#stage === Stage.Tunnel) this.host.proceed(() => this.outgoing.sendBytes(bytes));
  }

  get backlog(): number {
    return this.outgoing.queued;
  }

  setReading(on: boolean): void {
    this.incoming.setReading(on);
  }

  get over(): boolean {
    return this.#stage === Stage.Over;
  }

  #stream(body: Extract<Body, { kind: "stream" }>): void {
    const { exchange, host } = this;
    this.#stage = Stage.Streaming;
    this.#setWaiting(true);
    exchange.detach();
    this.outgoing.sendStream(body).then((complete) => {
      if (this.#stage !== Stage.Streaming) return;
      this.#setWaiting(false);
      if (!complete) return host.proceed(() => this.reset(ErrorCode.InternalError));
      this.#stage = Stage.Sending;
      this.#count();
      this.#setWorks(false);
      host.proceed(() => {});
    }).catch((error) => host.service.faulted(error));
  }

  drained(): void {
    this.#tunnel?.drained();
  }

  finished(): void {
    if (this.over) return;
    // What is left of the request is of no interest, and the client may stop (RFC 9113, 8.1).
    this.#close(this.incoming.received ? undefined : ErrorCode.NoError);
  }

  /** The stream is broken off, by the client (`told`: it knows) or because something has failed. */
  reset(code: number, told = false): void {
    if (this.over) return;
    const { exchange } = this;
    exchange.connectionState = "X";
    exchange.abort();
    this.#close(told ? undefined : code);
  }

  #close(code: number | undefined): void {
    const { exchange, host, incoming } = this;
    const { service } = host;
    const pending = this.#stage === Stage.Handling && this.#waits;
    this.#stage = Stage.Over;
    this.#setWaiting(false);
    this.outgoing.close();
    this.#tunnel?.destroy();
    incoming.close(
      code === ErrorCode.NoError ? "the response was finished" : "the client has given up the request",
    );
    exchange.bytesReceived += incoming.bodyBytes;
    exchange.over = true;
    try {
      this.#count();
      service.finished(exchange);
    } catch (error) {
      service.faulted(error);
    } finally {
      exchange.complete();
    }
    host.over(this, code);
    // A handler that was asked works on, whatever became of its client.
    if (!pending) this.#setWorks(false);
  }

  #count(): void {
    if (this.#counted) return;
    this.#counted = true;
    this.host.service.counted(this.exchange);
  }

  #setWorks(works: boolean): void {
    if (this.#works === works) return;
    this.#works = works;
    this.host.working(works ? 1 : -1);
  }

  #setWaiting(waits: boolean): void {
    if (this.#waits === waits) return;
    this.#waits = waits;
    this.host.service.waiting += waits ? 1 : -1;
  }

  broken(message: string, error: ProtocolError): void {
    this.#break(message, (exchange) => this.host.service.protocolError(error, exchange));
  }

  /** No more of the request can be had. `answer` is for a client that has got none yet. */
  #break(message: string, answer: (exchange: Exchange) => Reply): void {
    this.incoming.stopTimer();
    if (this.#stage === Stage.Receiving) return this.#respond(answer(this.exchange));
    this.incoming.break(message, answer);
  }

  sendContinue(): void {
    sendInterim(this, 100, []);
  }

  sendInterim(exchange: Exchange, status: number, fields: Fields): void {
    checkInterim(status, fields);
    if (!exchange.committed && !this.over) this.host.proceed(() => sendInterim(this, status, fields));
  }

  giveRoom(bytes: number): void {
    this.host.giveRoom(this.id, bytes);
  }

  proceed(step: () => void): void {
    this.host.proceed(step);
  }

  /** Whoever has waited too long at `now` (performance.now()) is given up. */
  checkTime(now: number): void {
    const { service } = this.host;
    if (this.incoming.overdue(now)) {
      this.#break("the client was too slow", (exchange) => service.timedOut(exchange));
    } else if (this.outgoing.stuck(now, this.settings.timeout)) this.reset(ErrorCode.Cancel);
  }

  /** The client sends no more on this connection. It has mostly gone: the handler may stop. */
  inputEnded(): void {
    if (this.incoming.received) return this.exchange.abort();
    if (this.#stage === Stage.Tunnel) {
      this.incoming.received = true;
      this.#tunnel?.receiveEnd();
      return;
    }
    this.broken("the client closed the connection within the request body", INCOMPLETE);
  }
}
