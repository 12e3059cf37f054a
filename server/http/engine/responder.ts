// How does a handler's reply reach the client? Its head is written, its body follows: at once, as a stream at the client's pace,
// or not at all because the connection changes its protocol.

import type { Exchange } from "../../request/exchange.ts";
import { discardReply, sendBody, TOGETHER } from "./body_sender.ts";
import { Http1BodySink } from "./body_sink.ts";
import type { Patience } from "./patience.ts";
import { PushSender } from "./push_sender.ts";
import type { Body, Reply } from "./reply.ts";
import type { ConnectionSettings, Service } from "./service.ts";
import type { Outlet } from "./staging.ts";
import { StreamSender } from "./stream_sender.ts";
import type { Tunnel } from "./tunnel.ts";
import { FieldError, type Framing, type Sent, UpgradeError, writeHead } from "./writer.ts";

/** Who the responder tells what comes later. */
export interface ResponderOwner {
  /** A streamed body is over; not `complete`: it was broken off. */
  streamed(exchange: Exchange, complete: boolean): void;
  /** The tunnel takes the input from now on. */
  handedOver(exchange: Exchange): void;
  /** Whoever took the connection over has done with it. */
  released(exchange: Exchange): void;
  /** Something of ours failed on behalf of `exchange`. */
  fault(error: unknown, exchange: Exchange): void;
}

/** Everything is with the transport or staged; or there is more to come by an event. */
export type Sending = "written" | "streaming" | "pushing" | "taken over";

const encoder = new TextEncoder();

/** A long text is made bytes of its own: the buffers of the thread would stay as large. */
function withoutLongText(reply: Reply): Reply {
  const { body } = reply;
  if (body.kind !== "text" || body.text.length <= TOGETHER) return reply;
  return { ...reply, body: { kind: "bytes", bytes: encoder.encode(body.text) } };
}

/** The responses of one connection. */
export class Responder {
  /** The response that was sent lets the connection go on. */
  persistent = false;
  /** Takes the input of a connection that speaks another protocol. */
  tunnel: Tunnel | undefined = undefined;
  #sender: StreamSender | PushSender | undefined = undefined;

  constructor(
    readonly service: Service,
    readonly patience: Patience,
    readonly outlet: Outlet,
    readonly owner: ResponderOwner,
  ) {}

  /** Sends `reply`, or a failure instead of one that cannot be sent. */
  send(exchange: Exchange, asked: Reply, settings: ConnectionSettings): Sending {
    const reply = withoutLongText(asked);
    const { output } = this.outlet;
    const mark = output.length;
    let sent: Sent;
    try {
      sent = writeHead(output, exchange, reply, settings, exchange.startTime);
    } catch (error) {
      output.length = mark;
      discardReply(reply);
      return this.send(exchange, this.#instead(exchange, error), settings);
    }
    exchange.reply = reply;
    exchange.status = reply.status;
    exchange.committed = true;
    exchange.bytesWritten += output.length - mark;
    this.persistent = sent.persistent;
    if (reply.takeOver !== undefined) return this.#handOver(exchange, reply.takeOver);
    const { body } = reply;
    if (sent.framing === "none") discardReply(reply);
    else if (body.kind === "stream") return this.#stream(exchange, body, sent.framing, settings, mark);
    else if (body.kind === "pushed") return this.#push(exchange, body, sent.framing, settings);
    else {
      exchange.bytesSent = sendBody(body, this.outlet);
      exchange.bytesWritten += exchange.bytesSent;
    }
    return "written";
  }

  /** What is sent instead of a reply whose head cannot be written. It must not fail for the same reason. */
  #instead(exchange: Exchange, error: unknown): Reply {
    if (error instanceof FieldError) return this.service.invalidField(exchange, error);
    if (error instanceof UpgradeError) return this.service.handlerFailed(exchange, error);
    throw error;
  }

  #stream(
    exchange: Exchange,
    body: Extract<Body, { kind: "stream" }>,
    framing: Framing,
    settings: ConnectionSettings,
    headAt: number,
  ): Sending {
    const { service, patience, outlet, owner } = this;
    // The head leaves with what the stream gives in this turn, and what is staged in front of it now.
    const head = outlet.output.takeFrom(headAt);
    outlet.flush();
    exchange.detach();
    const sender = new StreamSender(exchange, new Http1BodySink(exchange, framing, head, outlet), {
      waits: () => patience.forOutput(settings.timeout),
      streamFailed: (about, error) => service.streamFailed(about, error),
      sourceFailed: (error) => service.faulted(error),
      fault: (error, about) => owner.fault(error, about),
    });
    this.#sender = sender;
    sender.send(body)
      .then((complete) => owner.streamed(exchange, complete))
      .catch((error) => owner.fault(error, exchange));
    return "streaming";
  }

  #push(
    exchange: Exchange,
    { source, length }: Extract<Body, { kind: "pushed" }>,
    framing: Framing,
    settings: ConnectionSettings,
  ): Sending {
    const { patience, outlet, owner } = this;
    exchange.detach();
    this.#sender = new PushSender(exchange, source, framing, length, outlet, {
      waits: () => patience.forOutput(settings.timeout),
      over: (complete) => owner.streamed(exchange, complete),
      fault: (error) => owner.fault(error, exchange),
    });
    return this.#sender.start() ? "written" : "pushing";
  }

  #handOver(exchange: Exchange, takeOver: NonNullable<Reply["takeOver"]>): Sending {
    const { outlet, owner } = this;
    const { transport } = outlet;
    outlet.flush();
    exchange.detach();
    exchange.complete();
    // node:stream takes 20 ms to load, of which most threads never need it.
    import("./tunnel.ts").then(({ Tunnel }) => {
      const tunnel = new Tunnel(transport, exchange, () => owner.released(exchange));
      // Whoever wants a connection that has gone meanwhile finds it closed.
      if (exchange.over) tunnel.destroy();
      else this.tunnel = tunnel;
      takeOver(tunnel);
      owner.handedOver(exchange);
    }).catch((error) => owner.fault(error, exchange));
    return "taken over";
  }

  /** A stream waits for the client to take what was sent. */
  get waits(): boolean {
    return this.#sender?.waiting === true;
  }

  /** The client has taken everything. */
  drained(settings: ConnectionSettings): void {
    if (this.tunnel !== undefined) return this.tunnel.drained();
    if (!this.waits) return;
    const { patience } = this;
    patience.end();
    if (patience.timesInput) patience.forInput(settings.bodyTimeout, settings.timeout);
    this.#sender!.drained();
  }

  /** The timer has run out for a client that a stream waits for. */
  timedOut(exchange: Exchange, settings: ConnectionSettings): void {
    if (this.patience.outputMoved) return this.patience.forOutput(settings.timeout);
    exchange.abort();
    this.#sender!.abort();
  }

  /** Nobody receives any more. */
  abort(): void {
    this.#sender?.abort();
    this.tunnel?.destroy();
  }

  /** The response is over. */
  forget(): void {
    this.persistent = false;
    this.#sender = undefined;
    this.tunnel = undefined;
  }
}
