// What does a server thread have? Its connections, timers, slots and records in the scoreboard. How it spends its days is
// told by its loop (thread_loops.ts).
//
// The thread finds connections in its own interest set, where the listener put them; it reads and writes bare descriptors.
// No message is exchanged for a connection or a request.

import { setImmediate } from "node:timers";
import { endpoint } from "../../platform/addresses.ts";
import * as posix from "../../platform/posix.ts";
import { Interest, openPoller, type Poller } from "../../platform/poller.ts";
import { clock, ConnectionTable, Owner } from "../shared/connection_table.ts";
import {
  openScoreboard,
  type Scoreboard,
  type ScoreboardPlace,
  SlotField,
  SlotStatus,
} from "../shared/scoreboard.ts";
import { ThreadSecurity } from "./channel.ts";
import { type ConnectionHost, LINGER_MS, SocketConnection } from "./socket_connection.ts";
import type { ProxyProtocolPolicy } from "../shared/proxy_protocol.ts";
import { ThreadControl, ThreadState } from "../shared/thread_control.ts";
import { TimerWheel, type WheelEntry } from "./timer_wheel.ts";
import type { Endpoint, ProtocolHandler, ThreadProgram } from "../shared/transport.ts";
import { OutgoingSockets } from "./outgoing_sockets.ts";

/** What a thread is told when it starts. Everything in it can be posted to a worker. */
export interface ThreadOrder {
  readonly thread: number;
  /** Index of the child's record in the scoreboard. */
  readonly child: number;
  readonly generation: number;
  readonly pid: number;
  readonly requestsPerThread: number;
  /** Bytes above which the heap of this thread must not stay; 0: there is no bound. */
  readonly maxHeap: number;
  /** A connection stays with this thread, and keeps its slot, until it is closed. */
  readonly dedicated: boolean;
  readonly controlMemory: SharedArrayBuffer;
  readonly scoreboard: ScoreboardPlace;
  /** clock() when this was posted. */
  readonly clock: number;
  /** How connections come as descriptors; undefined where they are relayed. */
  readonly descriptors?: DescriptorOrder;
}

/** What a thread is told that is handed connections as descriptors. */
export interface DescriptorOrder {
  readonly tableMemory: SharedArrayBuffer;
  /** The thread's interest set, the pipe in it that wakes the thread, the listener's set and its pipe (-1: there is none). */
  readonly set: number;
  readonly wakeRead: number;
  /** The other end of that pipe, for a thread that has to wake itself: it waits for new connections elsewhere than for its own. */
  readonly wakeWrite?: number;
  readonly listenerSet: number;
  readonly listenerWake: number;
  /** The local address of each listening socket; undefined where it differs from connection to connection (a wildcard). */
  readonly localAddresses: readonly (Endpoint | undefined)[];
}

/** At least so often (ms) a thread that has nothing to do wakes up. */
const SLEEP_MS = 1000;
const RECEIVE_BUFFER = 1 << 16;
/** So often (ms) a file that was not in memory is looked for again. */
const STALL_MS = 2;

/** One server thread: its connections, timers and slots. */
export class ServerThread implements ConnectionHost {
  readonly poller: Poller = openPoller();
  readonly set: number;
  readonly table: ConnectionTable;
  readonly thread: number;
  readonly dedicated: boolean;
  readonly security: ThreadSecurity | undefined;
  readonly proxyProtocol: ProxyProtocolPolicy | undefined;
  readonly wheel: TimerWheel;
  readonly scoreboard: Scoreboard;
  /** What recv() fills; handlers see it during a call only. */
  readonly buffer: Uint8Array<ArrayBuffer> = new Uint8Array(RECEIVE_BUFFER);

  readonly #control: ThreadControl;
  readonly #connections: (SocketConnection | undefined)[] = [];
  readonly #pool: SocketConnection[] = [];
  readonly #handlers: ProtocolHandler[] = [];
  readonly #freeRows: number[] = [];
  /** Connections with input that wait for a slot of this thread. */
  readonly #starved: SocketConnection[] = [];
  /** Connections to other servers. */
  readonly #outgoing: OutgoingSockets;
  readonly #wakeByte: Uint8Array<ArrayBuffer> = new Uint8Array(1);
  /** Connections that wait for a file. */
  #stalled: SocketConnection[] = [];
  #retryAt = 0;
  /** Connections that have input in memory. */
  #readers: SocketConnection[] = [];
  #resident: SocketConnection | undefined;
  /** The loop is asleep; what handlers finish meanwhile has no batch to end. */
  #resting = false;
  #over = false;
  /** Those that have a connection in hand know that the thread will end. */
  #endTold = false;

  constructor(
    readonly order: ThreadOrder,
    readonly descriptors: DescriptorOrder,
    readonly program: ThreadProgram,
  ) {
    this.thread = order.thread;
    this.set = descriptors.set;
    this.dedicated = order.dedicated;
    this.table = new ConnectionTable(descriptors.tableMemory);
    const { security, proxyProtocol } = program;
    this.proxyProtocol = proxyProtocol;
    this.security = security && new ThreadSecurity(security, this.table, descriptors.localAddresses);
    this.#control = new ThreadControl(order.controlMemory);
    this.scoreboard = openScoreboard(order.scoreboard);
    this.wheel = new TimerWheel(performance.now());
    const first = this.scoreboard.row(order.child, order.thread * order.requestsPerThread);
    for (let i = order.requestsPerThread - 1; i >= 0; i--) {
      this.#freeRows.push(first + i);
      this.scoreboard.setSlot(first + i, SlotField.Thread, order.thread);
      this.scoreboard.setSlot(first + i, SlotField.Status, SlotStatus.Ready);
    }
    this.#outgoing = new OutgoingSockets(this.poller, this.set, this.wheel);
    program.useOutgoing?.(this.#outgoing);
    this.#control.setState(this.thread, ThreadState.Running);
  }

  get stopping(): boolean {
    return this.#control.stopping;
  }

  get passingOn(): boolean {
    return this.#control.passingOn;
  }

  /** The thread is to end; it has no connections. */
  get retiring(): boolean {
    return this.#over || this.#control.state(this.thread) === ThreadState.Retiring;
  }

  /** Others wait for a thread: none is kept by a connection that has nothing to do. */
  get yielding(): boolean {
    return this.dedicated && (this.#control.yielding || this.#control.passingOn);
  }

  /** The connection that a dedicated thread keeps. */
  get resident(): SocketConnection | undefined {
    return this.#resident;
  }

  /** Says that the thread moves, and that it waited or how long (ms) it worked. */
  beat(): void {
    this.#control.addBeat(this.thread);
  }

  noteWait(): void {
    this.#control.addWait(this.thread);
  }

  noteBatch(ms: number): void {
    this.#control.noteBatch(this.thread, ms);
  }

  /** Whether other servers have brought something since this was last asked: promises that wait for that can go on. */
  takeOutgoingTurn(): boolean {
    return this.#outgoing.takeTurn();
  }

  /** Gives all connections their turn that the last wait of the poller reported. */
  serve(n: number): void {
    this.program.beginOfBatch();
    const { ready, events, tags } = this.poller;
    for (let i = 0; i < n; i++) {
      const fd = ready[i];
      if (fd === this.descriptors.wakeRead) {
        posix.drain(fd, this.buffer);
        continue;
      }
      if (this.#outgoing.has(fd)) {
        this.#outgoing.onEvents(fd, events[i], tags[i], (error) => this.program.onFault(error));
        continue;
      }
      const connection = this.#connections[fd] ?? this.#claim(fd, tags[i]);
      if (connection === undefined) continue;
      try {
        connection.onEvents(events[i], this.buffer);
      } catch (error) {
        this.#fault(error, connection, fd);
      }
    }
  }

  /** Waits in recv() for the client of the connection that this thread keeps. */
  receive(connection: SocketConnection): void {
    this.program.beginOfBatch();
    const { fd } = connection;
    try {
      connection.receive(this.buffer);
    } catch (error) {
      this.#fault(error, connection, fd);
    }
  }

  /** A fault of the engine costs the connection that met it, not the thread and all its others. */
  #fault(error: unknown, connection: SocketConnection, fd: number): void {
    this.program.onFault(error);
    if (connection.fd === fd) connection.abandon();
  }

  /** Gives those their turn that wait for a time, or for a file, or have input in memory. */
  advanceTimers(): void {
    if (!this.#endTold && this.#control.stopping) this.#tellEnd();
    if (this.#readers.length > 0) this.#readOn();
    if (this.wheel.size > 0) this.wheel.advance(performance.now(), (entry) => this.#fire(entry));
    if (this.#stalled.length > 0 && performance.now() >= this.#retryAt) this.#retry();
  }

  /** How long (ms) the thread may sleep when nothing is ready. */
  get patience(): number {
    if (this.#readers.length > 0) return 0;
    if (this.#stalled.length > 0) return STALL_MS;
    return this.wheel.size > 0 ? this.wheel.resolution : SLEEP_MS;
  }

  /** The thread will end: whoever has a connection in hand may want to say so. */
  #tellEnd(): void {
    this.#endTold = true;
    for (const [fd, connection] of this.#connections.entries()) {
      if (connection === undefined) continue;
      try {
        connection.tellStopping();
      } catch (error) {
        this.#fault(error, connection, fd);
      }
    }
  }

  stall(connection: SocketConnection): void {
    if (this.#stalled.length === 0) this.#retryAt = performance.now() + STALL_MS;
    this.#stalled.push(connection);
  }

  readSoon(connection: SocketConnection): void {
    this.#readers.push(connection);
  }

  #readOn(): void {
    const connections = this.#readers;
    this.#readers = [];
    for (const connection of connections) {
      const { fd } = connection;
      try {
        connection.readOn(this.buffer);
      } catch (error) {
        this.#fault(error, connection, fd);
      }
    }
  }

  #retry(): void {
    const connections = this.#stalled;
    this.#stalled = [];
    for (const connection of connections) {
      const { fd } = connection;
      try {
        connection.retry();
      } catch (error) {
        this.#fault(error, connection, fd);
      }
    }
  }

  /** The thread dies: what it has in hand ends, and it takes nothing any more. */
  abandonAll(): void {
    this.#over = true;
    for (const connection of this.#connections) connection?.abandon();
    this.#outgoing.closeAll();
  }

  #claim(fd: number, tag: number): SocketConnection | undefined {
    if (this.#over) return undefined;
    const claimed = this.table.claim(fd, this.thread, tag);
    if (claimed === 0) return undefined;
    if (claimed === 1 && !this.#takeSlotInTurn()) {
      // Other threads may have a free slot: the listener finds out.
      this.#leave(fd, Owner.Parked);
      return undefined;
    }
    const connection = this.#begin(fd);
    connection.open(fd);
    return connection;
  }

  #takeSlotInTurn(): boolean {
    return !this.#control.unfair && this.#control.takeSlot(this.thread, this.order.requestsPerThread);
  }

  /**
   * Leaves a connection to the listener, as `state`. The record is the last thing that changes: once it does the listener may
   * close the descriptor, and its number be another connection's.
   */
  #leave(fd: number, state: number): void {
    this.poller.remove(this.set, fd);
    this.poller.add(this.descriptors.listenerSet, fd, Interest.Read);
    if (this.table.finish(fd, this.thread, state)) return;
    // It was given up meanwhile, and stays as it is until the process ends.
    this.poller.remove(this.descriptors.listenerSet, fd);
  }

  /** A thread that accepts for itself keeps what it accepted; the record says Ready. Its client has `patience` ms to begin. */
  adopt(fd: number, patience: number): void {
    this.#control.addConnection();
    this.#control.takeSlot(this.thread, this.order.requestsPerThread);
    this.table.claim(fd, this.thread, this.table.tag(fd));
    this.#begin(fd).expect(fd, patience);
  }

  #begin(fd: number): SocketConnection {
    const connection = this.#pool.pop() ?? new SocketConnection(this);
    this.#connections[fd] = connection;
    if (this.dedicated) this.#resident = connection;
    this.#hold(connection);
    return connection;
  }

  /** Sleeps in the kernel until something is ready or `ms` have passed, this thread's event loop with it. Returns how many had work. */
  sleep(ms: number): number {
    const n = this.poller.wait(this.set, ms);
    this.beat();
    if (n > 0) this.serve(n);
    return n;
  }

  /** Waits off-thread until something in `set` is ready or `ms` have passed. */
  async rest(ms: number, set = this.set): Promise<void> {
    this.#resting = true;
    await this.poller.waitOffThread(set, ms);
    this.#resting = false;
  }

  #fire(entry: WheelEntry): void {
    if (this.#outgoing.owns(entry)) {
      return this.#outgoing.onTimer(entry, (error) => this.program.onFault(error));
    }
    const connection = entry as SocketConnection;
    try {
      connection.onTimer();
    } catch (error) {
      this.program.onFault(error);
      connection.abandon();
    }
  }

  takeHandler(): ProtocolHandler {
    return this.#handlers.pop() ?? this.program.createHandler();
  }

  keepHandler(handler: ProtocolHandler): void {
    this.#handlers.push(handler);
  }

  takeSlot(connection: SocketConnection): boolean {
    if (this.#control.takeSlot(this.thread, this.order.requestsPerThread)) {
      this.#hold(connection);
      return true;
    }
    this.#starved.push(connection);
    return false;
  }

  #hold(connection: SocketConnection): void {
    connection.slotHeld = true;
    connection.row = this.#freeRows.pop()!;
    this.scoreboard.setSlot(connection.row, SlotField.Status, SlotStatus.Read);
  }

  returnSlot(connection: SocketConnection): void {
    this.scoreboard.releaseSlot(connection.row);
    this.#freeRows.push(connection.row);
    connection.slotHeld = false;
    this.#control.returnSlot(this.thread);
    // A starved connection may be over by now; it is then in the pool or serves another descriptor, and reading is on anyway.
    // One that ended meanwhile is in the pool: the slot is for the next that still waits.
    let next = this.#starved.shift();
    while (next !== undefined && (next.fd < 0 || next.slotHeld)) next = this.#starved.shift();
    next?.resume();
    if (this.#control.listenerToWake()) this.#wakeListener();
  }

  showPhase(connection: SocketConnection, phase: "keep-alive" | "closing"): void {
    const status = phase === "closing" ? SlotStatus.Closing : SlotStatus.KeepAlive;
    this.scoreboard.setSlot(connection.row, SlotField.Status, status);
    this.#endBatchWhileResting();
  }

  countWriting(delta: number): void {
    this.#control.addWriting(delta);
  }

  recycle(connection: SocketConnection, fd: number): void {
    this.#connections[fd] = undefined;
    this.#resident = undefined;
    this.#pool.push(connection);
    // A handler has answered its last request while the loop waits for this client: nothing more will come from there.
    const { wakeWrite } = this.descriptors;
    if (wakeWrite !== undefined && this.#resting) posix.write(wakeWrite, this.#wakeByte);
    // Before its last connection is gone the child does not end, and what was logged about it is written by then.
    if (this.stopping) this.program.endOfBatch();
    else this.#endBatchWhileResting();
  }

  #endBatchWhileResting(): void {
    if (!this.#resting) return;
    this.#resting = false;
    setImmediate(() => this.program.endOfBatch());
  }

  closed(fd: number): void {
    // Given up meanwhile: it has been shut down, and would be reported for ever.
    if (!this.table.finish(fd, this.thread, Owner.Free)) return this.poller.remove(this.set, fd);
    this.#control.removeConnection();
    posix.close(fd);
    if (this.#control.listenerToWake()) this.#wakeListener();
  }

  /** Leaves an idle connection to the listener, for whichever thread is free when it goes on. */
  park(fd: number, served: number, keepAliveMs: number): void {
    const now = clock();
    this.table.note(fd, served, now, now + keepAliveMs);
    this.#leave(fd, Owner.Parked);
  }

  /** Leaves a record to the listener, which drains and closes the connection. */
  linger(fd: number): void {
    const now = clock();
    this.table.beginLinger(fd, now, now + LINGER_MS);
    posix.shutdownWrite(fd);
    this.#leave(fd, Owner.Linger);
  }

  client(fd: number): Endpoint {
    const address = this.table.clientAddress(fd);
    const port = this.table.clientPort(fd);
    return { address, port };
  }

  peer(fd: number): Endpoint {
    return posix.peerAddress(fd) ? endpoint(posix.lastAddress) : { address: "unknown", port: 0 };
  }

  local(fd: number): Endpoint {
    const known = this.descriptors.localAddresses[this.table.listener(fd)];
    return known ?? endpoint(posix.localAddress(fd));
  }

  #wakeListener(): void {
    if (this.descriptors.listenerWake >= 0) posix.write(this.descriptors.listenerWake, this.#wakeByte);
  }
}
