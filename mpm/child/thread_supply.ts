// Which threads of a pool are started, and when? Those that are asleep are there for the pool's rules; they are started when they are needed, as long
// as there is memory for them, and one that had nothing to do for long goes back to sleep.

import { processorCount } from "../../platform/detect.ts";
import { memoryRoom } from "../../platform/memory_limit.ts";
import { Cost, mayGrow, megabytes } from "../rules/memory_rules.ts";
import { threadsToStart } from "../rules/threads_on_demand.ts";
import type { ThreadRange } from "../shared/child_order.ts";
import { clock, elapsed } from "../shared/connection_table.ts";
import { type ThreadControl, ThreadState } from "../shared/thread_control.ts";
import type { LogLevel } from "../types.ts";
import type { PooledThread } from "./pooled_thread.ts";

/** What it works with. */
export interface SupplyParts {
  readonly control: ThreadControl;
  readonly threads: ThreadRange;
  readonly requestsPerThread: number;
  readonly dedicated: boolean;
  start(thread: number): void;
  /** Another would do better with what comes next. */
  isWorking(thread: PooledThread): boolean;
  log(level: LogLevel, ah: string | undefined, message: string): void;
}

/** A dedicated thread that stands still for so long (ms) is taken for blocked: while it waits for its client in recv() it moves more often. */
const BLOCKED_MS = 60;
/** Threads with room for work, where several connections share one: the next that computes for long leaves another. */
const SHARED_SPARE = 2;
/** After it was found that there is no memory, it is looked again so often (ms). */
const MEMORY_EVERY = 1000;

export class ThreadSupply {
  readonly #asleep = new Set<number>();
  /** Each start takes a processor for a moment. */
  readonly #startsAtOnce = processorCount();
  #memoryAt: number | undefined;
  #saidShort = false;

  constructor(readonly parts: SupplyParts) {}

  /** How many are asleep. */
  get size(): number {
    return this.#asleep.size;
  }

  has(thread: number): boolean {
    return this.#asleep.has(thread);
  }

  /** The thread is started when it is needed. */
  sleep(thread: number): void {
    this.#asleep.add(thread);
  }

  /** One that is asleep is there no more; undefined: none is. */
  drop(): number | undefined {
    if (this.#asleep.size === 0) return undefined;
    const last = Math.max(...this.#asleep);
    this.#asleep.delete(last);
    if (this.#asleep.size === 0) this.parts.control.setYielding(false);
    return last;
  }

  /**
   * Sees to it that threads are there for the work there is. `start`: they are started. Asked before a connection is handed over too, without: its
   * thread knows then that others wait; a burst is over by the next look, mostly, and starts would take the processors from it.
   */
  grow(threads: readonly (PooledThread | undefined)[], start: boolean): void {
    const { control, dedicated, requestsPerThread } = this.parts;
    if (this.#asleep.size === 0) return;
    const now = clock();
    let [running, free, blocked, starting] = [0, 0, 0, 0];
    for (const thread of threads) {
      if (thread === undefined) continue;
      if (thread.running) running++;
      if (!thread.lost && control.state(thread.index) === ThreadState.Starting) starting++;
      else if (thread.lost || thread.blockedSince !== 0 && (!dedicated || thread.isStuck(now, BLOCKED_MS))) {
        blocked++;
      } else if (thread.usable && !this.parts.isWorking(thread)) free++;
    }
    if (dedicated) {
      // Each connection is to have a thread of its own, in the end: those that others wait for are no spare ones.
      control.setYielding(free === 0 || control.connections >= running);
      free = Math.min(free, Math.max(0, running - control.connections));
    }
    if (!start) return;
    const spare = requestsPerThread === 1 ? 1 : SHARED_SPARE;
    const demand = { free, blocked, starting, asleep: this.#asleep.size };
    const missing = threadsToStart(demand, { spare, startsAtOnce: this.#startsAtOnce });
    for (let i = 0; i < missing && this.#fits(now); i++) {
      const index = Math.min(...this.#asleep);
      this.#asleep.delete(index);
      this.parts.start(index);
    }
    if (this.#asleep.size === 0) control.setYielding(false);
  }

  /** There is memory for one more. */
  #fits(now: number): boolean {
    if (this.#memoryAt !== undefined && elapsed(now, this.#memoryAt) < MEMORY_EVERY) return false;
    const room = memoryRoom();
    if (mayGrow(Cost.Thread, room)) {
      this.#memoryAt = undefined;
      return true;
    }
    this.#memoryAt = now;
    if (!this.#saidShort) {
      const { dedicated, log } = this.parts;
      log(
        "alert",
        dedicated ? "AH03142" : "AH03104",
        `unable to create worker thread: ${megabytes(room!.left)} of the ${room!.of}'s ${
          megabytes(room!.limit)
        } of memory are ` +
          "left; requests wait for the threads that there are",
      );
    }
    this.#saidShort = true;
    return false;
  }

  /** The last thread that has had nothing to do for so long that it may sleep, if any has; `busy`: there is work. */
  idle(threads: readonly PooledThread[], busy: boolean, now: number): PooledThread | undefined {
    const { warm, idleTimeout } = this.parts.threads;
    if (idleTimeout === 0) return undefined;
    let running = 0;
    let last: PooledThread | undefined;
    for (const thread of threads) {
      if (!thread.running) continue;
      running++;
      thread.observeWork(now);
      if (elapsed(now, thread.idleSince) > idleTimeout) last = thread;
    }
    // While there is work a spare one is kept.
    return running > (busy ? Math.max(warm, 2) : warm) ? last : undefined;
  }
}
