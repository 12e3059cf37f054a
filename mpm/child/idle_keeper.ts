// What becomes of the connections that have nothing to do? The listener looks through the table from time to time: hot ones
// are parked in its own set, those that a stuck thread holds are taken from it, and those whose time is up are closed.
//
// A scan reads one word per open descriptor (10,000 connections: some 20 microseconds) and runs only while there are
// connections; no timer, list or object exists per idle connection.

import * as posix from "../../platform/posix.ts";
import { Interest, type Poller } from "../../platform/poller.ts";
import type { Handovers } from "./handovers.ts";
import { clock, type ConnectionTable, elapsed, Owner } from "../shared/connection_table.ts";
import type { ThreadControl } from "../shared/thread_control.ts";
import { endSession } from "./end_session.ts";
import type { ThreadPool } from "./thread_pool.ts";

/** A connection stays with its thread this long (ms) after a response; then it is parked. */
const HOT_MS = 500;
/** How often (ms) the listener looks while threads hold connections, and while all of them are parked. */
export const BUSY_SCAN = 25;
const PARKED_SCAN = 100;
const IDLE_SCAN = 1000;
/** A child that ends gives a connection that was idle this long (ms) no more time: a request may hardly be under way. */
const END_SOON_MS = 1000;
/** It waits this long (ms) for others to take over what is idle, and looks so often (ms) whether there is room for more. */
const PASS_ON_MS = 10_000;
const PASS_ON_SCAN = 2;

interface Parts {
  readonly poller: Poller;
  readonly set: number;
  readonly table: ConnectionTable;
  readonly control: ThreadControl;
  readonly pool: ThreadPool;
  /** Where idle connections may be left to others; undefined: nowhere. */
  readonly handovers: Handovers | undefined;
  /** The interest set of a thread. */
  setOf(thread: number): number;
}

/** The listener's view of idle and lingering connections. */
export class IdleKeeper {
  /** Connections idle (hot or parked), and lingering, at the last scan. */
  idle = 0;
  lingering = 0;
  /** Connections that others have been given, and the ms that it took from the beginning of the end. */
  passedOn = 0;
  passedOnWithin = 0;
  #ending = false;
  #endingSince = 0;
  /** Connections of each thread, counted during a scan. */
  readonly #counts: Int32Array;

  constructor(readonly parts: Parts) {
    this.#counts = new Int32Array(parts.pool.threads);
  }

  /** From now on idle connections go to others, or where there is nobody get END_SOON_MS at most. */
  endSoon(): void {
    this.#ending = true;
    this.#endingSince = clock();
  }

  /** Closes a connection that belongs to the listener. */
  end(fd: number): void {
    endSession(this.parts.table, fd, true);
    this.parts.table.setState(fd, Owner.Free);
    this.parts.control.removeConnection();
    posix.close(fd);
  }

  /**
   * Looks through all connections. Under pressure (the connection limit keeps new ones out) the idle ones are closed,
   * oldest first, a sixteenth at a time. Returns when to look again, in ms.
   */
  scan(now: number, pressed: boolean): number {
    const { table, control, pool } = this.parts;
    this.lingering = 0;
    this.idle = 0;
    const all = control.connections;
    this.#counts.fill(0);
    if (all === 0) {
      pool.setConnections(this.#counts);
      return IDLE_SCAN;
    }
    const idle: number[] = [];
    const passing = control.passingOn ? [] as number[] : undefined;
    let hot = 0;
    let seen = 0;
    for (let fd = 0; fd < table.size && seen < all; fd++) {
      const state = table.state(fd);
      if (state === Owner.Free || state === Owner.Lost) continue;
      seen++;
      if (state === Owner.Ready || state === Owner.Busy) this.#counts[table.thread(fd)]++;
      if (state === Owner.Ready) hot += this.#hot(fd, now, table.thread(fd));
      else if (state === Owner.Linger) {
        if (elapsed(now, table.deadline(fd)) >= 0) this.end(fd);
        else this.lingering++;
        continue;
      }
      if (state === Owner.Busy || state === Owner.Queued) continue;
      if (table.state(fd) === Owner.Parked && this.#isOver(fd, now)) this.end(fd);
      else {
        this.idle++;
        if (passing !== undefined && this.#mayMove(fd)) passing.push(fd);
        // A connection that was just accepted has its first request under way.
        if (pressed && !table.reserved(fd)) idle.push(fd);
      }
    }
    pool.setConnections(this.#counts);
    if (passing !== undefined && passing.length > 0) {
      this.#passOn(passing, now);
      return this.idle > 0 ? PASS_ON_SCAN : BUSY_SCAN;
    }
    if (pressed && idle.length > 0) this.#closeOldest(idle);
    if (hot > 0 || pool.busy) return BUSY_SCAN;
    return this.idle + this.lingering > 0 ? PARKED_SCAN : IDLE_SCAN;
  }

  #isOver(fd: number, now: number): boolean {
    const { table, control, pool } = this.parts;
    const late = this.#ending &&
      (control.passingOn && this.#mayMove(fd)
        ? elapsed(now, this.#endingSince) > PASS_ON_MS
        : !pool.able || elapsed(now, table.since(fd)) > END_SOON_MS);
    // Nobody here could answer.
    if (late && !pool.able) return true;
    return (late || elapsed(now, table.deadline(fd)) >= 0) && this.#isSilent(fd);
  }

  /** Nothing of it is in this process but its record. */
  #mayMove(fd: number): boolean {
    const { table, handovers } = this.parts;
    return table.state(fd) === Owner.Parked && table.isMovable(fd) &&
      handovers?.goesOn(table.listener(fd)) === true;
  }

  /** Leaves connections of the listener's to others, as far as they can be taken now. */
  #passOn(fds: readonly number[], now: number): void {
    const { poller, set, table, control, handovers } = this.parts;
    const given = handovers!.give(fds, (fd) => ({
      socket: table.listener(fd),
      served: table.served(fd),
      idle: Math.max(0, elapsed(now, table.since(fd))),
      left: Math.max(0, elapsed(table.deadline(fd), now)),
    }));
    for (const fd of fds.slice(0, given)) {
      poller.remove(set, fd);
      table.setState(fd, Owner.Free);
      control.removeConnection();
      posix.close(fd);
    }
    this.passedOn += given;
    if (given > 0) this.passedOnWithin = elapsed(clock(), this.#endingSince);
    this.idle -= given;
  }

  /** A request that has arrived meanwhile is answered: its client would get a reset for it. */
  #isSilent(fd: number): boolean {
    return !posix.hasInput(fd);
  }

  /** A connection in a thread's set: it is parked when it has cooled down, at once when the thread is stuck or has too many. Returns 1 if it stays. */
  #hot(fd: number, now: number, thread: number): 0 | 1 {
    const { table, control, pool } = this.parts;
    // Others go on with it, unless its first request is under way.
    const leaves = control.passingOn && !table.reserved(fd) && table.isMovable(fd);
    const stays = elapsed(now, table.since(fd)) < HOT_MS && !pool.isBlocked(thread) &&
      !pool.isOverloaded(thread);
    if (stays && !leaves) return 1;
    return this.park(fd) ? 0 : 1;
  }

  /** Ready -> Parked, unless its thread is faster. */
  park(fd: number): boolean {
    const { poller, set, table, pool, setOf } = this.parts;
    const taken = table.take(fd);
    if (taken === undefined) return false;
    poller.remove(setOf(taken.thread), fd);
    if (taken.reserved) pool.returnReserved(taken.thread);
    poller.add(set, fd, Interest.Read);
    return true;
  }

  #closeOldest(idle: number[]): void {
    const { table } = this.parts;
    idle.sort((a, b) => elapsed(table.since(a), table.since(b)));
    for (const fd of idle.slice(0, Math.ceil(idle.length / 16))) {
      if (table.state(fd) === Owner.Ready && !this.park(fd)) continue;
      if (table.state(fd) === Owner.Parked && this.#isSilent(fd)) this.end(fd);
    }
  }
}
