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
import type { BodySink } from "../engine/body_sink.ts";
import { clock } from "../engine/clock.ts";
import { ReadTimer } from "../engine/read_timer.ts";
import type { Body, Reply } from "../engine/reply.ts";
import { type BodySource, StreamedBody } from "../engine/request_body.ts";
import type { ConnectionSettings, Service } from "../engine/service.ts";
import type { Outlet } from "../engine/staging.ts";
import { streamOfPushed } from "../engine/push_stream.ts";
import type { Tunnel, TunnelEnd } from "../engine/tunnel.ts";
import { StreamSender } from "../engine/stream_sender.ts";
import { FieldError, UpgradeError } from "../engine/writer.ts";
import { hasNoBody } from "../content/mod.ts";
import { FAULTS, INCOMPLETE, ProtocolError } from "../parser/errors.ts";
import { Field } from "../parser/fields.ts";
import { ErrorCode, StreamError } from "./error.ts";
import { type Outbox, type Piece, releasePieces, type Sender } from "./outbox.ts";
import { DEFAULT_PRIORITY, parsePriority, type Priority } from "./priority.ts";
import { encodeHead } from "./response_head.ts";

/** The connection, as its streams see it. */
export interface StreamHost extends Outlet {
  readonly service: Service;
  readonly outbox: Outbox;
  /** H2StreamMaxMemSize. */
  readonly streamMemory: number;
  /** Writes a header block that was put together in `output` from `at` on, behind room for the head of a frame. */
  writeHeaders(stream: number, at: number, ends: boolean): void;
  /** Gives the client room for `bytes` more of this stream. */
  giveRoom(stream: Stream, bytes: number): void;
  /** The client has taken `bytes` of a body. */
  sentData(bytes: number): void;
  /** The handler of this stream has begun to work, or has done its part. */
  working(delta: number): void;
  /** The stream is over; a `code`: it is reset. */
  over(stream: Stream, code: number | undefined): void;
  /** Something happened that the connection did not cause: `step` is taken, and what it wrote is sent. */
  proceed(step: () => void): void;
}

const Stage = { Receiving: 0, Handling: 1, Streaming: 2, Sending: 3, Over: 4, Tunnel: 5 } as const;

const encoder = new TextEncoder();

/** One request with its response. */
export class Stream implements BodySource, BodySink, Sender {
  readonly pieces: Piece[] = [];
  queued = 0;
  ends = false;
  inLine = false;
  priority: Priority = DEFAULT_PRIORITY;
  /** All of the request is here. */
  received = false;
  /** What the client may still send; and what was taken of that and not told yet. */
  room: number;
  taken = 0;
  readonly #fullRoom: number;
  settings: ConnectionSettings;
  #stage: number = Stage.Receiving;
  /** The handler does not take more for now. */
  #paused = false;
  #expects = false;
  #works = false;
  #waits = false;
  #counted = false;
  #bodyBytes = 0;
  #body: StreamedBody | undefined = undefined;
  #bodyLimit = 0;
  #sender: StreamSender | undefined = undefined;
  /** Takes what comes on a stream that is something else now; and what came before it was there. */
  #tunnel: Tunnel | undefined = undefined;
  #early: Uint8Array<ArrayBuffer>[] = [];
  /** What to answer when the handler gave up because of its body. */
  #answer: ((exchange: Exchange) => Reply) | undefined = undefined;
  readonly #reader = new ReadTimer();
  /** Since when (performance.now()) the client has taken nothing of what waits. */
  #stuckSince = 0;

  constructor(
    readonly id: number,
    readonly exchange: Exchange,
    readonly host: StreamHost,
    public window: number,
    room: number,
  ) {
    this.room = this.#fullRoom = room;
    this.settings = host.service.settings;
  }

  /** The head is here; `error`: it is refused. */
  begin(endStream: boolean, error: ProtocolError | undefined): void {
    const { service } = this.host;
    const { exchange } = this;
    this.received = endStream;
    const { head } = exchange;
    if (head.has(Field.Priority)) this.priority = parsePriority(head.field(Field.Priority) ?? "");
    this.#setWorks(true);
    if (error !== undefined) return this.#respond(service.protocolError(error, exchange));
    const refused = service.begin(exchange);
    this.settings = service.settingsOf(exchange);
    // A body that is none: the stream is to become something else. What comes before that has the window, and no more.
    this.#paused = !endStream && head.bodyKind === "none";
    if (endStream || head.bodyKind === "none") return this.#respond(refused ?? service.handle(exchange));
    this.#expects = head.expectContinue;
    this.#bodyLimit = service.bodyLimit(exchange);
    if (this.#bodyLimit > 0 && head.contentLength > this.#bodyLimit) {
      return this.#respond(service.protocolError(new ProtocolError(FAULTS.contentTooLarge), exchange));
    }
    if (refused === undefined && service.wantsBody(exchange)) {
      exchange.detach();
      exchange.body = this.#body = new StreamedBody(this);
      return this.#respond(Promise.resolve(service.handle(exchange)));
    }
    exchange.reply = refused;
    // A client that asks first whether to send gets the answer instead: nobody here wants the body.
    if (this.#expects) return this.#respond(refused ?? service.handle(exchange));
    exchange.detach();
    this.#awaitBody();
  }

  /** A piece of the body has arrived. @throws StreamError */
  data(bytes: Uint8Array<ArrayBuffer>): void {
    const { exchange } = this;
    this.#bodyBytes += bytes.length;
    if (this.#reader.running) this.#reader.note(bytes.length);
    const { head } = exchange;
    if (head.bodyKind === "length" && this.#bodyBytes > head.contentLength) {
      throw new StreamError(this.id, ErrorCode.ProtocolError, "more of a body than its Content-Length");
    }
    if (this.#bodyLimit > 0 && this.#bodyBytes > this.#bodyLimit) {
      return this.#break(
        "the request body is too large",
        (about) => this.host.service.protocolError(new ProtocolError(FAULTS.chunksTooLarge), about),
      );
    }
    if (this.#tunnel !== undefined) this.#tunnel.receive(bytes);
    else if (head.bodyKind === "none") this.#early.push(bytes);
    else this.#body?.push(bytes);
  }

  /** `bytes` of this stream's window were used up: they are given back, if the handler takes what comes. */
  consumed(bytes: number): void {
    this.taken += bytes;
    if (!this.#paused) this.#giveRoom();
  }

  #giveRoom(): void {
    // Told once in a while: half of the window is still open then.
    if (this.taken * 2 < this.#fullRoom || this.received || this.#stage === Stage.Over) return;
    const { taken } = this;
    this.taken = 0;
    this.host.giveRoom(this, taken);
  }

  /** The request is complete. @throws StreamError */
  end(): void {
    const { exchange, host: { service } } = this;
    const { head } = exchange;
    if (head.bodyKind === "length" && this.#bodyBytes !== head.contentLength) {
      throw new StreamError(this.id, ErrorCode.ProtocolError, "less of a body than its Content-Length");
    }
    this.received = true;
    this.#reader.stop();
    this.#body?.end();
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
          host.proceed(() => this.#send(this.#answer?.(exchange) ?? service.handlerFailed(exchange, error)));
        }
      },
    ).catch((error) => service.faulted(error)).finally(() => {
      if (this.#stage !== Stage.Streaming && this.#stage !== Stage.Tunnel) this.#setWorks(false);
    });
  }

  /** Sends `asked`, or a failure instead of one that cannot be sent. */
  #send(asked: Reply): void {
    const { exchange, host, settings } = this;
    const { output } = host;
    const reply = withBytes(asked);
    const mark = output.length;
    const { body } = reply;
    const isHead = exchange.head.method === "HEAD";
    const length = lengthOf(reply);
    const { takeOver } = reply;
    const ends = takeOver === undefined &&
      (body.kind === "none" || isHead || hasNoBody(reply.status) || length === 0);
    try {
      if (takeOver !== undefined && (reply.status !== 101 || exchange.head.upgrade === undefined)) {
        throw new UpgradeError("a stream is taken over without status 101, or without being asked");
      }
      output.reserve(9);
      output.length += 9;
      encodeHead(
        output,
        reply,
        isHead && length === 0 ? undefined : length,
        settings.serverField,
        exchange.startTime,
      );
    } catch (error) {
      output.length = mark;
      discardReply(reply);
      if (error instanceof FieldError) return this.#send(host.service.invalidField(exchange, error));
      if (error instanceof UpgradeError) return this.#send(host.service.handlerFailed(exchange, error));
      throw error;
    }
    exchange.reply = reply;
    exchange.status = takeOver === undefined ? reply.status : 200;
    exchange.committed = true;
    exchange.bytesWritten += output.length - mark;
    host.writeHeaders(this.id, mark, ends);
    if (ends) {
      discardReply(reply);
      return this.#finish();
    }
    if (takeOver !== undefined) return this.#handOver(takeOver);
    if (body.kind === "stream") return this.#stream(body);
    this.#setWaiting(false);
    this.#stage = Stage.Sending;
    if (body.kind === "bytes") this.#enqueue(body.bytes, body.bytes.length);
    else if (body.kind === "parts") {
      for (const part of body.parts) {
        if (part instanceof Uint8Array) this.#enqueue(part, part.length);
        else this.#enqueue({ file: part.file, offset: part.offset, length: part.length }, part.length);
      }
    }
    this.ends = true;
    this.#stuckSince = clock.steady;
    host.outbox.enter(this);
    host.outbox.pump();
    if (this.#stage === Stage.Over) return;
    exchange.detach();
    // Nothing is left but what the client takes: the work is done.
    this.#count();
    this.#setWorks(false);
  }

  #enqueue(piece: Piece, length: number): void {
    if (length === 0) return;
    this.pieces.push(piece);
    this.queued += length;
  }

  /** The stream is something else from now on, for both directions. */
  #handOver(takeOver: NonNullable<Reply["takeOver"]>): void {
    const { exchange, host } = this;
    this.#stage = Stage.Tunnel;
    this.#setWaiting(true);
    exchange.detach();
    exchange.complete();
    const end: TunnelEnd = new TunnelSide(this);
    // node:stream takes 20 ms to load, of which most threads never need it.
    import("../engine/tunnel.ts").then(({ Tunnel }) => {
      const tunnel = new Tunnel(end, exchange, () => host.proceed(() => this.#closeTunnel()));
      if (this.#stage === Stage.Over) tunnel.destroy();
      else this.#tunnel = tunnel;
      takeOver(tunnel);
      for (const piece of this.#early) tunnel.receive(piece);
      this.#early = [];
      if (this.received) tunnel.receiveEnd();
    }).catch((error) => {
      host.service.faulted(error);
      host.proceed(() => this.reset(ErrorCode.InternalError));
    });
  }

  /** Whoever had the stream has done with it: what waits still goes out. */
  #closeTunnel(): void {
    if (this.#stage !== Stage.Tunnel) return;
    this.#setWaiting(false);
    this.#stage = Stage.Sending;
    this.ends = true;
    this.#stuckSince = clock.steady;
    this.host.outbox.enter(this);
    this.host.outbox.pump();
    this.#setWorks(false);
  }

  /** Bytes for the other end of a tunnel; copied. */
  writeRaw(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#stage !== Stage.Tunnel) return;
    this.host.proceed(() => {
      if (this.queued === 0) this.#stuckSince = performance.now();
      this.#enqueue(bytes, bytes.length);
      this.host.outbox.enter(this);
      this.host.outbox.pump();
    });
  }

  /** Nothing can be written to the client any more. */
  get over(): boolean {
    return this.#stage === Stage.Over;
  }

  #stream(body: Extract<Body, { kind: "stream" }>): void {
    const { exchange, host } = this;
    const { service } = host;
    this.#stage = Stage.Streaming;
    this.#setWaiting(true);
    exchange.detach();
    const sender = this.#sender = new StreamSender(exchange, this, {
      waits: () => this.#stuckSince = performance.now(),
      streamFailed: (about, error) => service.streamFailed(about, error),
      sourceFailed: (error) => service.faulted(error),
      fault: (error) => service.faulted(error),
    });
    sender.send(body).then((complete) => {
      if (this.#stage !== Stage.Streaming) return;
      this.#setWaiting(false);
      if (complete) {
        // What is left waits in the outbox.
        this.#sender = undefined;
        this.#stage = Stage.Sending;
        this.#count();
        this.#setWorks(false);
        host.proceed(() => {});
      } else host.proceed(() => this.reset(ErrorCode.InternalError));
    }).catch((error) => service.faulted(error));
  }

  get full(): boolean {
    return this.queued > this.host.streamMemory;
  }

  /** A stream of the handler's gives `pieces`. */
  send(pieces: readonly Uint8Array<ArrayBuffer>[], _size: number, last: boolean): void {
    if (this.#stage === Stage.Over) return;
    this.host.proceed(() => {
      const before = this.queued;
      for (const piece of pieces) this.#enqueue(piece, piece.length);
      if (before === 0) this.#stuckSince = performance.now();
      if (last) this.ends = true;
      this.host.outbox.enter(this);
      this.host.outbox.pump();
      // What has to wait is kept: the source may use its memory again.
      for (const [i, piece] of this.pieces.entries()) {
        if (piece instanceof Uint8Array && pieces.some(({ buffer }) => buffer === piece.buffer)) {
          this.pieces[i] = piece.slice();
        }
      }
    });
  }

  sent(length: number, body: number, last: boolean): void {
    const { exchange } = this;
    exchange.bytesWritten += length;
    // A streamed body counts what it gives.
    if (exchange.reply?.body.kind !== "stream") exchange.bytesSent += body;
    this.#stuckSince = clock.steady;
    this.host.sentData(body);
    if (last) return this.#finish();
    if (this.#tunnel !== undefined && this.queued === 0) this.#tunnel.drained();
    if (this.#sender?.waiting === true && this.queued === 0) this.#sender.drained();
  }

  broken(): void {
    this.reset(ErrorCode.InternalError);
  }

  /** The client has taken what was sent. */
  drained(): void {
    if (this.#sender?.waiting === true && this.queued === 0) this.#sender.drained();
  }

  /** The response is sent. */
  #finish(): void {
    if (this.#stage === Stage.Over) return;
    this.#sender = undefined;
    // What is left of the request is of no interest, and the client may stop (RFC 9113, 8.1).
    this.#close(this.received ? undefined : ErrorCode.NoError);
  }

  /** The stream is broken off, by the client (`told`: it knows) or because something has failed. */
  reset(code: number, told = false): void {
    if (this.#stage === Stage.Over) return;
    const { exchange } = this;
    exchange.connectionState = "X";
    exchange.abort();
    this.#close(told ? undefined : code);
  }

  #close(code: number | undefined): void {
    const { exchange, host } = this;
    const { service } = host;
    const pending = this.#stage === Stage.Handling && this.#waits;
    this.#stage = Stage.Over;
    this.#setWaiting(false);
    host.outbox.leave(this);
    releasePieces(this.pieces);
    this.queued = 0;
    this.ends = false;
    this.#reader.stop();
    this.#sender?.abort();
    this.#tunnel?.destroy();
    this.#early = [];
    this.#body?.fail(
      code === ErrorCode.NoError ? "the response was finished" : "the client has given up the request",
    );
    this.#body?.discard();
    exchange.bytesReceived += this.#bodyBytes;
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

  /** No more of the request can be had. `answer` is for a client that has got none yet. */
  #break(message: string, answer: (exchange: Exchange) => Reply): void {
    const { exchange } = this;
    this.#reader.stop();
    if (this.#stage === Stage.Receiving) return this.#respond(answer(exchange));
    this.#answer = answer;
    this.#body?.fail(message);
  }

  #awaitBody(): void {
    if (this.received) return;
    if (!this.#reader.running) this.#reader.start(performance.now(), this.settings.bodyTimeout);
  }

  /** A tunnel takes what comes, or has enough for now. */
  setReading(on: boolean): void {
    this.#paused = !on;
    if (on) this.host.proceed(() => this.#giveRoom());
  }

  resume(): void {
    if (this.received || this.#stage === Stage.Over) return;
    this.#paused = false;
    this.host.proceed(() => {
      if (this.#expects) {
        this.#expects = false;
        const { output } = this.host;
        const at = output.length;
        output.reserve(9 + 8);
        output.length += 9;
        encodeContinue(output);
        this.exchange.bytesWritten += output.length - at;
        this.host.writeHeaders(this.id, at, false);
      }
      this.#giveRoom();
    });
    this.#awaitBody();
  }

  pause(): void {
    this.#paused = true;
    this.#reader.stop();
  }

  /** Something is awaited of the client: more of the request, or that it takes some of the response. */
  get awaitsClient(): boolean {
    return this.#reader.running || this.queued > 0;
  }

  /** Whoever has waited too long at `now` (performance.now()) is given up. */
  checkTime(now: number): void {
    const { service } = this.host;
    const { timeout } = this.settings;
    if (this.#reader.running && this.#reader.left(now, timeout) <= 0) {
      this.#break("the client was too slow", (exchange) => service.timedOut(exchange));
    } else if (this.queued > 0 && now - this.#stuckSince > timeout) this.reset(ErrorCode.Cancel);
  }

  /** The client sends no more on this connection. It has mostly gone: the handler may stop. */
  inputEnded(): void {
    if (this.received) return this.exchange.abort();
    if (this.#stage === Stage.Tunnel) {
      this.received = true;
      this.#tunnel?.receiveEnd();
      return;
    }
    const { service } = this.host;
    this.#break(
      "the client closed the connection within the request body",
      (exchange) => service.protocolError(INCOMPLETE, exchange),
    );
  }
}

function encodeContinue(output: Outlet["output"]): void {
  // :status 100, as a name of the static table and a literal.
  for (const byte of [0x08, 0x03, 0x31, 0x30, 0x30]) output.bytes[output.length++] = byte;
}

/** A text is made bytes, and what is pushed a stream: others have their turn between its pieces. */
function withBytes(reply: Reply): Reply {
  const { body } = reply;
  if (body.kind === "pushed") {
    return { ...reply, body: { kind: "stream", stream: streamOfPushed(body.source), length: body.length } };
  }
  if (body.kind !== "text") return reply;
  return { ...reply, body: { kind: "bytes", bytes: encoder.encode(body.text) } };
}

function lengthOf({ body, declaredLength }: Reply): number | undefined {
  if (declaredLength !== undefined) return declaredLength;
  if (body.kind === "bytes") return body.bytes.length;
  if (body.kind === "none") return 0;
  return body.kind === "text" ? undefined : body.length;
}

/** A stream, as a tunnel sees it. */
class TunnelSide implements TunnelEnd {
  constructor(readonly stream: Stream) {}

  get gone(): boolean {
    return this.stream.over;
  }

  get backlog(): number {
    return this.stream.queued;
  }

  write(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    this.stream.writeRaw(bytes.slice(0, length));
  }

  setReading(on: boolean): void {
    this.stream.setReading(on);
  }
}
