// Which connections does a child take in? It accepts as many as it has slots, descriptors and leave for, and hands each of them
// to a thread. When it ends it takes those along that wait where nobody goes on.

import * as posix from "../../platform/posix.ts";
import type { Remaining, ServingOrder } from "../shared/child_order.ts";
import { Interest, type Poller } from "../../platform/poller.ts";
import { clock, type ConnectionTable, Owner } from "../shared/connection_table.ts";
import type { Handovers } from "./handovers.ts";
import type { IdleKeeper } from "./idle_keeper.ts";
import { Shortage } from "./shortage.ts";
import type { ThreadControl } from "../shared/thread_control.ts";
import { SLICE_MS } from "../thread/thread_loops.ts";
import type { ThreadPool } from "./thread_pool.ts";

/** What the MPM's policy decides for a listener. */
export interface ListenerPolicy {
  /** Connections (lingering ones not counted) that a child may have while `idleSlots` of its slots are free. */
  connectionLimit(idleSlots: number): number;
  /** The child ends after this many connections; 0: never (MaxConnectionsPerChild). */
  readonly maxConnections: number;
  /** A new connection that sends nothing is closed after this many ms. */
  readonly firstRequestMs: number;
  /** Threads keep their connections: descriptors are blocking. */
  readonly dedicated: boolean;
}

/** What the listener tells the child's main program. */
export interface ListenerEvents {
  /** accept() failed, though no connection of this child takes anything, or the network is down (`fatal`): the child should end. */
  onAcceptError(reason: string, fatal: boolean): void;
  /** Nothing more can be accepted for want of a resource, until a connection ends. Told once a minute. */
  onShortage(reason: string): void;
  /** MaxConnectionsPerChild is reached. */
  onExhausted(): void;
  /** The child has ended, and has left so many idle connections to others, the last of them so many ms after its end began. */
  onPassedOn(count: number, ms: number): void;
}

/** What the listener itself has to know. */
interface IntakeEvents extends ListenerEvents {
  /** A thread has one more, at `now` (clock()). */
  onTaken(now: number): void;
  /** A listening socket is about to be closed. */
  onClosing(fd: number): void;
}

/** What it works with. */
interface IntakeParts {
  readonly poller: Poller;
  /** The listener's interest set. */
  readonly set: number;
  readonly table: ConnectionTable;
  readonly control: ThreadControl;
  readonly sockets: ServingOrder["sockets"];
  /** Where other children leave their idle connections; undefined: nowhere. */
  readonly handovers: Handovers | undefined;
}

/** Connections taken from one socket before the others get their turn. */
const ACCEPT_BATCH = 64;

/** The listening sockets of one child. */
export class Intake {
  /** Connections accepted so far. */
  taken = 0;
  /** Each with the index that its connections have in their records. */
  readonly #sockets: Map<number, number>;
  /** Sockets that nobody goes on with, and how many connections may wait there. */
  readonly #lastCalls = new Map<number, number>();
  readonly #shortage: Shortage;
  #pool!: ThreadPool;
  #idle!: IdleKeeper;

  constructor(
    readonly parts: IntakeParts,
    readonly policy: ListenerPolicy,
    readonly events: IntakeEvents,
  ) {
    this.#sockets = new Map(parts.sockets.map(({ fd }, index) => [fd, index]));
    this.#shortage = new Shortage(parts.table.size);
  }

  /** From now on connections go to `pool`. */
  begin(pool: ThreadPool, idle: IdleKeeper): void {
    this.#pool = pool;
    this.#idle = idle;
  }

  /** Closes the sockets, but those where somebody may wait whom nobody else would serve. */
  stop(remaining?: Remaining): void {
    for (const { fd, id } of this.parts.sockets) {
      if (!this.#sockets.has(fd)) continue;
      if (remaining?.sockets.includes(id) === false) this.#lastCalls.set(fd, remaining.backlog);
      else this.#closeSocket(fd);
    }
  }

  /** Some socket is open. */
  get open(): boolean {
    return this.#sockets.size > 0;
  }

  /** `fd` is one of the sockets. */
  has(fd: number): boolean {
    return this.#sockets.has(fd);
  }

  #closeSocket(fd: number): void {
    this.events.onClosing(fd);
    this.#sockets.delete(fd);
    this.#lastCalls.delete(fd);
    posix.close(fd);
  }

  /** Counts a connection of a socket that is to be closed. Returns true when all who may have waited there have been served. */
  #lastCall(fd: number): boolean {
    const left = this.#lastCalls.get(fd);
    if (left === undefined) return false;
    this.#lastCalls.set(fd, left - 1);
    if (left > 1) return false;
    this.#closeSocket(fd);
    return true;
  }

  takeFromAll(most?: number): void {
    for (const fd of this.#sockets.keys()) this.takeFrom(fd, most);
  }

  /** Accepts up to `most` connections of a socket, while there is room for them. */
  takeFrom(socket: number, most = ACCEPT_BATCH): void {
    const { table, control } = this.parts;
    const pool = this.#pool;
    const index = this.#sockets.get(socket)!;
    for (let i = 0; i < most; i++) {
      const thread = this.mayTake ? pool.pick() : -1;
      if (thread < 0) return;
      const fd = posix.acceptConnection(socket, this.policy.dedicated);
      const short = this.#shortage.isShownBy(fd);
      if (fd < 0 || fd >= table.size) {
        pool.returnReserved(thread);
        if (fd >= 0) posix.close(fd);
        const errno = fd < 0 ? -fd : posix.Errno.EMFILE;
        if (short && control.connections > 0) return this.#isShort(errno);
        return this.#acceptFailed(socket, errno);
      }
      if (!posix.acceptInherits) this.#complete(fd);
      const now = clock();
      const { family, port, bytes } = posix.lastAddress;
      table.begin(fd, index, now, now + this.policy.firstRequestMs, family, port, bytes);
      control.addConnection();
      this.taken++;
      pool.hand(fd, thread);
      this.events.onTaken(now);
      if (this.#lastCalls.size > 0 && this.#lastCall(socket)) return;
      if (this.policy.maxConnections > 0 && this.taken === this.policy.maxConnections) {
        this.events.onExhausted();
        return;
      }
      if (short) return this.#isShort(posix.Errno.EMFILE);
    }
  }

  /** Takes over idle connections of a child that ends, as many as there are in one message. They cost a descriptor and a record, and no slot. */
  takeOver(): void {
    const { table, control, handovers, poller, set } = this.parts;
    handovers!.take(table, (fd) => {
      control.addConnection();
      table.setState(fd, Owner.Parked);
      poller.add(set, fd, Interest.Read);
    });
  }

  /** There is room for connections of others. */
  get mayTakeOver(): boolean {
    const { dedicated } = this.policy;
    return !this.isPressed(clock()) && (!dedicated || this.#pool.idleSlots > 0);
  }

  #isShort(errno: number): void {
    if (this.#shortage.begin(clock(), this.parts.control.connections)) {
      this.events.onShortage(errnoReason(errno));
    }
  }

  /** What the connection does not have from its socket here. */
  #complete(fd: number): void {
    posix.setNoDelay(fd);
    if (this.policy.dedicated) posix.setPatience(fd, SLICE_MS);
  }

  #acceptFailed(socket: number, errno: number): void {
    if (errno === posix.Errno.EAGAIN && this.#lastCalls.has(socket)) return this.#closeSocket(socket);
    if (errno === posix.Errno.EAGAIN || posix.PASSING_ACCEPT_ERRORS.has(errno)) return;
    this.events.onAcceptError(errnoReason(errno), errno === posix.Errno.ENETDOWN);
  }

  /** There is a socket, a slot and room for one more. */
  get mayTake(): boolean {
    if (this.#sockets.size === 0 || this.#shortage.lasts(clock(), this.parts.control.connections)) {
      return false;
    }
    const idle = this.#pool.idleSlots;
    return idle > 0 && !this.#atLimit(this.#pool.slotsToHave);
  }

  /** Something else than work keeps new connections out. */
  isPressed(now: number): boolean {
    return this.#atLimit(this.#pool.slotsToHave) || this.#shortage.lasts(now, this.parts.control.connections);
  }

  /** The child has as many connections as its policy allows. Where idle ones cost no thread they do not count. */
  #atLimit(idleSlots: number): boolean {
    const { lingering, idle } = this.#idle;
    const free = this.policy.dedicated ? lingering : lingering + idle;
    return this.parts.control.connections - free >= this.policy.connectionLimit(idleSlots);
  }
}

function errnoReason(errno: number): string {
  return `(${errno})${posix.errnoText(errno)}`;
}
