// What happens on an HTTP/2 connection? The driver between the transport and what reads and makes frames, as HttpConnection is for
// HTTP/1.1: it begins streams, sends what was made for them, and decides what the connection waits for (RFC 9113).
//
// The connection has one slot while any of its streams is at work; with nothing but bytes to send, or input to wait for, it has none.

import type { CloseMode, Transport } from "../../../mpm/mod.ts";
import { Exchange } from "../../request/exchange.ts";
import { clock, readClocks } from "../engine/clock.ts";
import type { OutputBuffer } from "../engine/output.ts";
import type { Http2Handler, Service } from "../engine/service.ts";
import type { StagingOwner } from "../engine/staging.ts";
import type { ProtocolError } from "../parser/errors.ts";
import type { RequestHead } from "../parser/head.ts";
import { Calm, Gain, TINY } from "./calm.ts";
import { ConnectionError, ErrorCode } from "./error.ts";
import { Farewell } from "./farewell.ts";
import {
  DEFAULT_WINDOW,
  FRAME_HEAD,
  RECORD_DATA,
  writeGoAway,
  writeRstStream,
  writeWindowUpdate,
} from "./frame.ts";
import { FrameIntake, type IntakeHost } from "./frame_intake.ts";
import { frameBlock } from "./header_frames.ts";
import { Outbox } from "./outbox.ts";
import { ReceiveWindow } from "./receive_window.ts";
import { addressFrames, preparedFrames } from "./response_head.ts";
import { type Http2Settings, PeerSettings, writeOurSettings } from "./settings.ts";
import { Stream } from "./stream.ts";
import type { StreamHost } from "./stream_host.ts";
import { StreamTable } from "./stream_table.ts";

/** So often (ms) it is looked whether clients are too slow. */
const TICK_MS = 1000;
/** Requests that are on their way when the server is about to end have this long (ms) to come. */
const LAST_CALL_MS = 1000;

export class Http2Connection implements Http2Handler, StreamHost, IntakeHost, StagingOwner {
  readonly outbox: Outbox;
  readonly peer = new PeerSettings();
  readonly streams = new StreamTable();
  readonly window = new ReceiveWindow();
  readonly calm = new Calm(performance.now());
  readonly farewell = new Farewell();
  readonly #intake = new FrameIntake(this);
  #transport!: Transport;
  #ended = false;
  /** Input or an event is being worked on: what is written meanwhile is sent behind it. */
  #busy = false;
  #awaiting = false;

  constructor(readonly service: Service, readonly settings: Http2Settings) {
    const mostData = Math.min(RECORD_DATA, settings.maxDataFrame || RECORD_DATA);
    this.outbox = new Outbox(this, DEFAULT_WINDOW, mostData, settings.padding);
  }

  get ended(): boolean {
    return this.#ended;
  }

  get streamMemory(): number {
    return this.settings.streamMemory;
  }

  open(transport: Transport): void {
    this.#transport = transport;
    transport.writeTimeout = this.service.settings.timeout;
    writeOurSettings(this.output, this.settings);
  }

  beginUpgraded(head: RequestHead, settings: Uint8Array<ArrayBuffer>): void {
    this.proceed(() => {
      this.peer.take(settings, 0, settings.length);
      this.streams.last = 1;
      this.begin(1, head, true, undefined, 0);
    });
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
    this.proceed(() => this.#intake.consume(bytes, length));
  }

  proceed(step: () => void): void {
    if (this.#ended) return;
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

  begin(
    id: number,
    head: RequestHead,
    ends: boolean,
    refused: ProtocolError | undefined,
    size: number,
  ): void {
    const transport = this.#transport;
    const exchange = new Exchange(head, transport, clock.date, clock.steady, transport.served);
    exchange.bytesReceived = FRAME_HEAD + size;
    if (refused === undefined && ends && this.#sendPrepared(id, exchange)) return;
    const stream = new Stream(id, exchange, this, this.peer.initialWindow, this.settings.windowSize);
    this.streams.add(stream);
    stream.begin(ends, refused);
  }

  /** Answers with a message made ahead, if there is one that the client takes at once. */
  #sendPrepared(id: number, exchange: Exchange): boolean {
    const { service, outbox } = this;
    const prepared = service.prepared(exchange);
    if (prepared === undefined || this.settings.padding > 0 || this.peer.tableShrunk || outbox.waiting) {
      return false;
    }
    const { bodyLength } = prepared;
    if (bodyLength > outbox.window || bodyLength > this.peer.initialWindow || bodyLength > outbox.mostData) {
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
      this.calm.credit(Gain.Response);
    }
    return true;
  }

  sendReset(id: number, code: number): void {
    writeRstStream(this.output, id, code);
    this.streams.noteReset(id);
  }

  over(stream: Stream, code: number | undefined): void {
    this.streams.remove(stream);
    this.#transport.served++;
    if (stream.exchange.connectionState !== "X") this.calm.credit(Gain.Response);
    if (code !== undefined && !this.#ended) this.sendReset(stream.id, code);
  }

  working(delta: number): void {
    this.streams.working += delta;
    if (this.streams.working === 0 && !this.#busy) this.proceed(() => {});
  }

  sentData(bytes: number): void {
    if (bytes >= TINY) this.calm.credit(Gain.Data);
  }

  giveRoom(stream: number, bytes: number): void {
    writeWindowUpdate(this.output, stream, bytes);
  }

  writeHeaders(stream: number, at: number, ends: boolean): void {
    frameBlock(this.output, at, stream, ends, this.peer.tableShrunk, this.settings.padding);
    this.peer.tableShrunk = false;
  }

  /** Nothing more can be done now: what was written goes out, and the connection waits. */
  #settle(): void {
    if (this.#ended) return;
    const transport = this.#transport;
    // One that came when the end was told already has not heard of it.
    if (this.farewell.stage === "no" && transport.stopping) this.farewell.announce(this.output);
    if (this.outbox.waiting) this.outbox.pump();
    this.window.replenish(this.output);
    this.flush();
    if (transport.gone) return this.#close("break");
    if (this.farewell.stage === "last" && this.streams.size === 0) return this.#close("linger");
    // What waits for windows of a client that says nothing any more waits for ever.
    if (this.farewell.silent && this.streams.working === 0 && transport.backlog === 0) {
      return this.#close("break");
    }
    this.#setTimer();
    if (this.streams.working > 0 || this.#awaiting) return;
    this.#awaiting = true;
    transport.awaitInput();
  }

  #setTimer(): void {
    const transport = this.#transport;
    // While something is on its way the transport watches the client itself.
    if (transport.backlog > 0) return;
    const { headTimeout, timeout, keepAliveTimeout } = this.service.settings;
    if (this.farewell.stage === "announced" && this.streams.size === 0) transport.setTimer(LAST_CALL_MS);
    else if (this.streams.size > 0) transport.setTimer(TICK_MS);
    else transport.setTimer(transport.served === 0 ? headTimeout.initial || timeout : keepAliveTimeout);
  }

  onTimeout(): void {
    this.proceed(() => {
      if (this.farewell.stage === "announced") this.farewell.refuse(this.output, this.streams.last);
      const now = performance.now();
      for (const stream of this.streams.values()) stream.checkTime(now);
      if (this.streams.size === 0) this.farewell.refuse(this.output, this.streams.last);
    });
  }

  onStopping(): void {
    if (this.farewell.stage === "no") this.proceed(() => this.farewell.announce(this.output));
  }

  onEnd(): void {
    // Whoever closes has mostly gone. One that has only finished sending still gets its answers.
    this.proceed(() => {
      for (const stream of this.streams.values()) stream.inputEnded();
      this.farewell.fallSilent();
    });
  }

  onDrained(): void {
    this.proceed(() => {
      for (const stream of this.streams.values()) stream.outgoing.drained();
    });
  }

  /** The client has broken the rules of the connection: it is told, and that is the end. */
  #fail({ code }: ConnectionError): void {
    this.service.staging.for(this);
    writeGoAway(this.output, this.streams.last, code);
    this.#close("linger");
  }

  #close(mode: CloseMode): void {
    this.flush();
    this.#forget();
    this.#transport.close(mode);
  }

  fault(error: unknown): void {
    this.service.faulted(error);
    if (this.#ended) return;
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
    if (this.#ended) return;
    this.#ended = true;
    this.service.staging.discard(this);
    for (const stream of this.streams.values()) {
      try {
        stream.reset(ErrorCode.Cancel, true);
      } catch (error) {
        this.service.faulted(error);
      }
    }
  }
}
