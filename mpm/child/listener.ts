// What does a child's main thread do? It accepts, hands connections to server threads, and keeps the idle ones.
//
// It touches a connection when it is accepted, when it wakes up from being parked and when it ends; the requests of a busy
// connection pass it by. A child accepts only while one of its slots is free: what it cannot take waits in the accept queue
// that all children share, and another child takes it.

import { setImmediate } from "node:timers";
import * as posix from "../../platform/posix.ts";
import { Interest, type Poller } from "../../platform/poller.ts";
import { AcceptWatch } from "./accept_watch.ts";
import type { Handovers } from "./handovers.ts";
import { Intake, type ListenerEvents, type ListenerPolicy } from "./intake.ts";
import type { Remaining, ServingOrder } from "../shared/child_order.ts";
import { clock, type ConnectionTable, elapsed, Owner } from "../shared/connection_table.ts";
import { ChildField, GlobalField, type Scoreboard } from "../shared/scoreboard.ts";
import { LINGER_MS, MAX_LINGER_MS } from "../thread/socket_connection.ts";
import { BUSY_SCAN, IdleKeeper } from "./idle_keeper.ts";
import { SlotQueue } from "./slot_queue.ts";
import type { ThreadPool } from "./thread_pool.ts";
import type { ThreadControl } from "../shared/thread_control.ts";
import { childUsage, type UsageReport } from "./usage_report.ts";

/** What accepts connections for a pool of threads. */
export interface Accepting {
  /** Accepts and dispatches until stop() has been called and the last connection is closed. @throws BindError */
  run(pool: ThreadPool): Promise<void>;
  /**
   * Graceful end: no more connections are accepted, but those that wait at sockets that are not among the remaining ones
   * (without them: none); those that exist are finished, or where there are heirs left to them as soon as they are idle.
   */
  stop(remaining?: Remaining, heirs?: boolean): void;
  /** Makes run() look around at once. */
  wake(): void;
}

/** Everything the listener works with. */
export interface ListenerParts {
  readonly poller: Poller;
  readonly set: number;
  readonly wake: { readonly read: number; readonly write: number };
  readonly table: ConnectionTable;
  readonly control: ThreadControl;
  /** The interest set of a thread. */
  setOf(thread: number): number;
  readonly scoreboard: Scoreboard;
  /** Index of this child's record in the scoreboard. */
  readonly child: number;
  readonly sockets: ServingOrder["sockets"];
  /** The bell that wakes another child; undefined: there is none. */
  readonly bell: number | undefined;
  /** How connections come from children that end, and go to others; undefined: they do not. */
  readonly handovers: Handovers | undefined;
  readonly generation: number;
}

/** While there is work the thread itself waits this long (ms) in the kernel before it goes to sleep off-thread. */
const NEAR_WAIT = 2;
const NEAR_WAITS = 3;
const SLEEP_MS = 1000;
/** Idle connections are closed for others that have waited this long (ms). */
const PRESSED_MS = 100;
/** At least this often (ms) the control channel and the threads' messages get their turn. */
const TURN_EVERY = 10;

/** The listener of one child. */
export class Listener implements Accepting {
  readonly #intake: Intake;
  readonly #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(32768);
  #idle!: IdleKeeper;
  #pool!: ThreadPool;
  readonly #watch: AcceptWatch;
  readonly #queue = new SlotQueue();
  #stopped: (() => void) | undefined;
  readonly #usage: UsageReport;
  readonly #events: ListenerEvents;
  #ticks = 0;
  #nextTick = 0;
  #ended = false;
  /** Since when connections have been kept out by those that are here, at each look. */
  #pressedSince: number | undefined = undefined;
  /** It is woken for connections of other children. */
  #takesOver = false;

  constructor(
    readonly parts: ListenerParts,
    policy: ListenerPolicy,
    events: ListenerEvents,
  ) {
    this.#events = events;
    this.#usage = childUsage(parts.scoreboard, parts.child);
    this.#watch = new AcceptWatch(parts.poller, parts.set, parts.sockets.map(({ fd }) => fd), parts.bell);
    this.#intake = new Intake(parts, policy, {
      onTaken: (now) => this.#lookSoon(now),
      onClosing: (fd) => this.#watch.forget(fd),
      ...events,
    });
    parts.poller.add(parts.set, parts.wake.read, Interest.Read);
  }

  async run(pool: ThreadPool): Promise<void> {
    const { poller, set } = this.parts;
    this.#pool = pool;
    this.#idle = new IdleKeeper({ ...this.parts, pool });
    this.#intake.begin(pool, this.#idle);
    if (this.parts.control.stopping) this.#idle.endSoon();
    this.#seeToHandovers();
    const done = new Promise<void>((resolve) => this.#stopped = resolve);
    let quiet = 0;
    let lastTurn = performance.now();
    while (!this.#ended) {
      const n = poller.wait(set, quiet < NEAR_WAITS ? NEAR_WAIT : 0);
      if (n > 0) this.#serve(n);
      this.#dispatchQueued();
      const now = clock();
      this.#tick(now);
      this.#accept(this.#intake.mayTake);
      this.#seeToSlots(now);
      if (this.#stopIsComplete()) break;
      quiet = n > 0 ? 0 : quiet + 1;
      if (quiet > NEAR_WAITS) {
        await poller.waitOffThread(set, Math.max(1, Math.min(SLEEP_MS, elapsed(this.#nextTick, clock()))));
        quiet = 0;
      } else if (performance.now() - lastTurn > TURN_EVERY) await turn();
      else continue;
      lastTurn = performance.now();
    }
    const { passedOn, passedOnWithin } = this.#idle;
    if (passedOn > 0) this.#events.onPassedOn(passedOn, passedOnWithin);
    this.#stopped?.();
    await done;
  }

  stop(remaining?: Remaining, heirs = false): void {
    const { control, handovers } = this.parts;
    handovers?.endWith(remaining);
    if (heirs && handovers !== undefined) control.passOn();
    control.stop();
    this.#seeToHandovers();
    this.#accept(false);
    this.#watch.leave();
    this.#intake.stop(remaining);
    // Before run() there is nothing that could be idle.
    if (this.#idle !== undefined) {
      this.#idle.endSoon();
      this.#intake.takeFromAll();
    }
    this.#nextTick = clock();
    this.wake();
  }

  wake(): void {
    posix.write(this.parts.wake.write, this.#buffer.subarray(0, 1));
  }

  #serve(n: number): void {
    const { poller, table, wake } = this.parts;
    const { ready } = poller;
    for (let i = 0; i < n; i++) {
      const fd = ready[i];
      if (this.#intake.has(fd)) this.#intake.takeFrom(fd);
      else if (fd === this.parts.handovers?.fd) this.#takeOver();
      else if (fd === wake.read) posix.drain(fd, this.#buffer);
      else if (this.#watch.heard(fd)) this.#intake.takeFromAll();
      else if (table.state(fd) === Owner.Parked) this.#wakeUp(fd);
      else if (table.state(fd) === Owner.Linger) this.#drainLingering(fd);
    }
  }

  /** Some child leaves its idle connections to whoever takes them. */
  #takeOver(): void {
    if (this.#seeToHandovers()) this.#intake.takeOver();
    // Parked connections have to be looked at.
    this.#lookSoon(clock());
  }

  /** Connections of others are for those who go on: of the generation that is in force, and with room for them. Returns whether this child does. */
  #seeToHandovers(): boolean {
    const { poller, set, control, handovers, scoreboard, generation } = this.parts;
    if (handovers === undefined) return false;
    const on = !control.stopping && this.#intake.mayTakeOver &&
      scoreboard.global(GlobalField.Generation) === generation;
    if (on === this.#takesOver) return on;
    this.#takesOver = on;
    if (on) poller.add(set, handovers.fd, Interest.Read | Interest.Exclusive);
    else poller.remove(set, handovers.fd);
    return on;
  }

  /** A parked connection has input: it goes to a thread with a free slot, or waits for one. */
  #wakeUp(fd: number): void {
    const { poller, set, table } = this.parts;
    const pool = this.#pool;
    poller.remove(set, fd);
    this.#lookSoon(clock());
    const thread = this.#queue.length === 0 ? pool.pick() : -1;
    if (thread >= 0) return pool.hand(fd, thread);
    table.setState(fd, Owner.Queued);
    this.#queue.push(fd, clock());
  }

  /** A thread has work: whether it gets stuck is worth a look soon. */
  #lookSoon(now: number): void {
    if (elapsed(this.#nextTick, now) > BUSY_SCAN) this.#nextTick = now + BUSY_SCAN;
  }

  #dispatchQueued(): void {
    const { control } = this.parts;
    const pool = this.#pool;
    while (this.#queue.length > 0) {
      if (this.#queue.takeOutsideTurn()) this.#intake.takeFromAll(1);
      const thread = pool.pick();
      // Nobody will ever serve it here: the client may try again, with another child.
      if (thread < 0 && control.stopping && !pool.able) this.#idle.end(this.#queue.shift()!);
      if (thread < 0) return;
      pool.hand(this.#queue.shift()!, thread);
    }
  }

  /** Whoever waits for a slot is told when one becomes free, and does not wait for ever. */
  #seeToSlots(now: number): void {
    const { control } = this.parts;
    if (this.#watch.on && this.#queue.length === 0) return control.setUnfair(false);
    const full = this.#pool.idleSlots === 0;
    control.setUnfair(full && this.#queue.isUnfair(now));
    control.setListenerWaits(true);
    // One that became free between the look at it and this request would wake nobody.
    if (full ? this.#pool.idleSlots > 0 : this.#queue.length > 0 || this.#intake.mayTake) this.wake();
  }

  #drainLingering(fd: number): void {
    const n = posix.receive(fd, this.#buffer);
    const { table } = this.parts;
    const now = clock();
    if (n > 0 && elapsed(now, table.since(fd)) < MAX_LINGER_MS) return table.setDeadline(fd, now + LINGER_MS);
    if (n === -posix.Errno.EAGAIN || n === -posix.Errno.EINTR) return;
    this.#idle.end(fd);
  }

  /** Is woken for connections, or no more. */
  #accept(on: boolean): void {
    if (on === this.#watch.on) return;
    // The slot that has become free is for whoever has been waiting, before a thread takes it for a busy connection.
    if (on && this.#queue.outsideWaits) {
      this.#intake.takeFromAll();
      on = this.#intake.mayTake;
      if (!on) return this.#queue.seeOutside(this.#watch.someoneWaits(), clock());
    }
    this.#showAccepting(on);
    if (on) this.#watch.begin();
    else this.#watch.end();
    this.#queue.seeOutside(!on && this.#watch.someoneWaits(), clock());
  }

  /** One that starts threads for whoever waits is not full. */
  #showAccepting(on: boolean): void {
    const { scoreboard, child } = this.parts;
    scoreboard.setChild(child, ChildField.NotAccepting, on || this.#pool.mayGrow ? 0 : 1);
  }

  #tick(now: number): void {
    const { control, scoreboard, child } = this.parts;
    const pool = this.#pool;
    if (elapsed(now, this.#nextTick) < 0) return;
    pool.observe(now);
    // A child that was woken for a connection and died, or was stopped, before it took it has told nobody.
    if (this.#seeToHandovers()) this.#intake.takeOver();
    if (this.#watch.on) this.#intake.takeFromAll();
    else this.#queue.seeOutside(this.#watch.someoneWaits(), now);
    // Without a free slot it is work that keeps new connections out, not the number of idle ones. The limit falls with every slot in
    // use: that many requests come at the same time is no reason to close anything while nobody wants to come in.
    const idleSlots = pool.idleSlots;
    const pressed = !control.stopping && idleSlots > 0 &&
      this.#intake.isPressed(now) &&
      this.#watch.someoneWaits(true);
    // Whoever comes just now another child takes, if there is one with room.
    if (!pressed) this.#pressedSince = undefined;
    else this.#pressedSince ??= now;
    const next = this.#idle.scan(now, pressed && elapsed(now, this.#pressedSince!) >= PRESSED_MS);
    this.#nextTick = now + next;
    scoreboard.setChild(child, ChildField.Connections, control.connections);
    scoreboard.setChild(child, ChildField.KeepAlive, this.#idle.idle);
    scoreboard.setChild(child, ChildField.LingeringClose, this.#idle.lingering);
    scoreboard.setChild(child, ChildField.WriteCompletion, control.writing);
    scoreboard.setChild(child, ChildField.Accepted, this.#intake.taken);
    scoreboard.setChild(child, ChildField.Beat, ++this.#ticks);
    this.#showAccepting(this.#watch.on);
    scoreboard.setChild(child, ChildField.ThreadsStuck, pool.stuck);
    this.#usage.publish(now);
  }

  #stopIsComplete(): boolean {
    const { control } = this.parts;
    const served = !this.#intake.open || !this.#pool.able;
    if (control.stopping && control.connections === 0 && served) this.#ended = true;
    return this.#ended;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
