// What does a server thread do with one connection? The Transport over a bare non-blocking descriptor.
//
// The object exists only while there is work: it is taken from a pool when input arrives and goes back when the connection
// is idle. It owns the descriptor from claim to release; the record in the connection table says so to everybody else.

import * as posix from "../platform/posix.ts";
import { Interest, type Poller } from "../platform/poller.ts";
import { clock, type ConnectionTable, Owner } from "./connection_table.ts";
import type { TimerWheel, WheelEntry } from "./timer_wheel.ts";
import type { CloseMode, Endpoint, FileSource, ProtocolHandler, Transport } from "./transport.ts";

/** What a connection needs of the thread that works on it. */
export interface ConnectionHost {
  readonly poller: Poller;
  /** The thread's interest set. */
  readonly set: number;
  readonly table: ConnectionTable;
  readonly thread: number;
  readonly wheel: TimerWheel;
  readonly stopping: boolean;
  peer(fd: number): Endpoint;
  local(fd: number): Endpoint;
  /** Takes a slot for `connection`, or returns false when all are taken. */
  takeSlot(connection: SocketConnection): boolean;
  returnSlot(connection: SocketConnection): void;
  /** Response data is (or is no longer) being written without a slot. */
  countWriting(delta: number): void;
  /** The connection is over: close its descriptor and forget it. */
  closed(fd: number): void;
  /** The listener drains and closes it. */
  linger(fd: number): void;
  /** The object serves another connection from now on. */
  recycle(connection: SocketConnection, fd: number): void;
}

interface Segment {
  bytes: Uint8Array<ArrayBuffer> | undefined;
  file: FileSource | undefined;
  offset: number;
  remaining: number;
}

/** What happens once the queue is empty. */
type Afterwards = "stay" | "idle" | CloseMode;

/** One turn sends no more than this of a file, so that the other connections of the thread get theirs. */
const FILE_TURN = 1 << 20;
const COPY_BUFFER = 1 << 17;

let copyBuffer: Uint8Array<ArrayBuffer> | undefined;

export class SocketConnection implements Transport, WheelEntry {
  fd = -1;
  row = -1;
  slotHeld = false;
  served = 0;
  gone = false;
  backlog = 0;
  writeTimeout = 0;

  due = 0;
  wheelSlot = -1;
  wheelNext: WheelEntry | undefined = undefined;
  wheelPrevious: WheelEntry | undefined = undefined;

  readonly #queue: Segment[] = [];
  #interest: number = Interest.Read;
  #reading = true;
  #ended = false;
  #afterwards: Afterwards = "stay";
  #keepAliveMs = 0;
  #peer: Endpoint | undefined;
  #local: Endpoint | undefined;

  constructor(readonly host: ConnectionHost, readonly handler: ProtocolHandler) {}

  /** Begins to work on `fd`, whose record was just claimed. */
  open(fd: number): void {
    this.fd = fd;
    this.served = this.host.table.served(fd);
    this.gone = false;
    this.#interest = Interest.Read;
    this.#reading = true;
    this.#ended = false;
    this.#afterwards = "stay";
    this.handler.open(this);
  }

  get peer(): Endpoint {
    return this.#peer ??= this.host.peer(this.fd);
  }

  get local(): Endpoint {
    return this.#local ??= this.host.local(this.fd);
  }

  get stopping(): boolean {
    return this.host.stopping;
  }

  /** The poller reported `events`. `buffer` is the thread's receive buffer. */
  onEvents(events: number, buffer: Uint8Array<ArrayBuffer>): void {
    if ((events & Interest.Error) !== 0 && (events & Interest.Read) === 0) return this.broken();
    if ((events & Interest.Write) !== 0) {
      const fd = this.fd;
      this.#flush();
      if (this.fd !== fd || this.gone) return;
    }
    if ((events & (Interest.Read | Interest.Error)) !== 0) this.#read(buffer, events);
  }

  #read(buffer: Uint8Array<ArrayBuffer>, events: number): void {
    if (!this.#reading || this.#afterwards !== "stay" || this.#ended) {
      // Level-triggered: what is not read now must not be reported again until it is wanted. An error always is.
      if ((events & Interest.Error) !== 0) return this.broken();
      return this.#want(this.#interest & ~Interest.Read);
    }
    if (!this.slotHeld && !this.host.takeSlot(this)) return this.#want(this.#interest & ~Interest.Read);
    const n = posix.receive(this.fd, buffer);
    if (n > 0) this.handler.onData(buffer, n);
    else if (n === 0) {
      this.#ended = true;
      this.#want(this.#interest & ~Interest.Read);
      this.handler.onEnd();
    } else if (n === -posix.Errno.EAGAIN || n === -posix.Errno.EINTR) this.handler.onData(buffer, 0);
    else this.broken();
  }

  /** A slot is free again and this connection was waiting for one. */
  resume(): void {
    this.#want(this.#interest | Interest.Read);
  }

  /** The peer is gone: tells the handler and closes. */
  broken(): void {
    this.gone = true;
    const detached = this.#afterwards !== "stay";
    const fd = this.fd;
    if (!detached) this.handler.onGone();
    if (this.fd === fd) this.#finish("now");
  }

  /** Whatever state the handler is in: the connection ends here. */
  abandon(): void {
    if (this.fd < 0) return;
    this.gone = true;
    this.handler.reset();
    this.#finish("now");
  }

  /** The timer ran out. After the handler has let go, nobody reads any more: the rest is given up. */
  onTimer(): void {
    if (this.#queue.length > 0) this.broken();
    else if (this.#afterwards === "stay") this.handler.onTimeout();
    else this.#finish("now");
  }

  write(bytes: Uint8Array<ArrayBuffer>, length: number, stable: boolean): void {
    if (this.gone) return;
    let sent = 0;
    if (this.#queue.length === 0) {
      sent = posix.send(this.fd, bytes, length);
      if (sent === length) return;
      if (sent < 0) {
        if (sent !== -posix.Errno.EAGAIN && sent !== -posix.Errno.EINTR) {
          this.gone = true;
          return;
        }
        sent = 0;
      }
    }
    const rest = stable ? bytes.subarray(sent, length) : bytes.slice(sent, length);
    this.#enqueue({ bytes: rest, file: undefined, offset: 0, remaining: rest.length });
  }

  writeFile(file: FileSource, offset: number, length: number): void {
    if (this.gone) return file.release();
    this.#enqueue({ bytes: undefined, file, offset, remaining: length });
    if (this.#queue.length === 1) this.#send();
    this.#want(this.#interest | Interest.Write);
  }

  setReading(on: boolean): void {
    this.#reading = on;
    if (on && !this.#ended) this.#want(this.#interest | Interest.Read);
  }

  setTimer(ms: number): void {
    if (ms === 0) this.host.wheel.clear(this);
    else this.host.wheel.set(this, performance.now() + ms);
  }

  awaitInput(): void {
    if (this.slotHeld) this.host.returnSlot(this);
  }

  idle(keepAliveMs: number): void {
    this.#keepAliveMs = keepAliveMs;
    this.#end(this.#ended ? "now" : "idle");
  }

  close(mode: CloseMode): void {
    this.#end(mode);
  }

  /** The handler has let go; what is queued still goes out, without a slot. */
  #end(how: "idle" | CloseMode): void {
    if (this.gone) return this.#finish("now");
    if (this.#queue.length === 0) return this.#finish(how);
    this.#afterwards = how;
    this.host.countWriting(1);
    if (this.slotHeld) this.host.returnSlot(this);
  }

  #finish(how: "idle" | CloseMode): void {
    const { host, fd } = this;
    if (this.#afterwards !== "stay") host.countWriting(-1);
    if (this.due !== 0) host.wheel.clear(this);
    if (this.slotHeld) host.returnSlot(this);
    for (const segment of this.#queue) segment.file?.release();
    this.#queue.length = 0;
    this.backlog = 0;
    this.#peer = undefined;
    this.#local = undefined;
    if (how === "idle") {
      this.#want(Interest.Read);
      this.fd = -1;
      // The object first, the record last: from then on the descriptor may be anybody's.
      host.recycle(this, fd);
      const now = clock();
      host.table.release(fd, host.thread, this.served, now, now + this.#keepAliveMs);
      return;
    }
    this.fd = -1;
    host.recycle(this, fd);
    if (how === "linger" && !this.#ended) host.linger(fd);
    else host.closed(fd);
  }

  #enqueue(segment: Segment): void {
    if (this.#queue.length === 0) this.#awaitWrite();
    this.#queue.push(segment);
    this.backlog += segment.remaining;
    if (segment.file === undefined) this.#want(this.#interest | Interest.Write);
  }

  /** The client has `writeTimeout` to take some of what is queued; each time it does, it has as long again. */
  #awaitWrite(): void {
    if (this.writeTimeout > 0) this.host.wheel.set(this, performance.now() + this.writeTimeout);
  }

  #want(interest: number): void {
    if (interest === this.#interest || this.gone) return;
    this.#interest = interest;
    this.host.poller.modify(this.host.set, this.fd, interest);
  }

  /** The kernel takes output again. */
  #flush(): void {
    const before = this.backlog;
    this.#send();
    if (this.gone) return this.broken();
    if (this.#queue.length > 0) {
      if (this.backlog < before) this.#awaitWrite();
      return this.#want(this.#interest | Interest.Write);
    }
    this.host.wheel.clear(this);
    if (this.#afterwards !== "stay") return this.#finish(this.#afterwards);
    this.#want(this.#interest & ~Interest.Write);
    this.handler.onDrained();
  }

  /** Sends what the kernel takes; `gone` says that it failed. */
  #send(): void {
    let budget = FILE_TURN;
    while (this.#queue.length > 0 && budget > 0) {
      const segment = this.#queue[0];
      const sent = segment.file === undefined
        ? posix.send(this.fd, segment.bytes!, segment.remaining, this.#queue.length > 1)
        : this.#sendFile(segment, budget);
      if (sent === -posix.Errno.EAGAIN || sent === -posix.Errno.EINTR) return;
      // 0 from a file: it has become shorter than was promised. The peer must see that the response is not whole.
      if (sent <= 0) {
        this.gone = true;
        return;
      }
      segment.offset += sent;
      segment.remaining -= sent;
      this.backlog -= sent;
      budget -= sent;
      if (segment.bytes !== undefined && segment.remaining > 0) segment.bytes = segment.bytes.subarray(sent);
      if (segment.remaining === 0) {
        this.#queue.shift();
        segment.file?.release();
      }
    }
  }

  #sendFile(segment: Segment, budget: number): number {
    const length = Math.min(segment.remaining, budget);
    if (posix.hasSendFile) return posix.sendFile(this.fd, segment.file!.fd, segment.offset, length);
    copyBuffer ??= new Uint8Array(COPY_BUFFER);
    const n = posix.readAt(segment.file!.fd, copyBuffer, Math.min(length, COPY_BUFFER), segment.offset);
    return n <= 0 ? n : posix.send(this.fd, copyBuffer, n);
  }
}

/** Leaves a record to the listener, which drains and closes the connection. */
export function handToLinger(host: ConnectionHost, listenerSet: number, fd: number, deadline: number): void {
  host.poller.remove(host.set, fd);
  host.table.beginLinger(fd, clock(), deadline);
  if (!host.table.finish(fd, host.thread, Owner.Linger)) return;
  posix.shutdownWrite(fd);
  host.poller.add(listenerSet, fd, Interest.Read);
}
