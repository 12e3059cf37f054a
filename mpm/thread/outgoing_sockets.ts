// Where are the connections of a thread to other servers? In its own interest set, among those of its clients: bare descriptors, told
// apart by a table of those that are ours.

import * as posix from "../../platform/posix.ts";
import { Interest, type Poller } from "../../platform/poller.ts";
import { connectError, inetName, type SocketName, startConnect, unixName } from "../../platform/sockets.ts";
import type { Destination, Outgoing, OutgoingConnection, OutgoingUser } from "../shared/outgoing.ts";
import { PLAIN } from "./channel.ts";
import { OutputQueue } from "./output_queue.ts";
import type { TimerWheel, WheelEntry } from "./timer_wheel.ts";

/** What is read at once: other servers are near, and send large pieces. */
const RECEIVE_BUFFER = 1 << 18;
/** Addresses in the kernel's form that are kept. */
const MOST_NAMES = 256;

/** What a socket needs of its thread. */
interface SocketHost {
  readonly poller: Poller;
  readonly set: number;
  readonly wheel: TimerWheel;
  forget(socket: OutgoingSocket): void;
}

/** The connections of one thread to other servers. */
export class OutgoingSockets implements Outgoing, SocketHost {
  readonly direct = true;
  readonly #sockets: (OutgoingSocket | undefined)[] = [];
  readonly #names = new Map<string, SocketName>();
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #tag = 0;
  #count = 0;
  #turn = false;

  constructor(readonly poller: Poller, readonly set: number, readonly wheel: TimerWheel) {}

  /** True when the descriptor is one of these. */
  has(fd: number): boolean {
    return this.#count > 0 && this.#sockets[fd] !== undefined;
  }

  /** True when a timer is that of one of these. */
  owns(entry: WheelEntry): entry is OutgoingSocket {
    return entry instanceof OutgoingSocket;
  }

  /** Something has happened since this was last asked. */
  takeTurn(): boolean {
    const turn = this.#turn;
    this.#turn = false;
    return turn;
  }

  connect(to: Destination, user: OutgoingUser): OutgoingConnection | string {
    const fd = this.#start(to);
    if (typeof fd === "string") return fd;
    // Below 0: those of clients count up from 0, and a report about one of them may still be on its way.
    this.#tag = this.#tag - 1 | 0x80000000;
    const socket = new OutgoingSocket(this, fd, this.#tag, user);
    this.#sockets[fd] = socket;
    this.#count++;
    if (this.poller.add(this.set, fd, Interest.Write, this.#tag)) return socket;
    socket.close();
    return "the descriptor cannot be watched";
  }

  #start(to: Destination): number | string {
    let fd: number;
    try {
      const from = to.kind === "tcp" && to.from !== undefined ? this.#name(to.from, 0) : undefined;
      fd = startConnect(to.kind === "unix" ? this.#unix(to.path) : this.#name(to.address, to.port), from);
    } catch (error) {
      if (error instanceof RangeError) return error.message;
      throw error;
    }
    return fd < 0 ? `(${-fd})${posix.errnoText(-fd)}` : fd;
  }

  #unix(path: string): SocketName {
    return this.#kept(path, () => unixName(path));
  }

  #name(address: string, port: number): SocketName {
    return this.#kept(`${address} ${port}`, () => inetName(address, port));
  }

  #kept(key: string, make: () => SocketName): SocketName {
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    if (this.#names.size >= MOST_NAMES) this.#names.clear();
    const made = make();
    this.#names.set(key, made);
    return made;
  }

  /** The poller reported `events` for a descriptor of these; `tag` says which use of the number is meant. */
  onEvents(fd: number, events: number, tag: number, onFault: (error: unknown) => void): void {
    const socket = this.#sockets[fd];
    if (socket === undefined || socket.tag !== tag) return;
    this.#turn = true;
    this.#guard(
      socket,
      onFault,
      () => socket.onEvents(events, this.#buffer ??= new Uint8Array(RECEIVE_BUFFER)),
    );
  }

  /** The timer of one of them has run out. */
  onTimer(socket: OutgoingSocket, onFault: (error: unknown) => void): void {
    this.#turn = true;
    this.#guard(socket, onFault, () => socket.user.onTimeout());
  }

  /** A fault of ours costs the connection that met it. */
  #guard(socket: OutgoingSocket, onFault: (error: unknown) => void, action: () => void): void {
    try {
      action();
    } catch (error) {
      onFault(error);
      const { user } = socket;
      if (!socket.closed) {
        socket.close();
        user.onFailed("a fault of this server");
      }
    }
  }

  forget(socket: OutgoingSocket): void {
    this.#sockets[socket.fd] = undefined;
    this.#count--;
  }

  /** The thread dies, or ends. */
  closeAll(): void {
    for (const socket of [...this.#sockets]) socket?.close();
  }
}

/** One of them. */
class OutgoingSocket implements OutgoingConnection, WheelEntry {
  due = 0;
  wheelSlot = -1;
  wheelNext: WheelEntry | undefined = undefined;
  wheelPrevious: WheelEntry | undefined = undefined;

  closed = false;
  readonly #output = new OutputQueue();
  #connecting = true;
  #reading = true;
  #ended = false;
  /** The sending side ends when everything is out. */
  #ends = false;
  #interest: number = Interest.Write;

  constructor(
    readonly host: SocketHost,
    readonly fd: number,
    readonly tag: number,
    public user: OutgoingUser,
  ) {}

  get backlog(): number {
    return this.#output.backlog;
  }

  onEvents(events: number, buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#connecting) return this.#onConnected();
    if ((events & Interest.Write) !== 0 && !this.#output.empty) {
      this.#flush();
      if (this.closed) return;
    }
    if ((events & (Interest.Read | Interest.Error)) === 0) return;
    if (this.#reading && !this.#ended) this.#receive(buffer);
    // Reported whether wanted or not: nothing can be read or written any more.
    else if ((events & Interest.Error) !== 0) this.#failed(connectError(this.fd) || posix.Errno.ECONNRESET);
    else this.#want(this.#interest & ~Interest.Read);
  }

  #onConnected(): void {
    const error = connectError(this.fd);
    if (error !== 0) return this.#failed(error);
    this.#connecting = false;
    this.#want(this.#reading ? Interest.Read : 0);
    if (!this.#output.empty) this.#flush();
    if (!this.closed) this.user.onConnected();
  }

  #receive(buffer: Uint8Array<ArrayBuffer>): void {
    const n = posix.receive(this.fd, buffer);
    if (n > 0) return this.user.onData(buffer, n);
    if (n === -posix.Errno.EAGAIN || n === -posix.Errno.EINTR) return;
    if (n < 0) return this.#failed(-n);
    this.#ended = true;
    this.#want(this.#interest & ~Interest.Read);
    this.user.onEnd();
  }

  #failed(errno: number): void {
    this.close();
    this.user.onFailed(`(${errno})${posix.errnoText(errno)}`);
  }

  write(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    if (this.closed || length === 0) return;
    let sent = 0;
    if (!this.#connecting && this.#output.empty) {
      sent = posix.send(this.fd, bytes, length);
      if (sent === length) return;
      // A failure shows again when the rest is sent: whoever writes is not told in the middle of it.
      if (sent < 0) sent = 0;
    }
    this.#output.push(bytes.slice(sent, length));
    if (!this.#connecting) this.#want(this.#interest | Interest.Write);
  }

  endWriting(): void {
    this.#ends = true;
    if (this.#output.empty && !this.#connecting && !this.closed) posix.shutdownWrite(this.fd);
  }

  #flush(): void {
    const result = this.#output.send(PLAIN, this.fd);
    // What the other server has said before it closed is still there to be read.
    if (result === "failed") {
      this.#output.clear();
      return this.#want(this.#interest & ~Interest.Write | Interest.Read);
    }
    if (result !== "empty") return this.#want(this.#interest | Interest.Write);
    this.#want(this.#interest & ~Interest.Write);
    if (this.#ends) posix.shutdownWrite(this.fd);
    this.user.onDrained();
  }

  setReading(on: boolean): void {
    this.#reading = on;
    if (on && !this.#ended && !this.#connecting) this.#want(this.#interest | Interest.Read);
  }

  setTimer(ms: number): void {
    if (this.closed) return;
    if (ms === 0) this.host.wheel.clear(this);
    else this.host.wheel.set(this, performance.now() + ms);
  }

  isQuiet(): boolean {
    return !this.closed && !this.#ended && this.#output.empty && posix.isQuiet(this.fd);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.host.wheel.clear(this);
    this.#output.clear();
    this.host.forget(this);
    // Taken out of the set by the kernel, with its last descriptor.
    posix.close(this.fd);
  }

  #want(interest: number): void {
    if (interest === this.#interest || this.closed) return;
    this.#interest = interest;
    this.host.poller.modify(this.host.set, this.fd, interest, this.tag);
  }
}
