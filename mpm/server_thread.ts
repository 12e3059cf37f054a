// What does a server thread do all day? Its loop: take what is ready, serve the batch, see to timers, wait.
//
// The thread finds connections in its own interest set, where the listener put them; it reads and writes bare descriptors.
// No message is exchanged for a connection or a request.

import { setImmediate } from "node:timers";
import * as posix from "../platform/posix.ts";
import { Interest, openPoller, type Poller } from "../platform/poller.ts";
import { clock, ConnectionTable, Owner } from "./connection_table.ts";
import { Scoreboard, type ScoreboardShape, SlotField, SlotStatus } from "./scoreboard.ts";
import { type ConnectionHost, handToLinger, SocketConnection } from "./socket_connection.ts";
import { ThreadControl, ThreadState } from "./thread_control.ts";
import { TimerWheel, type WheelEntry } from "./timer_wheel.ts";
import type { Endpoint, ThreadProgram } from "./transport.ts";

/** What a thread is told when it starts. Everything in it can be posted to a worker. */
export interface ThreadOrder {
  readonly thread: number;
  /** Index of the child's record in the scoreboard. */
  readonly child: number;
  readonly generation: number;
  readonly pid: number;
  readonly requestsPerThread: number;
  readonly tableMemory: SharedArrayBuffer;
  readonly controlMemory: SharedArrayBuffer;
  readonly scoreboard: { readonly address: bigint; readonly size: number; readonly shape: ScoreboardShape };
  /** The thread's interest set, the pipe in it that wakes the thread, the listener's set and its pipe. */
  readonly set: number;
  readonly wakeRead: number;
  readonly listenerSet: number;
  readonly listenerWake: number;
  /** clock() when this was posted. */
  readonly clock: number;
  /** The local address of each listening socket; undefined where it differs from connection to connection (a wildcard). */
  readonly localAddresses: readonly (Endpoint | undefined)[];
}

const RECEIVE_BUFFER = 1 << 16;
/** A lingering close ends after this long without data (SECONDS_TO_LINGER). */
export const LINGER_MS = 2000;
/** At least this often other users of the thread's event loop get a turn, in ms. */
const TURN_EVERY = 10;
/** How long a thread with an event loop of its own looks for input before it waits off-thread, in ms. */
const SPIN_MS = 0.06;

/** One server thread: its connections, timers and loop. */
export class ServerThread implements ConnectionHost {
  readonly poller: Poller = openPoller();
  readonly set: number;
  readonly table: ConnectionTable;
  readonly thread: number;
  readonly wheel: TimerWheel;
  readonly scoreboard: Scoreboard;

  readonly #control: ThreadControl;
  readonly #connections: (SocketConnection | undefined)[] = [];
  readonly #pool: SocketConnection[] = [];
  readonly #freeRows: number[] = [];
  /** Connections with input that wait for a slot of this thread. */
  readonly #starved: SocketConnection[] = [];
  readonly #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(RECEIVE_BUFFER);
  readonly #wakeByte: Uint8Array<ArrayBuffer> = new Uint8Array(1);

  /** The loop is asleep; what handlers finish meanwhile has no batch to end. */
  #resting = false;

  constructor(readonly order: ThreadOrder, readonly program: ThreadProgram) {
    this.thread = order.thread;
    this.set = order.set;
    this.table = new ConnectionTable(order.tableMemory);
    this.#control = new ThreadControl(order.controlMemory);
    const { address, size, shape } = order.scoreboard;
    this.scoreboard = new Scoreboard(posix.memoryAt(address, size), shape);
    this.wheel = new TimerWheel(performance.now());
    const first = this.scoreboard.row(order.child, order.thread * order.requestsPerThread);
    for (let i = order.requestsPerThread - 1; i >= 0; i--) {
      this.#freeRows.push(first + i);
      this.scoreboard.setSlot(first + i, SlotField.Thread, order.thread);
      this.scoreboard.setSlot(first + i, SlotField.Status, SlotStatus.Ready);
    }
    this.#control.setState(this.thread, ThreadState.Running);
  }

  get stopping(): boolean {
    return this.#control.stopping;
  }

  /** Serves until the thread is terminated. */
  async run(): Promise<never> {
    let lastTurn = performance.now();
    for (;;) {
      const start = performance.now();
      const n = this.poller.wait(this.set, 0);
      this.#control.addBeat(this.thread);
      if (n > 0) this.#serve(n);
      if (this.wheel.size > 0) this.wheel.advance(performance.now(), (entry) => this.#fire(entry));
      this.program.endOfBatch();
      const now = performance.now();
      this.#control.noteBatch(this.thread, Math.trunc(now - start));
      if (n === 0) await this.#rest(now);
      else if (this.program.usesEventLoop || now - lastTurn > TURN_EVERY) {
        await turn();
        lastTurn = now;
      }
    }
  }

  #serve(n: number): void {
    const { ready, events } = this.poller;
    for (let i = 0; i < n; i++) {
      const fd = ready[i];
      if (fd === this.order.wakeRead) {
        posix.drain(fd, this.#buffer);
        continue;
      }
      const connection = this.#connections[fd] ?? this.#claim(fd);
      if (connection === undefined) continue;
      try {
        connection.onEvents(events[i], this.#buffer);
      } catch (error) {
        // A fault of the engine costs the connection that met it, not the thread and all its others.
        this.program.onFault(error);
        if (connection.fd === fd) connection.abandon();
      }
    }
  }

  #claim(fd: number): SocketConnection | undefined {
    const claimed = this.table.claim(fd, this.thread);
    if (claimed === 0) return undefined;
    if (claimed === 1 && !this.#control.takeSlot(this.thread, this.order.requestsPerThread)) {
      // Other threads may have a free slot: the listener finds out.
      this.poller.remove(this.set, fd);
      if (this.table.finish(fd, this.thread, Owner.Parked)) {
        this.poller.add(this.order.listenerSet, fd, Interest.Read);
      }
      return undefined;
    }
    const connection = this.#pool.pop() ?? new SocketConnection(this, this.program.createHandler());
    this.#connections[fd] = connection;
    this.#hold(connection);
    connection.open(fd);
    return connection;
  }

  /** Nothing is ready: waits for it, in the cheapest way that lets everybody else on this thread have their turn. */
  async #rest(now: number): Promise<void> {
    this.#control.addWait(this.thread);
    const timeout = this.wheel.size > 0 ? this.wheel.resolution : 1000;
    if (!this.program.usesEventLoop) {
      // Nobody else is here: the thread itself sleeps in the kernel, which is the shortest way back to work.
      const n = this.poller.wait(this.set, timeout);
      this.#control.addBeat(this.thread);
      if (n === 0) return await turn();
      this.#serve(n);
      return this.program.endOfBatch();
    }
    // Handlers may be waiting for timers and promises. The off-thread wait costs two thread switches: first look a while.
    do {
      await turn();
      const n = this.poller.wait(this.set, 0);
      if (n > 0) {
        this.#serve(n);
        return this.program.endOfBatch();
      }
    } while (performance.now() - now < SPIN_MS);
    this.#resting = true;
    await this.poller.waitOffThread(this.set, timeout);
    this.#resting = false;
  }

  #fire(entry: WheelEntry): void {
    const connection = entry as SocketConnection;
    try {
      connection.onTimer();
    } catch (error) {
      this.program.onFault(error);
      connection.abandon();
    }
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
    this.scoreboard.setSlot(connection.row, SlotField.Status, SlotStatus.Ready);
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

  countWriting(delta: number): void {
    this.#control.addWriting(delta);
  }

  recycle(connection: SocketConnection, fd: number): void {
    this.#connections[fd] = undefined;
    this.#pool.push(connection);
    // Before its last connection is gone the child does not end, and what was logged about it is written by then.
    if (this.stopping) this.program.endOfBatch();
    else if (this.#resting) {
      this.#resting = false;
      setImmediate(() => this.program.endOfBatch());
    }
  }

  closed(fd: number): void {
    if (!this.table.finish(fd, this.thread, Owner.Free)) return;
    this.#control.removeConnection();
    posix.close(fd);
    if (this.#control.listenerToWake()) this.#wakeListener();
  }

  linger(fd: number): void {
    handToLinger(this, this.order.listenerSet, fd, clock() + LINGER_MS);
  }

  peer(fd: number): Endpoint {
    const address = this.table.peerAddress(fd);
    const port = this.table.peerPort(fd);
    return { address, port };
  }

  local(fd: number): Endpoint {
    const known = this.order.localAddresses[this.table.listener(fd)];
    return known ?? posix.endpoint(posix.localAddress(fd));
  }

  #wakeListener(): void {
    posix.write(this.order.listenerWake, this.#wakeByte);
  }
}

/** Lets timers, promises and messages of this thread's event loop have their turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
