// What do the frames of a client mean? Each is given to the stream or the part of the connection that it is about; who breaks the rules
// (RFC 9113, 5 and 6) is found here, with what was before.

import { clock } from "../engine/clock.ts";
import type { Outlet } from "../engine/staging.ts";
import type { Service } from "../engine/service.ts";
import { ProtocolError } from "../parser/errors.ts";
import type { RequestHead } from "../parser/head.ts";
import { latin1 } from "../parser/text.ts";
import { type Calm, Cost } from "./calm.ts";
import { ConnectionError, ErrorCode, StreamError } from "./error.ts";
import type { Farewell } from "./farewell.ts";
import { Flag, FrameType, MAX_WINDOW, u32, writePingAck, writeSettingsAck } from "./frame.ts";
import { FrameEvent, FrameParser } from "./frame_parser.ts";
import { HeaderDecoder } from "./hpack_decoder.ts";
import type { Outbox } from "./outbox.ts";
import { parsePriority } from "./priority.ts";
import type { ReceiveWindow } from "./receive_window.ts";
import { RequestReader } from "./request_head.ts";
import { type Http2Settings, MAX_HEADER_LIST, type PeerSettings, TABLE_SIZE } from "./settings.ts";
import type { Stream } from "./stream.ts";
import { LARGEST_STREAM, type StreamTable } from "./stream_table.ts";

/** What was read together is answered together, up to this many bytes. */
const MOST_STAGED = 1 << 18;

/** Heads are read one at a time: a thread needs one reader. */
let reader: RequestReader | undefined;

/** The connection, as what reads its frames sees it. */
export interface IntakeHost extends Outlet {
  readonly service: Service;
  readonly settings: Http2Settings;
  readonly peer: PeerSettings;
  readonly outbox: Outbox;
  readonly streams: StreamTable;
  readonly window: ReceiveWindow;
  readonly calm: Calm;
  readonly farewell: Farewell;
  /** Nothing is read any more. */
  readonly ended: boolean;
  /** A request is here: all of it (`ends`), or its body follows. `refused`: it is answered with that; `size`: bytes of its block. */
  begin(
    id: number,
    head: RequestHead,
    ends: boolean,
    refused: ProtocolError | undefined,
    size: number,
  ): void;
  /** The client is told that a stream is over which nobody has. */
  sendReset(id: number, code: number): void;
}

/** The frames that one connection receives. */
export class FrameIntake {
  readonly #parser = new FrameParser();
  readonly #decoder = new HeaderDecoder(TABLE_SIZE, MAX_HEADER_LIST);
  /** The stream of the DATA frame in hand. */
  #dataStream: Stream | undefined = undefined;

  constructor(readonly host: IntakeHost) {}

  /** Reads the first `end` of `bytes`. @throws ConnectionError */
  consume(bytes: Uint8Array<ArrayBuffer>, end: number): void {
    const { host } = this;
    const parser = this.#parser;
    for (let pos = 0; !host.ended; pos = parser.pos) {
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
      if (host.output.length > MOST_STAGED) host.flush();
    }
  }

  /** A header block is complete: a request begins, or its body ends with trailers. */
  #headers(parser: FrameParser): void {
    const { host } = this;
    const { streams, farewell } = host;
    const { stream: id, flags, dependency } = parser;
    const known = streams.get(id);
    const heads = reader ??= new RequestReader();
    heads.begin();
    const whole = this.#decoder.decode(parser.bytes, parser.start, parser.end, heads);
    const ends = (flags & Flag.EndStream) !== 0;
    if (known !== undefined) {
      if (known.incoming.received) {
        throw new StreamError(id, ErrorCode.StreamClosed, "HEADERS behind the end of a stream");
      }
      if (!ends) throw new StreamError(id, ErrorCode.ProtocolError, "a second head");
      return this.#trailers(known, heads, whole);
    }
    if (id % 2 === 0) throw new ConnectionError(ErrorCode.ProtocolError, "a client has odd streams");
    if (id <= streams.last) {
      if (streams.wasReset(id)) return host.calm.charge(Cost.Frame, clock.steady);
      throw new ConnectionError(ErrorCode.ProtocolError, "a stream is opened that was open before");
    }
    if (farewell.stage === "last") return;
    streams.last = id;
    if (dependency === id) throw new StreamError(id, ErrorCode.ProtocolError, "a stream depends on itself");
    if (streams.full(host.settings.maxStreams)) {
      throw new StreamError(id, ErrorCode.RefusedStream, "more streams than were offered");
    }
    let refused: ProtocolError | undefined;
    try {
      heads.end(id, host.service.settings.parser, ends, whole, host.settings.webSockets);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      refused = error;
    }
    host.begin(id, heads.head, ends, refused, parser.end - parser.start);
    if (id >= LARGEST_STREAM - 1) farewell.announce(host.output);
  }

  #trailers(stream: Stream, heads: RequestReader, whole: boolean): void {
    try {
      heads.endTrailers(stream.id, this.host.service.settings.parser, whole);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return stream.broken("the trailers of the request are malformed", error);
    }
    if (heads.head.headerCount > 0) stream.exchange.trailers = [...heads.head.entries()];
    stream.end();
  }

  #data(parser: FrameParser, event: number): void {
    if (event === FrameEvent.DataBegin) return this.#beginData(parser);
    const stream = this.#dataStream;
    if (event === FrameEvent.DataPiece) {
      stream?.incoming.data(parser.bytes.slice(parser.start, parser.end) as Uint8Array<ArrayBuffer>);
      return;
    }
    this.#dataStream = undefined;
    if (stream === undefined || this.host.streams.get(stream.id) === undefined) return;
    if ((parser.flags & Flag.EndStream) !== 0) stream.end();
    else stream.incoming.consumed(parser.length);
  }

  #beginData({ stream: id, length, flags }: FrameParser): void {
    const { host } = this;
    const { streams, calm } = host;
    this.#dataStream = undefined;
    host.window.take(length);
    const stream = streams.get(id);
    if (length === 0 && (flags & Flag.EndStream) === 0) calm.charge(Cost.Empty, clock.steady);
    if (stream === undefined) {
      if (id > streams.last) {
        throw new ConnectionError(ErrorCode.ProtocolError, "DATA of a stream that is not open");
      }
      calm.charge(Cost.Frame, clock.steady);
      if (streams.wasReset(id)) return;
      throw new StreamError(id, ErrorCode.StreamClosed, "DATA of a stream that is over");
    }
    stream.incoming.take(length);
    this.#dataStream = stream;
  }

  #frame(parser: FrameParser): void {
    const { host } = this;
    const { streams, farewell } = host;
    const { type, stream: id, bytes, start, end } = parser;
    if (type !== FrameType.RstStream) host.calm.charge(Cost.Frame, clock.steady);
    switch (type) {
      case FrameType.Settings:
        if ((parser.flags & Flag.Ack) === 0) this.#takeSettings(parser);
        break;
      case FrameType.Ping:
        if ((parser.flags & Flag.Ack) === 0) writePingAck(host.output, bytes.subarray(start, end));
        else if (farewell.stage === "announced") farewell.refuse(host.output, streams.last);
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
        farewell.refuse(host.output, streams.last);
    }
  }

  #takeSettings({ bytes, start, end }: FrameParser): void {
    const { host } = this;
    const { outbox, peer } = host;
    const before = peer.initialWindow;
    peer.take(bytes, start, end);
    const { mostData } = outbox;
    outbox.mostData = Math.min(mostData, peer.maxFrame);
    writeSettingsAck(host.output);
    const delta = peer.initialWindow - before;
    if (delta === 0) return;
    for (const stream of host.streams.values()) {
      if (!stream.outgoing.widen(delta)) {
        throw new ConnectionError(ErrorCode.FlowControlError, "a window grows too large");
      }
    }
  }

  #widen(id: number, increment: number): void {
    const { streams, outbox } = this.host;
    if (id === 0) {
      if (increment === 0) throw new ConnectionError(ErrorCode.ProtocolError, "a window grows by nothing");
      outbox.window += increment;
      if (outbox.window > MAX_WINDOW) {
        throw new ConnectionError(ErrorCode.FlowControlError, "the window grows too large");
      }
      return;
    }
    if (id > streams.last) {
      throw new ConnectionError(ErrorCode.ProtocolError, "WINDOW_UPDATE of a stream that is not open");
    }
    const stream = streams.get(id);
    if (stream === undefined) return;
    if (increment === 0) throw new StreamError(id, ErrorCode.ProtocolError, "a window grows by nothing");
    if (!stream.outgoing.widen(increment)) {
      throw new StreamError(id, ErrorCode.FlowControlError, "a window grows too large");
    }
  }

  /** RFC 9218, 7.1. What is said of streams that are not open yet is not remembered. */
  #prioritise(id: number, value: string): void {
    const { host } = this;
    if (id === 0) throw new ConnectionError(ErrorCode.ProtocolError, "PRIORITY_UPDATE of no stream");
    const stream = host.streams.get(id);
    if (stream === undefined) return;
    stream.outgoing.prioritise(parsePriority(value));
  }

  #resetByClient(id: number): void {
    const { host } = this;
    const { streams } = host;
    if (id > streams.last) {
      throw new ConnectionError(ErrorCode.ProtocolError, "RST_STREAM of a stream that is not open");
    }
    const stream = streams.get(id);
    host.calm.charge(stream === undefined ? Cost.Frame : Cost.Vain, clock.steady);
    stream?.reset(ErrorCode.Cancel, true);
  }

  /** A stream has broken the rules. */
  #failStream({ stream: id, code }: StreamError): void {
    const { host } = this;
    host.calm.charge(Cost.Vain, clock.steady);
    this.#dataStream = undefined;
    const stream = host.streams.get(id);
    if (stream !== undefined) stream.reset(code);
    else host.sendReset(id, code);
  }
}
