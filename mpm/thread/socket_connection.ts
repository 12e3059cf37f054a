// What does a server thread do with one connection? The Transport over a bare descriptor.
//
// Where connections are shared (event), the object exists only while there is work: it is taken from a pool when input
// arrives and goes back when the connection is idle. Where a thread keeps its connection until it closes (worker, prefork and
// the others), the object sleeps and lingers with it. In both cases it owns the descriptor from claim to release, and the
// record in the connection table says so to everybody else.

import * as posix from "../../platform/posix.ts";
import { Interest, type Poller } from "../../platform/poller.ts";
import { clock, type ConnectionTable, elapsed } from "../shared/connection_table.ts";
import { type Channel, PLAIN, SecureChannel, type ThreadSecurity } from "./channel.ts";
import { OutputQueue } from "./output_queue.ts";
import type { TimerWheel, WheelEntry } from "./timer_wheel.ts";
import type { ProxyProtocolPolicy } from "../shared/proxy_protocol.ts";
import { ProxyHeaderReader } from "./proxy_header_reader.ts";
import type { ConnectionSecurity } from "../shared/security.ts";
import type { CloseMode, Endpoint, FileSource, ProtocolHandler, Transport } from "../shared/transport.ts";

/** What a connection needs of the thread that works on it. */
export interface ConnectionHost {
  readonly poller: Poller;
  /** The thread's interest set. */
  readonly set: number;
  readonly table: ConnectionTable;
  readonly thread: number;
  readonly wheel: TimerWheel;
  readonly stopping: boolean;
  /** The process is ending, and others take over its idle connections. */
  readonly passingOn: boolean;
  /** A connection keeps its slot until it is closed. */
  readonly dedicated: boolean;
  /** Undefined: no connection is secured. */
  readonly security: ThreadSecurity | undefined;
  /** Undefined: no connection begins with a PROXY header. */
  readonly proxyProtocol: ProxyProtocolPolicy | undefined;
  client(fd: number): Endpoint;
  /** Asks the system. */
  peer(fd: number): Endpoint;
  local(fd: number): Endpoint;
  /** Takes a slot for `connection`, or returns false when all are taken. */
  takeSlot(connection: SocketConnection): boolean;
  returnSlot(connection: SocketConnection): void;
  /** A connection that keeps its slot waits for its next request, or for the peer to close. */
  showPhase(connection: SocketConnection, phase: "keep-alive" | "closing"): void;
  /** Response data is (or is no longer) being written without a slot. */
  countWriting(delta: number): void;
  /** The connection is over: close its descriptor and forget it. */
  closed(fd: number): void;
  /** Others wait for a thread: a connection that a thread would keep is left to the listener while it is idle. */
  readonly yielding: boolean;
  /** The listener keeps it until it goes on, for `keepAliveMs` at most. */
  park(fd: number, served: number, keepAliveMs: number): void;
  /** The listener drains and closes it. */
  linger(fd: number): void;
  /** What the connection sends next is not in memory yet: calls its retry() soon. */
  stall(connection: SocketConnection): void;
  /** There is input in memory that no poller reports: calls readOn() in its next turn. */
  readSoon(connection: SocketConnection): void;
  /** Who begins with a connection; and one of those that is free again. */
  takeHandler(): ProtocolHandler;
  keepHandler(handler: ProtocolHandler): void;
  /** The object serves another connection from now on. */
  recycle(connection: SocketConnection, fd: number): void;
}

/** What happens once the queue is empty. */
type Afterwards = "stay" | "idle" | CloseMode;

/**
 * Whether a request may be in hand, it has to be said for whom the connection is, the handshake is under way, the next request is
 * awaited, or only the peer's close.
 */
type Phase = "serving" | "introducing" | "securing" | "asleep" | "lingering";

/** What the engine is told of a client that does not know that this is a port for TLS. */
const SPOKE_PLAIN: ConnectionSecurity = { session: 0n, protocol: undefined };

/** A lingering close ends after this long without data (SECONDS_TO_LINGER), and after so long in any case (MAX_SECS_TO_LINGER), in ms. */
export const LINGER_MS = 2000;
export const MAX_LINGER_MS = 30_000;
/** Most clients close as soon as they have their response: so long (ms) a shared connection waits for that with its thread. */
const LINGER_HERE_MS = 100;

export class SocketConnection implements Transport, WheelEntry {
  fd = -1;
  row = -1;
  slotHeld = false;
  served = 0;
  gone = false;
  writeTimeout = 0;

  due = 0;
  wheelSlot = -1;
  wheelNext: WheelEntry | undefined = undefined;
  wheelPrevious: WheelEntry | undefined = undefined;

  /** Who is told: one of those that begin with any connection, or who has taken this one over. */
  handler: ProtocolHandler;
  #handedOver = false;
  readonly #output = new OutputQueue();
  /** How bytes come and go: PLAIN, or #secure. */
  #channel: Channel = PLAIN;
  #secure: SecureChannel | undefined;
  #security: ConnectionSecurity | undefined;
  /** readOn() will be called; or there may be input in memory when reading goes on. */
  #readsOn = false;
  #unread = false;
  #interest: number = Interest.Read;
  #reading = true;
  /** The descriptor is in the thread's set. */
  #watched = true;
  /** Nothing is in hand but what the next input brings. */
  #awaiting = true;
  #ended = false;
  #afterwards: Afterwards = "stay";
  #phase: Phase = "serving";
  /** The handler has given its slot back until the queue is empty. */
  #draining = false;
  /** A file is awaited, not the client. */
  #stalled = false;
  #keepAliveMs = 0;
  /** Until when (clock()) a secured connection that was idle may be so, unless a request comes. */
  #deadline = 0;
  #lingerEnd = 0;
  #proxyHeader: ProxyHeaderReader | undefined;
  #client: Endpoint | undefined;
  #peer: Endpoint | undefined;
  #local: Endpoint | undefined;

  constructor(readonly host: ConnectionHost) {
    this.handler = host.takeHandler();
  }

  /** Begins to work on `fd`, which is in the thread's set and has input. Its record was just claimed. */
  open(fd: number): void {
    this.#begin(fd, true);
    if (this.host.proxyProtocol !== undefined && this.#isIntroduced(this.host.proxyProtocol)) return;
    if (this.host.security !== undefined && this.#isSecured(this.host.security)) return;
    this.#phase = "serving";
    this.handler.open(this);
  }

  /** This connection begins with a PROXY header, which has not been read yet. */
  #isIntroduced(policy: ProxyProtocolPolicy): boolean {
    const { table } = this.host;
    if (this.served > 0 || table.isProxied(this.fd) || !policy.expects(this.local, this.peer)) return false;
    this.#proxyHeader ??= new ProxyHeaderReader(policy, table);
    this.#proxyHeader.reset();
    this.#phase = "introducing";
    return true;
  }

  /** Takes up the session of this connection, or begins with one if it is to have one. */
  #isSecured(security: ThreadSecurity): boolean {
    const session = security.table.session(this.fd);
    if (session === 0n && (this.served > 0 || !security.secures(this.fd, () => this.local))) return false;
    const secure = this.#secure ??= new SecureChannel(security);
    secure.resume(session);
    this.#channel = secure;
    this.#security = secure;
    this.#phase = session === 0n ? "securing" : "asleep";
    this.#deadline = security.table.deadline(this.fd);
    return true;
  }

  /** Begins with `fd` that was just accepted: nothing has arrived yet, and something has to within `patience` ms. */
  expect(fd: number, patience: number): void {
    this.#begin(fd, false);
    this.#phase = "asleep";
    this.setTimer(patience);
    if (this.host.proxyProtocol !== undefined && this.#isIntroduced(this.host.proxyProtocol)) return;
    if (this.host.security !== undefined && this.#isSecured(this.host.security)) {
      this.setTimer(this.host.security.policy.handshakeMs);
    }
  }

  #begin(fd: number, watched: boolean): void {
    this.fd = fd;
    this.served = this.host.table.served(fd);
    this.gone = false;
    this.#watched = watched;
    this.#interest = Interest.Read;
    this.#reading = true;
    this.#awaiting = true;
    this.#ended = false;
    this.#stalled = false;
    this.#readsOn = false;
    this.#unread = false;
    this.#afterwards = "stay";
    this.#channel = PLAIN;
    this.#security = undefined;
  }

  handOver(handler: ProtocolHandler): void {
    // The one that began with it serves others meanwhile.
    this.host.keepHandler(this.handler);
    this.handler = handler;
    this.#handedOver = true;
  }

  get security(): ConnectionSecurity | undefined {
    return this.#security;
  }

  get client(): Endpoint {
    return this.#client ??= this.host.client(this.fd);
  }

  get peer(): Endpoint {
    if (!this.host.table.isProxied(this.fd)) return this.client;
    return this.#peer ??= this.host.peer(this.fd);
  }

  get local(): Endpoint {
    return this.#local ??= this.host.local(this.fd);
  }

  get stopping(): boolean {
    // Another process goes on with it, unless some of it is in this one.
    return this.host.stopping && !(this.host.passingOn && this.#isMovable);
  }

  get backlog(): number {
    return this.#output.backlog;
  }

  /** Nothing but input can make this connection go on: its thread may wait for it in recv(). */
  get awaitsInputOnly(): boolean {
    return this.#awaiting && this.#afterwards === "stay" && !this.#ended && this.#output.empty;
  }

  /** Puts the descriptor into the thread's set, if it is not there. */
  watch(): void {
    if (this.#watched) return;
    this.#watched = true;
    this.host.poller.add(this.host.set, this.fd, this.#interest, this.host.table.tag(this.fd));
  }

  /** Idle between two requests; its client does not know of it when it is closed now. */
  get asleep(): boolean {
    return this.#phase === "asleep";
  }

  /** The poller reported `events`. `buffer` is the thread's receive buffer. */
  onEvents(events: number, buffer: Uint8Array<ArrayBuffer>): void {
    if ((events & Interest.Error) !== 0 && (events & Interest.Read) === 0) return this.broken();
    if ((events & Interest.Write) !== 0 && this.#channel !== PLAIN && this.#output.empty) {
      // It was the session that waited for this: in its handshake, or to answer a record.
      this.#want(this.#interest & ~Interest.Write);
      events |= Interest.Read;
    } else if ((events & Interest.Write) !== 0) {
      const fd = this.fd;
      this.#flush();
      if (this.fd !== fd || this.gone) return;
    }
    if ((events & (Interest.Read | Interest.Error)) !== 0) this.#read(buffer, events);
  }

  #read(buffer: Uint8Array<ArrayBuffer>, events: number): void {
    if (this.#phase === "introducing") return this.#introduce(buffer);
    if (this.#phase === "securing") return this.#shakeHands(buffer);
    if (!this.#reading || this.#afterwards !== "stay" || this.#ended) {
      // Level-triggered: what is not read now must not be reported again until it is wanted. An error always is.
      if ((events & Interest.Error) !== 0) return this.broken();
      this.#unread = true;
      return this.#want(this.#interest & ~Interest.Read);
    }
    const lingers = this.#phase === "lingering";
    if (!lingers && !this.slotHeld && !this.host.takeSlot(this)) {
      this.#unread = true;
      return this.#want(this.#interest & ~Interest.Read);
    }
    this.receive(buffer);
  }

  /** Reads once, and hands over what there is. On a blocking descriptor this waits as long as its receive timeout. */
  receive(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.#phase === "introducing") return this.#introduce(buffer);
    if (this.#phase === "securing") return this.#shakeHands(buffer);
    const n = this.#channel.receive(this.fd, buffer);
    if (this.#channel !== PLAIN && this.#secure !== undefined) this.#afterRecords(this.#secure);
    if (this.#phase !== "serving") return this.#wakeUp(buffer, n);
    if (n > 0) {
      this.#awaiting = false;
      this.handler.onData(buffer, n);
    } else if (n === 0) {
      this.#ended = true;
      this.#want(this.#interest & ~Interest.Read);
      this.handler.onEnd();
    } else if (n !== -posix.Errno.EAGAIN && n !== -posix.Errno.EINTR) this.broken();
    // A shared connection that was claimed for nothing goes back to where it waits.
    else if (!this.host.dedicated) this.handler.onData(buffer, 0);
  }

  /** The PROXY header, as far as it is there, and what follows it. */
  #introduce(buffer: Uint8Array<ArrayBuffer>): void {
    const { host } = this;
    const { policy } = this.#proxyHeader!;
    const taken = this.#proxyHeader!.take(this.fd, buffer);
    if (taken === "wait") {
      if (this.due === 0) this.setTimer(policy.patience);
      if (this.slotHeld && !host.dedicated) host.returnSlot(this);
      return;
    }
    if (taken !== "taken") {
      if (taken === "gone") return this.#finish("now");
      policy.onRefused(this.local, this.peer, taken);
      return this.#finish("linger");
    }
    this.#client = undefined;
    this.setTimer(policy.patience);
    this.#deadline = clock() + policy.patience;
    this.#phase = "asleep";
    if (host.security !== undefined && this.#isSecured(host.security)) {
      this.setTimer(host.security.policy.handshakeMs);
    }
    this.#read(buffer, Interest.Read);
  }

  /** A step of the handshake, and the first request if it has come along. */
  #shakeHands(buffer: Uint8Array<ArrayBuffer>): void {
    const { host } = this;
    const { policy } = host.security!;
    const secure = this.#secure!;
    const step = secure.shakeHands(this.fd, this.local);
    if (step === "read" || step === "write") {
      if (this.due === 0) this.setTimer(policy.handshakeMs);
      if (this.slotHeld && !host.dedicated) host.returnSlot(this);
      // A thread that waits in recv() for its client does so for input only.
      this.#awaiting = step === "read";
      return this.#want(step === "read" ? Interest.Read : Interest.Write);
    }
    if (step === "failed") {
      policy.onFailedHandshake(this.peer, this.local, secure.reason);
      return this.#finish("break");
    }
    this.#awaiting = true;
    this.#want(Interest.Read);
    if (step === "plain") {
      this.#channel = PLAIN;
      this.#security = SPOKE_PLAIN;
    }
    this.#phase = "asleep";
    this.setTimer(policy.firstRequestMs);
    this.#deadline = clock() + policy.firstRequestMs;
    this.#read(buffer, Interest.Read);
  }

  /** What the library has told with the last receive(), beside bytes. */
  #afterRecords(secure: SecureChannel): void {
    if (secure.buffered) this.#readAgain();
    if (secure.wantsWrite) this.#want(this.#interest | Interest.Write);
  }

  #readAgain(): void {
    this.#unread = false;
    if (this.#readsOn) return;
    this.#readsOn = true;
    this.host.readSoon(this);
  }

  /** Input in memory has its turn. */
  readOn(buffer: Uint8Array<ArrayBuffer>): void {
    if (!this.#readsOn) return;
    this.#readsOn = false;
    this.#read(buffer, Interest.Read);
  }

  /** `n` is what recv() gave while the connection slept, or lingered. */
  #wakeUp(buffer: Uint8Array<ArrayBuffer>, n: number): void {
    if (n === -posix.Errno.EAGAIN || n === -posix.Errno.EINTR) return this.#sleepOn();
    if (n <= 0) return this.#finish(n === 0 ? "now" : "break");
    if (this.#phase === "lingering") {
      if (performance.now() >= this.#lingerEnd) this.#finish("now");
      else if (this.host.dedicated) this.setTimer(LINGER_MS);
      return;
    }
    this.#phase = "serving";
    this.#awaiting = false;
    this.setTimer(0);
    this.handler.open(this);
    this.handler.onData(buffer, n);
  }

  /** It was woken for a part of a record, which is no request yet: its time does not begin anew. */
  #sleepOn(): void {
    if (this.#phase !== "asleep" || this.host.dedicated) return;
    this.#keepAliveMs = elapsed(this.#deadline, clock());
    this.#finish(this.#keepAliveMs > 0 ? "idle" : "now");
  }

  /** The thread will end: who has this connection in hand is told. */
  tellStopping(): void {
    if (this.#phase === "serving" && this.#afterwards === "stay") this.handler.onStopping();
  }

  /** The thread is ending: a connection that sleeps gets `ms` at most for a request that may be under way. */
  hurry(ms: number): void {
    const waits = this.asleep || this.#phase === "securing" || this.#phase === "introducing";
    if (waits && this.due > performance.now() + ms) this.setTimer(ms);
  }

  /** Others wait for the thread that keeps this connection, which sleeps: the listener has it from now on, if that can be. */
  leave(): boolean {
    if (!this.#mayLeave) return false;
    this.#keepAliveMs = Math.max(0, this.due - performance.now());
    this.#phase = "serving";
    this.#finish("idle");
    return true;
  }

  /**
   * The process is ending: a connection that sleeps goes to another, if `give` can leave it there. It gets what is known of it: requests served,
   * and the ms that it has left. Returns whether it has gone.
   */
  passOn(give: (fd: number, served: number, left: number) => boolean): boolean {
    if (!this.asleep || !this.#isMovable || this.#readsOn) return false;
    if (!give(this.fd, this.served, Math.max(0, Math.ceil(this.due - performance.now())))) return false;
    if (this.#watched) this.host.poller.remove(this.host.set, this.fd);
    this.#phase = "serving";
    this.#finish("now");
    return true;
  }

  /** Another process can go on with it. */
  get #isMovable(): boolean {
    return this.#channel === PLAIN && !this.host.table.isProxied(this.fd);
  }

  /** What a secured one has in hand is its thread's. */
  get #mayLeave(): boolean {
    return this.#watched && this.#channel === PLAIN && !this.#readsOn;
  }

  /** A slot is free again and this connection was waiting for one. */
  resume(): void {
    this.#want(this.#interest | Interest.Read);
    if (this.#unread && this.#channel !== PLAIN) this.#readAgain();
  }

  /** The peer is gone: tells the handler and closes. */
  broken(): void {
    this.gone = true;
    const detached = this.#afterwards !== "stay" || this.#phase !== "serving";
    const fd = this.fd;
    if (!detached) this.handler.onGone();
    if (this.fd === fd) this.#finish("break");
  }

  /** Whatever state the handler is in: the connection ends here. */
  abandon(): void {
    if (this.fd < 0) return;
    this.gone = true;
    if (this.#phase === "serving") this.handler.reset();
    this.#finish("break");
  }

  /** The timer ran out. After the handler has let go, nobody reads any more: the rest is given up. */
  onTimer(): void {
    if (!this.#output.empty || this.#phase === "securing") this.#expired();
    else if (this.#afterwards === "stay" && this.#phase === "serving") this.handler.onTimeout();
    else if (this.#phase === "lingering" && !this.host.dedicated) this.#finish("linger");
    // A request that has just arrived is answered: its client would get a reset for it. It is read in the next turn.
    else if (this.asleep && posix.hasInput(this.fd)) this.setTimer(1);
    else this.#finish("now");
  }

  #expired(): void {
    if (this.#phase === "securing") {
      this.host.security!.policy.onFailedHandshake(this.peer, this.local, "it took too long");
    }
    this.broken();
  }

  write(bytes: Uint8Array<ArrayBuffer>, length: number, stable: boolean, more = false): void {
    if (this.gone) return;
    let sent = 0;
    if (this.#output.empty) {
      sent = this.#channel.send(this.fd, bytes, length, more);
      if (sent === length) return;
      if (sent < 0) {
        if (sent !== -posix.Errno.EAGAIN && sent !== -posix.Errno.EINTR) {
          this.gone = true;
          return;
        }
        sent = 0;
      }
      this.#awaitWrite();
    }
    this.#output.push(stable ? bytes.subarray(sent, length) : bytes.slice(sent, length));
    if (!this.#stalled) this.#want(this.#interest | Interest.Write);
  }

  writeFile(file: FileSource, offset: number, length: number, inKernel: boolean): void {
    if (this.gone) return file.release();
    const first = this.#output.empty;
    this.#output.pushFile(file, offset, length, inKernel && this.#channel.passesFiles);
    if (!first) return;
    const result = this.#output.send(this.#channel, this.fd);
    if (result === "failed") this.gone = true;
    else if (result !== "empty") this.#awaitOutput(result, true);
  }

  setReading(on: boolean): void {
    this.#reading = on;
    if (!on || this.#ended) return;
    this.#want(this.#interest | Interest.Read);
    if (this.#unread && this.#channel !== PLAIN) this.#readAgain();
  }

  setTimer(ms: number): void {
    if (ms === 0) this.host.wheel.clear(this);
    else this.host.wheel.set(this, performance.now() + ms);
  }

  awaitInput(): void {
    this.#awaiting = true;
    if (this.slotHeld && !this.host.dedicated) this.host.returnSlot(this);
  }

  awaitDrain(): void {
    if (this.host.dedicated || !this.slotHeld || this.#output.empty) return;
    this.#draining = true;
    this.host.countWriting(1);
    this.host.returnSlot(this);
  }

  idle(keepAliveMs: number): void {
    this.#keepAliveMs = keepAliveMs;
    this.#end(this.#ended ? "now" : "idle");
  }

  close(mode: CloseMode): void {
    this.#end(mode);
  }

  /** The handler has let go; what is queued still goes out, without a slot where connections are shared. */
  #end(how: "idle" | CloseMode): void {
    if (this.gone) return this.#finish("break");
    if (this.#output.empty) return this.#finish(how);
    this.#afterwards = how;
    this.host.countWriting(1);
    if (this.slotHeld && !this.host.dedicated) this.host.returnSlot(this);
  }

  #finish(how: "idle" | CloseMode): void {
    const { host } = this;
    if (this.#afterwards !== "stay" || this.#draining) {
      host.countWriting(-1);
      this.#afterwards = "stay";
      this.#draining = false;
    }
    if (this.due !== 0) host.wheel.clear(this);
    const yields = how === "idle" && this.#mayLeave && host.yielding;
    const stays = how === "linger" || (how === "idle" && !yields && (host.dedicated || this.#readsOn));
    if (stays && !this.#ended && this.#stay(how)) return;
    this.#readsOn = false;
    if (how !== "idle" && this.#channel !== PLAIN) this.#endSession(how);
    if (this.slotHeld) host.returnSlot(this);
    this.#output.clear();
    if (this.#handedOver) this.handler = this.host.takeHandler();
    this.#handedOver = false;
    this.#client = undefined;
    this.#peer = undefined;
    this.#local = undefined;
    const fd = this.fd;
    if (how === "idle") {
      this.#want(Interest.Read);
      this.fd = -1;
      // The object first, the record last: from then on the descriptor may be anybody's.
      host.recycle(this, fd);
      if (yields) return host.park(fd, this.served, this.#keepAliveMs);
      const now = clock();
      host.table.release(fd, host.thread, this.served, now, now + this.#keepAliveMs);
      return;
    }
    this.fd = -1;
    host.recycle(this, fd);
    if (how === "linger" && !this.#ended) host.linger(fd);
    else host.closed(fd);
  }

  /** Whoever reads to the end is told that it was the end, unless something was cut off. */
  #endSession(how: CloseMode): void {
    this.#secure!.end(this.fd, how !== "break" && !this.gone && this.#output.empty);
    this.#channel = PLAIN;
  }

  /** Sleeps or lingers in place. Returns false when that makes no sense any more. */
  #stay(how: "idle" | "linger"): boolean {
    if (this.#phase === "lingering") return false;
    this.#reading = true;
    this.#awaiting = true;
    this.#want(Interest.Read);
    if (how === "idle") {
      this.#phase = "asleep";
      this.setTimer(this.#keepAliveMs);
      this.#deadline = clock() + this.#keepAliveMs;
      if (this.host.dedicated) this.host.showPhase(this, "keep-alive");
      else if (this.slotHeld) this.host.returnSlot(this);
    } else {
      // What the client still sends is of no interest, however it is meant.
      if (this.#channel !== PLAIN) this.#endSession(how);
      this.#phase = "lingering";
      this.#lingerEnd = performance.now() + MAX_LINGER_MS;
      posix.shutdownWrite(this.fd);
      const { dedicated } = this.host;
      this.setTimer(dedicated ? LINGER_MS : LINGER_HERE_MS);
      if (dedicated) this.host.showPhase(this, "closing");
      else if (this.slotHeld) this.host.returnSlot(this);
    }
    return true;
  }

  /** The client has `writeTimeout` to take some of what is queued; each time it does, it has as long again. */
  #awaitWrite(): void {
    if (this.writeTimeout > 0) this.host.wheel.set(this, performance.now() + this.writeTimeout);
  }

  /** Output goes on when the kernel takes more, or when the file has come. `progress`: the client has its time anew. */
  #awaitOutput(reason: "more" | "stalled", progress: boolean): void {
    if (progress) this.#awaitWrite();
    if (reason === "more") return this.#want(this.#interest | Interest.Write);
    this.#want(this.#interest & ~Interest.Write);
    this.#stalled = true;
    this.host.stall(this);
  }

  /** What a file was to give may have come. */
  retry(): void {
    if (!this.#stalled) return;
    this.#stalled = false;
    this.#flush();
  }

  #want(interest: number): void {
    if (interest === this.#interest || this.gone) return;
    this.#interest = interest;
    if (!this.#watched) return;
    const { poller, set, table } = this.host;
    poller.modify(set, this.fd, interest, table.tag(this.fd));
  }

  /** The kernel takes output again. */
  #flush(): void {
    const before = this.#output.backlog;
    const result = this.#output.send(this.#channel, this.fd);
    if (result === "failed") {
      this.gone = true;
      return this.broken();
    }
    if (result !== "empty") return this.#awaitOutput(result, this.#output.backlog < before);
    this.host.wheel.clear(this);
    if (this.#afterwards !== "stay") return this.#finish(this.#afterwards);
    this.#want(this.#interest & ~Interest.Write);
    if (this.#draining) {
      this.#draining = false;
      this.host.countWriting(-1);
    }
    this.handler.onDrained();
  }
}
