// What does a server thread do with one relayed connection? The Transport over messages.

import { ACKNOWLEDGE, type ToListener, type ToThread, WINDOW } from "./relay_messages.ts";
import type { TimerWheel, WheelEntry } from "../thread/timer_wheel.ts";
import { endpoint } from "../../platform/addresses.ts";
import type { ProxyProtocolPolicy } from "../shared/proxy_protocol.ts";
import type { CloseMode, Endpoint, FileSource, ProtocolHandler, Transport } from "../shared/transport.ts";

/** What a relayed connection needs of its thread. */
export interface RelayHost {
  readonly wheel: TimerWheel;
  readonly stopping: boolean;
  /** Undefined: no connection begins with a PROXY header. */
  readonly proxyProtocol: ProxyProtocolPolicy | undefined;
  post(message: ToListener): void;
  /** It sleeps between two requests, or a request has begun. */
  showPhase(connection: RelayConnection, phase: "keep-alive" | "reading"): void;
  /** It is over for this thread. */
  forget(connection: RelayConnection): void;
}

interface FilePart {
  readonly file: FileSource;
  offset: number;
  remaining: number;
}

const FILE_CHUNK = 1 << 16;

export class RelayConnection implements Transport, WheelEntry {
  readonly security = undefined;
  served = 0;
  gone = false;
  writeTimeout = 0;

  due = 0;
  wheelSlot = -1;
  wheelNext: WheelEntry | undefined = undefined;
  wheelPrevious: WheelEntry | undefined = undefined;

  /** Input that nobody wants yet, and whether the peer's end is behind it. */
  readonly #input: Uint8Array<ArrayBuffer>[] = [];
  #endSeen = false;
  /** Bytes used since the last acknowledgement, and bytes written that are not acknowledged. */
  #used = 0;
  #outstanding = 0;
  #endTold = false;
  /** Output behind a file that has not been read yet. */
  readonly #parts: (FilePart | Uint8Array<ArrayBuffer>)[] = [];
  #reading = true;
  #asleep = false;
  #closing: CloseMode | undefined;
  #over = false;
  #client: Endpoint | undefined;
  /** What has come of the PROXY header that this connection begins with; undefined: none is awaited. */
  #introduction: Uint8Array<ArrayBuffer> | undefined;

  constructor(
    readonly host: RelayHost,
    /** Who is told; another one may take the connection over. */
    public handler: ProtocolHandler,
    readonly id: number,
    readonly peer: Endpoint,
    readonly local: Endpoint,
    readonly row: number,
  ) {}

  get stopping(): boolean {
    return this.host.stopping;
  }

  /** What the listener keeps on its way, up to a little more than it acknowledges, is as good as with the system. */
  get backlog(): number {
    return this.#outstanding < 2 * ACKNOWLEDGE ? 0 : this.#outstanding;
  }

  get client(): Endpoint {
    return this.#client ?? this.peer;
  }

  /** Begins to serve, or to wait for the PROXY header. */
  open(): void {
    const { proxyProtocol } = this.host;
    if (proxyProtocol?.expects(this.local, this.peer) === true) {
      this.#introduction = new Uint8Array(0);
      return this.setTimer(proxyProtocol.patience);
    }
    this.#begin();
  }

  #begin(): void {
    this.handler.open(this);
    this.handler.onData(new Uint8Array(0), 0);
  }

  /** The PROXY header, as far as it is there; what follows it goes to the handler. */
  #introduce(bytes: Uint8Array<ArrayBuffer>): void {
    const { proxyProtocol } = this.host;
    const all = new Uint8Array([...this.#introduction!, ...bytes]);
    const header = proxyProtocol!.read(all, all.length);
    if (header.kind === "partial") {
      this.#introduction = all;
      return;
    }
    if (header.kind === "refused") {
      proxyProtocol!.onRefused(this.local, this.peer, header);
      return this.#finish("linger");
    }
    this.#introduction = undefined;
    if (header.client !== undefined) this.#client = endpoint(header.client);
    this.setTimer(0);
    this.#begin();
    if (all.length > header.length) this.#input.unshift(all.slice(header.length));
  }

  onMessage(message: Exclude<ToThread, { type: "open" | "ping" }>): void {
    if (message.type === "data") {
      this.#input.push(message.bytes);
      return this.#deliver();
    }
    if (message.type === "end") {
      this.#endSeen = true;
      return this.#deliver();
    }
    if (message.type === "gone") return this.#broken();
    const waited = this.backlog > 0;
    this.#outstanding -= message.count;
    this.#pump();
    if (this.#over || !waited || this.backlog > 0) return;
    if (this.#closing === undefined && !this.#asleep) this.handler.onDrained();
  }

  /** Hands over input as long as it is wanted. */
  #deliver(): void {
    while (this.#reading && !this.#over && this.#closing === undefined && this.#input.length > 0) {
      const bytes = this.#input.shift()!;
      this.#acknowledge(bytes.length);
      if (this.#introduction !== undefined) {
        this.#introduce(bytes);
        continue;
      }
      if (this.#asleep) this.#wakeUp();
      this.handler.onData(bytes, bytes.length);
    }
    if (!this.#endSeen || this.#endTold || this.#input.length > 0 || this.#over) return;
    this.#endTold = true;
    if (this.#asleep || this.#introduction !== undefined) this.#finish("now");
    else if (this.#closing === undefined) this.handler.onEnd();
  }

  #acknowledge(count: number): void {
    this.#used += count;
    if (this.#used < ACKNOWLEDGE) return;
    this.host.post({ type: "used", id: this.id, count: this.#used });
    this.#used = 0;
  }

  #wakeUp(): void {
    this.#asleep = false;
    this.setTimer(0);
    this.host.showPhase(this, "reading");
    this.handler.open(this);
  }

  #broken(): void {
    this.gone = true;
    if (this.#over) return;
    if (this.#serves) this.handler.onGone();
    if (!this.#over) this.#finish("now");
  }

  /** Whatever state the handler is in: the connection ends here. */
  abandon(): void {
    if (this.#over) return;
    this.gone = true;
    if (this.#serves) this.handler.reset();
    this.#finish("now");
  }

  onTimer(): void {
    if (this.#asleep || this.#introduction !== undefined) this.#finish("now");
    else if (this.#closing === undefined) this.handler.onTimeout();
  }

  /** The handler has it in hand. */
  get #serves(): boolean {
    return !this.#asleep && this.#closing === undefined && this.#introduction === undefined;
  }

  handOver(handler: ProtocolHandler): void {
    this.handler = handler;
  }

  /** The thread is ending: a connection that sleeps gets `ms` at most, who has one in hand is told. */
  hurry(ms: number): void {
    if (!this.#over && this.#serves) this.handler.onStopping();
    if ((this.#asleep || this.#introduction !== undefined) && this.due > performance.now() + ms) {
      this.setTimer(ms);
    }
  }

  write(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    if (this.gone || this.#over) return;
    const copy = bytes.slice(0, length);
    this.#outstanding += length;
    if (this.#parts.length > 0) this.#parts.push(copy);
    else this.#post(copy);
  }

  writeFile(file: FileSource, offset: number, length: number, _inKernel: boolean): void {
    if (this.gone || this.#over) return file.release();
    this.#outstanding += length;
    this.#parts.push({ file, offset, remaining: length });
    this.#pump();
  }

  /** Reads files and posts them, as much as there is room for. */
  #pump(): void {
    while (this.#parts.length > 0 && !this.#over) {
      const part = this.#parts[0];
      if (part instanceof Uint8Array) {
        this.#parts.shift();
        this.#post(part);
        continue;
      }
      if (this.#outstanding - this.#queued() > WINDOW) return;
      const bytes = new Uint8Array(Math.min(FILE_CHUNK, part.remaining));
      const n = part.file.readAt(bytes, bytes.length, part.offset);
      // The file has become shorter than was promised: the peer must see that the response is not whole.
      if (n <= 0) return this.#broken();
      part.offset += n;
      part.remaining -= n;
      this.#post(n === bytes.length ? bytes : bytes.slice(0, n));
      if (part.remaining > 0) continue;
      this.#parts.shift();
      part.file.release();
    }
    if (this.#closing !== undefined) this.#finish(this.#closing);
  }

  /** Bytes that wait here, not on their way yet. */
  #queued(): number {
    let sum = 0;
    for (const part of this.#parts) sum += part instanceof Uint8Array ? part.length : part.remaining;
    return sum;
  }

  #post(bytes: Uint8Array<ArrayBuffer>): void {
    this.host.post({ type: "write", id: this.id, bytes, timeout: this.writeTimeout });
  }

  setReading(on: boolean): void {
    this.#reading = on;
    // The handler is in the middle of something: what has been kept for it comes afterwards.
    if (on) queueMicrotask(() => this.#deliver());
  }

  setTimer(ms: number): void {
    if (ms === 0) this.host.wheel.clear(this);
    else this.host.wheel.set(this, performance.now() + ms);
  }

  /** The slot stays with the connection. */
  awaitInput(): void {}

  awaitDrain(): void {}

  idle(keepAliveMs: number): void {
    if (this.gone || this.#endTold) return this.#finish("now");
    this.#asleep = true;
    this.#reading = true;
    this.setTimer(keepAliveMs);
    this.host.showPhase(this, this.served === 0 ? "reading" : "keep-alive");
  }

  close(mode: CloseMode): void {
    this.#closing = mode;
    if (this.#parts.length === 0 || this.gone) this.#finish(mode);
  }

  #finish(mode: CloseMode): void {
    if (this.#over) return;
    this.#over = true;
    if (this.due !== 0) this.host.wheel.clear(this);
    for (const part of this.#parts) if (!(part instanceof Uint8Array)) part.file.release();
    this.#parts.length = 0;
    this.#input.length = 0;
    this.host.post({ type: "close", id: this.id, mode: this.gone ? "now" : mode });
    this.host.forget(this);
  }
}
