// What happens on an HTTP/2 connection? The driver between the transport and the frame parser, as HttpConnection is for HTTP/1.1: it
// keeps the connection's state, gives each stream what is for it, and ends who breaks the rules (RFC 9113).
//
// The connection has one slot while any of its streams is at work; with nothing but bytes to send, or input to wait for, it has none.

import type { CloseMode, ProtocolHandler, Transport } from "../../../mpm/mod.ts";
import { Exchange } from "../../request/exchange.ts";
import { clock, readClocks } from "../engine/clock.ts";
import type { OutputBuffer } from "../engine/output.ts";
import type { Service } from "../engine/service.ts";
import type { StagingOwner } from "../engine/staging.ts";
import { ProtocolError } from "../parser/errors.ts";
import { latin1 } from "../parser/text.ts";
import { Calm, Cost, Gain, TINY } from "./calm.ts";
import { ConnectionError, ErrorCode, StreamError } from "./error.ts";
import {
  DEFAULT_WINDOW,
  Flag,
  FRAME_HEAD,
  FrameType,
  MAX_FRAME,
  MAX_WINDOW,
  putFrameHead,
  u32,
  writeGoAway,
  writePingAck,
  writeRstStream,
  writeSettingsAck,
  writeWindowUpdate,
} from "./frame.ts";
import { FrameEvent, FrameParser } from "./frame_parser.ts";
import { HeaderDecoder } from "./hpack_decoder.ts";
import { Outbox } from "./outbox.ts";
import { parsePriority } from "./priority.ts";
import { RequestReader } from "./request_head.ts";
import { addressFrames, preparedFrames } from "./response_head.ts";
import {
  CONNECTION_WINDOW,
  type Http2Settings,
  MAX_HEADER_LIST,
  PeerSettings,
  TABLE_SIZE,
  writeOurSettings,
} from "./settings.ts";
import { Stream, type StreamHost } from "./stream.ts";

/** What was read together is answered together, up to this many bytes. */
const MOST_STAGED = 1 << 18;
/** So often (ms) it is looked whether clients are too slow. */
const TICK_MS = 1000;
/** Of so many streams that we have reset, frames may still be on their way. */
const MOST_RESET = 256;
/** Requests that are on their way when the server is about to end have this long (ms) to come. */
const LAST_CALL_MS = 1000;
const LARGEST_STREAM = 2 ** 31 - 1;
/** What the PING behind the announcement of the end says. */
const LAST_CALL = new TextEncoder().encode("lastcall");

/** Heads are read one at a time: a thread needs one reader. */
let reader: RequestReader | undefined;

export class Http2Connection implements ProtocolHandler, StreamHost, StagingOwner {
  readonly outbox: Outbox;
  readonly #parser = new FrameParser();
  readonly #decoder = new HeaderDecoder(TABLE_SIZE, MAX_HEADER_LIST);
  readonly #peer = new PeerSettings();
  readonly #streams = new Map<number, Stream>();
  readonly #calm = new Calm(performance.now());
  #transport!: Transport;
  /** The highest stream that the client has opened. */
  #last = 0;
  /** Streams whose handlers are at work, also those that the client has given up. */
  #working = 0;
  /** What the client may still send over all streams, and what was taken of that and not told yet. */
  #room = CONNECTION_WINDOW;
  #taken = 0;
  /** Streams that we have reset; undefined: none. */
  #reset: Set<number> | undefined = undefined;
  /** The stream of the DATA frame in hand. */
  #dataStream: Stream | undefined = undefined;
  /** The end: announced, or no further stream is begun. */
  #ending: "no" | "announced" | "last" = "no";
  #over = false;
  /** Input or an event is being worked on: what is written meanwhile is sent behind it. */
  #busy = false;
  #awaiting = false;

  constructor(readonly service: Service, readonly settings: Http2Settings) {
    this.outbox = new Outbox(this, DEFAULT_WINDOW, Math.min(MAX_FRAME, settings.maxDataFrame || MAX_FRAME));
  }

  get streamMemory(): number {
    return this.settings.streamMemory;
  }

  open(transport: Transport): void {
    this.#transport = transport;
    transport.writeTimeout = this.service.settings.timeout;
    writeOurSettings(this.output, this.settings);
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

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    readClocks();
    this.#awaiting = false;
    this.proceed(() => this.#consume(bytes, length));
  }

  proceed(step: () => void): void {
    if (this.#over) return;
    if (this.#busy) return step();
    this.#busy = true;
    try {
      readClocks();
      step();
    } catch (error) {
      this.#busy = false;
      if (error instanceof ConnectionError) return this.#fail(error);
      return this.fault(error);
    }
    this.#busy = false;
    this.#settle();
  }

  #consume(bytes: Uint8Array<ArrayBuffer>, end: number): void {
    const parser = this.#parser;
    for (let pos = 0; !this.#over; pos = parser.pos) {
      try {
        const event = parser.next(bytes, pos, end);
        if (event === FrameEvent.NeedData) return;
        if (event === FrameEvent.Headers) this.#headers(parser);
        else if (event === FrameEvent.Frame) this.#frame(parser);
        else this.#data(parser, event);
      } catch (error) {
        if (!(error instanceof StreamError)) throw error;
        this.#failStream(error);
      }
      if (this.output.length > MOST_STAGED) this.flush();
    }
  }

  /** A header block is complete: a request begins, or its body ends with trailers. */
  #headers(parser: FrameParser): void {
    const { stream: id, flags, dependency } = parser;
    const known = this.#streams.get(id);
    const heads = reader ??= new RequestReader();
    heads.begin();
    const whole = this.#decoder.decode(parser.bytes, parser.start, parser.end, heads);
    const ends = (flags & Flag.EndStream) !== 0;
    if (known !== undefined) {
      if (known.received) {
        throw new StreamError(id, ErrorCode.StreamClosed, "HEADERS behind the end of a stream");
      }
      if (!ends) throw new StreamError(id, ErrorCode.ProtocolError, "a second head");
      heads.endTrailers(id);
      return known.end();
    }
    if (id % 2 === 0) throw new ConnectionError(ErrorCode.ProtocolError, "a client has odd streams");
    if (id <= this.#last) {
      if (this.#reset?.has(id) === true) return this.#calm.charge(Cost.Frame, clock.steady);
      throw new ConnectionError(ErrorCode.ProtocolError, "a stream is opened that was open before");
    }
    if (this.#ending === "last") return;
    this.#last = id;
    if (dependency === id) throw new StreamError(id, ErrorCode.ProtocolError, "a stream depends on itself");
    if (this.#working >= this.settings.maxStreams || this.#streams.size >= this.settings.maxStreams) {
      throw new StreamError(id, ErrorCode.RefusedStream, "more streams than were offered");
    }
    let refused: ProtocolError | undefined;
    try {
      heads.end(id, this.service.settings.parser, ends, whole, this.settings.webSockets);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      refused = error;
    }
    this.#begin(id, heads, ends, refused, parser.end - parser.start);
    if (id >= LARGEST_STREAM - 1) this.#announceEnd();
  }

  #begin(
    id: number,
    { head }: RequestReader,
    ends: boolean,
    refused: ProtocolError | undefined,
    size: number,
  ): void {
    const transport = this.#transport;
    const exchange = new Exchange(head, transport, clock.date, clock.steady, transport.served);
    exchange.bytesReceived = FRAME_HEAD + size;
    if (refused === undefined && ends && this.#sendPrepared(id, exchange)) return;
    const stream = new Stream(id, exchange, this, this.#peer.initialWindow, this.settings.windowSize);
    this.#streams.set(id, stream);
    stream.begin(ends, refused);
  }

  /** Answers with a message made ahead, if there is one that the client takes at once. */
  #sendPrepared(id: number, exchange: Exchange): boolean {
    const { service, outbox } = this;
    const prepared = service.prepared(exchange);
    if (prepared === undefined || this.#peer.tableShrunk || outbox.waiting) return false;
    const { bodyLength } = prepared;
    if (bodyLength > outbox.window || bodyLength > this.#peer.initialWindow || bodyLength > outbox.mostData) {
      return false;
    }
    const frames = preparedFrames(prepared);
    if (frames === undefined) return false;
    addressFrames(frames, id, exchange.startTime);
    this.output.append(frames.bytes);
    outbox.window -= bodyLength;
    exchange.status = prepared.status;
    exchange.bytesSent = bodyLength;
    exchange.bytesWritten = frames.bytes.length;
    exchange.over = true;
    try {
      service.counted(exchange);
      service.finished(exchange);
    } finally {
      exchange.complete();
      this.#transport.served++;
      this.#calm.credit(Gain.Response);
    }
    return true;
  }

  #data(parser: FrameParser, event: number): void {
    if (event === FrameEvent.DataBegin) return this.#beginData(parser);
    const stream = this.#dataStream;
    if (event === FrameEvent.DataPiece) {
      stream?.data(parser.bytes.slice(parser.start, parser.end) as Uint8Array<ArrayBuffer>);
      return;
    }
    this.#dataStream = undefined;
    if (stream === undefined || !this.#streams.has(stream.id)) return;
    if ((parser.flags & Flag.EndStream) !== 0) stream.end();
    else stream.consumed(parser.length);
  }

  #beginData({ stream: id, length, flags }: FrameParser): void {
    this.#dataStream = undefined;
    this.#room -= length;
    if (this.#room < 0) throw new ConnectionError(ErrorCode.FlowControlError, "more DATA than the window");
    this.#taken += length;
    const stream = this.#streams.get(id);
    if (length === 0 && (flags & Flag.EndStream) === 0) this.#calm.charge(Cost.Empty, clock.steady);
    if (stream === undefined) {
      if (id > this.#last) {
        throw new ConnectionError(ErrorCode.ProtocolError, "DATA of a stream that is not open");
      }
      this.#calm.charge(Cost.Frame, clock.steady);
      if (this.#reset?.has(id) === true) return;
      throw new StreamError(id, ErrorCode.StreamClosed, "DATA of a stream that is over");
    }
    if (stream.received) throw new StreamError(id, ErrorCode.StreamClosed, "DATA behind the end of a stream");
    stream.room -= length;
    if (stream.room < 0) throw new StreamError(id, ErrorCode.FlowControlError, "more DATA than the window");
    this.#dataStream = stream;
  }

  #frame(parser: FrameParser): void {
    const { type, stream: id, bytes, start, end } = parser;
    if (type !== FrameType.RstStream) this.#calm.charge(Cost.Frame, clock.steady);
    switch (type) {
      case FrameType.Settings:
        if ((parser.flags & Flag.Ack) === 0) this.#takeSettings(parser);
        break;
      case FrameType.Ping:
        if ((parser.flags & Flag.Ack) === 0) writePingAck(this.output, bytes.subarray(start, end));
        else if (this.#ending === "announced") this.#refuseFurther();
        break;
      case FrameType.WindowUpdate:
        this.#widen(id, u32(bytes, start) & MAX_WINDOW);
        break;
      case FrameType.RstStream:
        this.#resetByClient(id);
        break;
      case FrameType.Priority:
        if (parser.dependency === id) {
          throw new StreamError(id, ErrorCode.ProtocolError, "a stream depends on itself");
        }
        break;
      case FrameType.PriorityUpdate:
        this.#prioritise(u32(bytes, start) & LARGEST_STREAM, latin1(bytes, start + 4, end));
        break;
      case FrameType.GoAway:
        // The client opens no more streams; those that are open are answered.
        this.#refuseFurther();
    }
  }

  #takeSettings({ bytes, start, end }: FrameParser): void {
    const peer = this.#peer;
    const before = peer.initialWindow;
    peer.take(bytes, start, end);
    const { mostData } = this.outbox;
    this.outbox.mostData = Math.min(mostData, peer.maxFrame);
    writeSettingsAck(this.output);
    const delta = peer.initialWindow - before;
    if (delta === 0) return;
    for (const stream of this.#streams.values()) {
      stream.window += delta;
      if (stream.window > MAX_WINDOW) {
        throw new ConnectionError(ErrorCode.FlowControlError, "a window grows too large");
      }
      this.outbox.enter(stream);
    }
  }

  #widen(id: number, increment: number): void {
    if (id === 0) {
      if (increment === 0) throw new ConnectionError(ErrorCode.ProtocolError, "a window grows by nothing");
      this.outbox.window += increment;
      if (this.outbox.window > MAX_WINDOW) {
        throw new ConnectionError(ErrorCode.FlowControlError, "the window grows too large");
      }
      return;
    }
    if (id > this.#last) {
      throw new ConnectionError(ErrorCode.ProtocolError, "WINDOW_UPDATE of a stream that is not open");
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    if (increment === 0) throw new StreamError(id, ErrorCode.ProtocolError, "a window grows by nothing");
    stream.window += increment;
    if (stream.window > MAX_WINDOW) {
      throw new StreamError(id, ErrorCode.FlowControlError, "a window grows too large");
    }
    this.outbox.enter(stream);
  }

  /** RFC 9218, 7.1. What is said of streams that are not open yet is not remembered. */
  #prioritise(id: number, value: string): void {
    if (id === 0) throw new ConnectionError(ErrorCode.ProtocolError, "PRIORITY_UPDATE of no stream");
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.priority = parsePriority(value);
    this.outbox.moved(stream);
  }

  #resetByClient(id: number): void {
    if (id > this.#last) {
      throw new ConnectionError(ErrorCode.ProtocolError, "RST_STREAM of a stream that is not open");
    }
    const stream = this.#streams.get(id);
    this.#calm.charge(stream === undefined ? Cost.Frame : Cost.Vain, clock.steady);
    stream?.reset(ErrorCode.Cancel, true);
  }

  /** A stream has broken the rules. */
  #failStream({ stream: id, code }: StreamError): void {
    this.#calm.charge(Cost.Vain, clock.steady);
    this.#dataStream = undefined;
    const stream = this.#streams.get(id);
    if (stream !== undefined) stream.reset(code);
    else this.#sendReset(id, code);
  }

  #sendReset(id: number, code: number): void {
    writeRstStream(this.output, id, code);
    const reset = this.#reset ??= new Set();
    reset.add(id);
    if (reset.size > MOST_RESET) reset.delete(reset.values().next().value!);
  }

  over(stream: Stream, code: number | undefined): void {
    this.#streams.delete(stream.id);
    this.#transport.served++;
    if (stream.exchange.connectionState !== "X") this.#calm.credit(Gain.Response);
    if (code !== undefined && !this.#over) this.#sendReset(stream.id, code);
  }

  working(delta: number): void {
    this.#working += delta;
    if (this.#working === 0 && !this.#busy) this.proceed(() => {});
  }

  sentData(bytes: number): void {
    if (bytes >= TINY) this.#calm.credit(Gain.Data);
  }

  giveRoom(stream: Stream, bytes: number): void {
    stream.room += bytes;
    writeWindowUpdate(this.output, stream.id, bytes);
  }

  /** Frames the block in `output` from `at` on; what does not fit into one frame is continued. */
  writeHeaders(stream: number, at: number, ends: boolean): void {
    const { output } = this;
    if (this.#peer.tableShrunk) {
      // A table of no bytes is used from now on.
      this.#peer.tableShrunk = false;
      const block = output.takeFrom(at + FRAME_HEAD);
      output.append(Uint8Array.of(0x20));
      output.append(block);
    }
    const length = output.length - at - FRAME_HEAD;
    const endStream = ends ? Flag.EndStream : 0;
    if (length <= MAX_FRAME) {
      return putFrameHead(output.bytes, at, length, FrameType.Headers, endStream | Flag.EndHeaders, stream);
    }
    const block = output.takeFrom(at + FRAME_HEAD);
    output.length = at;
    for (let from = 0; from < block.length; from += MAX_FRAME) {
      const part = block.subarray(from, from + MAX_FRAME);
      const flags = (from === 0 ? endStream : 0) |
        (from + part.length === block.length ? Flag.EndHeaders : 0);
      output.reserve(FRAME_HEAD);
      putFrameHead(
        output.bytes,
        output.length,
        part.length,
        from === 0 ? FrameType.Headers : FrameType.Continuation,
        flags,
        stream,
      );
      output.length += FRAME_HEAD;
      output.append(part);
    }
  }

  /** Nothing more can be done now: what was written goes out, and the connection waits. */
  #settle(): void {
    if (this.#over) return;
    const transport = this.#transport;
    // One that came when the end was told already has not heard of it.
    if (this.#ending === "no" && transport.stopping) this.#announceEnd();
    if (this.outbox.waiting) this.outbox.pump();
    if (this.#taken * 2 > CONNECTION_WINDOW) {
      writeWindowUpdate(this.output, 0, this.#taken);
      this.#room += this.#taken;
      this.#taken = 0;
    }
    this.flush();
    if (transport.gone) return this.#close("break");
    if (this.#ending === "last" && this.#streams.size === 0) return this.#close("linger");
    this.#setTimer();
    if (this.#working > 0 || this.#awaiting) return;
    this.#awaiting = true;
    transport.awaitInput();
  }

  #setTimer(): void {
    const transport = this.#transport;
    // While something is on its way the transport watches the client itself.
    if (transport.backlog > 0) return;
    const { headTimeout, timeout, keepAliveTimeout } = this.service.settings;
    if (this.#ending === "announced" && this.#streams.size === 0) transport.setTimer(LAST_CALL_MS);
    else if (this.#streams.size > 0) transport.setTimer(TICK_MS);
    else transport.setTimer(transport.served === 0 ? headTimeout.initial || timeout : keepAliveTimeout);
  }

  onTimeout(): void {
    this.proceed(() => {
      if (this.#ending === "announced") this.#refuseFurther();
      const now = performance.now();
      for (const stream of this.#streams.values()) stream.checkTime(now);
      if (this.#streams.size === 0) this.#refuseFurther();
    });
  }

  onStopping(): void {
    if (this.#ending === "no") this.proceed(() => this.#announceEnd());
  }

  /** The client is told to open no more streams. What is on its way meanwhile is still answered: a PING shows when that has come. */
  #announceEnd(): void {
    if (this.#ending !== "no") return;
    this.#ending = "announced";
    const { output } = this;
    writeGoAway(output, LARGEST_STREAM, ErrorCode.NoError);
    output.reserve(FRAME_HEAD);
    putFrameHead(output.bytes, output.length, LAST_CALL.length, FrameType.Ping, 0, 0);
    output.length += FRAME_HEAD;
    output.append(LAST_CALL);
  }

  /** No stream is begun any more; the connection ends with those that are open. */
  #refuseFurther(): void {
    if (this.#ending === "last") return;
    this.#ending = "last";
    writeGoAway(this.output, this.#last, ErrorCode.NoError);
  }

  onEnd(): void {
    // Whoever closes has mostly gone. One that has only finished sending still gets its answers.
    this.proceed(() => {
      for (const stream of this.#streams.values()) stream.inputEnded();
      this.#ending = "last";
    });
  }

  onDrained(): void {
    this.proceed(() => {
      for (const stream of this.#streams.values()) stream.drained();
    });
  }

  /** The client has broken the rules of the connection: it is told, and that is the end. */
  #fail({ code }: ConnectionError): void {
    this.service.staging.for(this);
    writeGoAway(this.output, this.#last, code);
    this.#close("linger");
  }

  #close(mode: CloseMode): void {
    this.flush();
    this.#forget();
    this.#transport.close(mode);
  }

  fault(error: unknown): void {
    this.service.faulted(error);
    if (this.#over) return;
    this.#forget();
    this.#transport.close("break");
  }

  onGone(): void {
    this.#forget();
  }

  reset(): void {
    this.#forget();
  }

  /** Whatever is in hand is broken off. */
  #forget(): void {
    if (this.#over) return;
    this.#over = true;
    this.service.staging.discard(this);
    for (const stream of this.#streams.values()) {
      try {
        stream.reset(ErrorCode.Cancel, true);
      } catch (error) {
        this.service.faulted(error);
      }
    }
  }
}
