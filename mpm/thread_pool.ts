// Which server threads does a child have, and which one gets the next connection? Starts the threads, watches them, replaces
// those that die or hang, and closes what they held.

import { IdleProcessors } from "../platform/cpu.ts";
import * as posix from "../platform/posix.ts";
import { Interest, type Poller } from "../platform/poller.ts";
import { type ConnectionTable, elapsed, Owner } from "./connection_table.ts";
import type { ThreadOrder } from "./server_thread.ts";
import { type ThreadControl, ThreadState } from "./thread_control.ts";

/** What the pool reports to the child's main program. */
export interface PoolEvents {
  /** A thread is ready; all of them the first time when `alive` reaches the number of threads. */
  onThreadReady(thread: number, alive: number): void;
  /** A thread died of an uncaught error; it is being replaced. */
  onThreadLost(thread: number, reason: string): void;
  /** A thread is stuck in a handler for longer than HandlerTimeout. It cannot be stopped: the child has to be replaced. */
  onThreadStuck(thread: number): void;
  /** Log lines and other messages of a thread. */
  onMessage(data: unknown): void;
}

/** Everything the pool works with. */
export interface PoolParts {
  readonly poller: Poller;
  readonly table: ConnectionTable;
  readonly control: ThreadControl;
  readonly threads: number;
  readonly requestsPerThread: number;
  /** The module that a server thread runs. */
  readonly program: URL;
  /** What a thread is told; `program` data of the server goes with it. */
  order(thread: number, set: number, wakeRead: number): ThreadOrder & { readonly program: unknown };
  /** A thread that answers nothing for this long (ms) is given up; 0: never (HandlerTimeout). */
  readonly handlerTimeout: number;
  readonly events: PoolEvents;
}

interface Thread {
  worker: Worker;
  set: number;
  readonly wake: { readonly read: number; readonly write: number };
  beat: number;
  waits: number;
  pinged: boolean;
  blockedSince: number;
  saturated: boolean;
  slow: boolean;
  lost: boolean;
  /** Connections it has, as of the last look through the table. */
  connections: number;
}

/** A batch longer than this (ms) means handlers that compute: connections are spread then, not packed. */
const SLOW_BATCH = 25;
/** Spreading starts when this much of a processor is idle while a thread has more to do than it can. */
const IDLE_PROCESSOR = 0.4;
/** How often (ms) the processors are looked at while a thread is saturated. */
const PROCESSORS_EVERY = 200;
/** A thread that dies at start is not replaced faster than this (ms). */
const RESTART_MS = 1000;

/** The server threads of one child. */
export class ThreadPool {
  readonly #threads: Thread[] = [];
  readonly #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(1);
  #alive = 0;
  #spread = false;
  readonly #processors = new IdleProcessors();
  #processorsAt = 0;

  constructor(readonly parts: PoolParts) {
    for (let thread = 0; thread < parts.threads; thread++) {
      const set = parts.poller.create();
      const wake = posix.createWakePipe();
      parts.poller.add(set, wake.read, Interest.Read);
      this.#threads.push({
        worker: this.#start(thread, set, wake.read),
        set,
        wake,
        beat: 0,
        waits: 0,
        pinged: false,
        blockedSince: 0,
        saturated: false,
        slow: false,
        lost: false,
        connections: 0,
      });
    }
  }

  get threads(): number {
    return this.parts.threads;
  }

  get slots(): number {
    return this.parts.threads * this.parts.requestsPerThread;
  }

  /** Slots that are free on threads that run and are not stuck. */
  get idleSlots(): number {
    const { control, requestsPerThread } = this.parts;
    let idle = 0;
    for (let i = 0; i < this.#threads.length; i++) {
      if (this.#usable(i)) idle += Math.max(0, requestsPerThread - control.load(i));
    }
    return idle;
  }

  /** True while some thread has work. */
  get busy(): boolean {
    return this.#threads.some((_, i) => this.parts.control.load(i) > 0);
  }

  /** The interest set of a thread. */
  set(thread: number): number {
    return this.#threads[thread].set;
  }

  /** True while a thread is stuck in a handler. */
  isBlocked(thread: number): boolean {
    return this.#threads[thread].blockedSince !== 0 || this.#threads[thread].lost;
  }

  #usable(thread: number): boolean {
    const { blockedSince, lost } = this.#threads[thread];
    return blockedSince === 0 && !lost && this.parts.control.state(thread) === ThreadState.Running;
  }

  /**
   * Takes a slot for one connection and says of which thread; -1: none is free. Short work is kept together on the first
   * thread that has room (one warm thread beats two that wake each other up) until that thread is saturated and there is a
   * processor for another; then the thread with the fewest connections gets it.
   */
  pick(): number {
    const { control, requestsPerThread } = this.parts;
    let best = -1;
    let fewest = Infinity;
    for (let i = 0; i < this.#threads.length; i++) {
      const load = control.load(i);
      if (load >= requestsPerThread || !this.#usable(i)) continue;
      if (!this.#spread && load < Math.max(1, requestsPerThread / 2)) {
        best = i;
        break;
      }
      const connections = Math.max(load, this.#threads[i].connections);
      if (connections < fewest) [best, fewest] = [i, connections];
    }
    return best >= 0 && control.takeSlot(best, requestsPerThread) ? best : -1;
  }

  /** What a look through the table found: how many connections each thread has. */
  setConnections(counts: Int32Array): void {
    for (const [i, thread] of this.#threads.entries()) thread.connections = counts[i];
  }

  /** True when a thread has too much to do while another has not: its idle connections are better off elsewhere. */
  isOverloaded(thread: number): boolean {
    return this.#spread && this.#threads[thread].saturated &&
      this.#threads.some(({ saturated }, i) => !saturated && this.#usable(i));
  }

  /** Hands a connection to a thread whose slot pick() has taken. */
  hand(fd: number, thread: number): void {
    const { poller, table } = this.parts;
    table.hand(fd, thread);
    this.#threads[thread].connections++;
    poller.add(this.#threads[thread].set, fd, Interest.Read);
  }

  /** Gives back a slot that was taken for a connection which the thread will not see. */
  returnReserved(thread: number): void {
    this.parts.control.returnSlot(thread);
  }

  /** Looks after the threads: which are stuck, saturated or slow. Called every few tens of milliseconds while there is work. */
  observe(now: number): void {
    const { control, handlerTimeout } = this.parts;
    for (let i = 0; i < this.#threads.length; i++) {
      const thread = this.#threads[i];
      if (thread.lost || control.state(i) !== ThreadState.Running) continue;
      const waits = control.waits(i);
      thread.saturated = waits === thread.waits && control.beat(i) !== thread.beat;
      thread.waits = waits;
      thread.slow = control.takeLongest(i) >= SLOW_BATCH || thread.blockedSince !== 0;
      const beat = control.beat(i);
      if (beat !== thread.beat) {
        thread.beat = beat;
        thread.pinged = false;
        thread.blockedSince = 0;
      } else if (!thread.pinged) {
        // It may just be asleep: a thread that can answers this.
        thread.pinged = true;
        posix.write(thread.wake.write, this.#buffer);
      } else {
        if (thread.blockedSince === 0) thread.blockedSince = now;
        else if (handlerTimeout > 0 && elapsed(now, thread.blockedSince) > handlerTimeout) {
          this.#giveUp(i);
        }
      }
    }
    this.#decideSpread(now);
  }

  #decideSpread(now: number): void {
    if (this.#threads.some(({ slow }) => slow)) this.#spread = true;
    else if (!this.#threads.some(({ saturated }) => saturated)) this.#spread = false;
    else if (elapsed(now, this.#processorsAt) >= PROCESSORS_EVERY) {
      this.#processorsAt = now;
      this.#spread = this.#processors.measure() > IDLE_PROCESSOR;
    }
  }

  #start(thread: number, set: number, wakeRead: number): Worker {
    const { program, control, events, order } = this.parts;
    control.resetThread(thread);
    const worker = new Worker(program, { type: "module", name: `thread ${thread}` });
    worker.onmessage = ({ data }) => {
      if (data === "lost") return this.#lose(thread, "its loop has ended");
      if (data !== "ready") return events.onMessage(data);
      this.#alive++;
      events.onThreadReady(thread, this.#alive);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#lose(thread, event.message);
    };
    worker.postMessage(order(thread, set, wakeRead));
    return worker;
  }

  /** The thread is gone or hopeless: ends it, closes what it held, and starts another in its place. */
  #lose(index: number, reason: string): void {
    const { control, events } = this.parts;
    const thread = this.#threads[index];
    if (thread.lost) return;
    thread.lost = true;
    if (control.state(index) === ThreadState.Running) this.#alive--;
    const early = control.state(index) === ThreadState.Starting;
    thread.worker.terminate();
    events.onThreadLost(index, reason);
    setTimeout(() => this.#replace(index), early ? RESTART_MS : 0);
  }

  /**
   * A thread that computes cannot be interrupted (Worker.terminate() waits for its event loop). Its clients are told at once
   * that there will be no answer; their descriptors stay reserved until the process ends, for the thread may yet wake up.
   */
  #giveUp(index: number): void {
    const { table, control, events } = this.parts;
    this.#threads[index].lost = true;
    for (let fd = 0; fd < table.size; fd++) {
      if (
        table.state(fd) !== Owner.Busy || table.thread(fd) !== index || !table.finish(fd, index, Owner.Lost)
      ) continue;
      posix.shutdownBoth(fd);
      control.removeConnection();
    }
    events.onThreadStuck(index);
  }

  /** True while some thread may serve again, at once or when its handler comes back. */
  get able(): boolean {
    return this.#threads.some(({ lost }) => !lost);
  }

  #replace(index: number): void {
    const { poller, table, control } = this.parts;
    const thread = this.#threads[index];
    const orphans: number[] = [];
    for (let fd = 0; fd < table.size; fd++) {
      const state = table.state(fd);
      if ((state === Owner.Ready || state === Owner.Busy) && table.thread(fd) === index) orphans.push(fd);
    }
    const set = poller.create();
    poller.add(set, thread.wake.read, Interest.Read);
    for (const fd of orphans) {
      if (table.state(fd) === Owner.Busy) {
        table.setState(fd, Owner.Free);
        control.removeConnection();
        posix.close(fd);
      } else {
        // Nothing was in hand: the successor serves it.
        poller.add(set, fd, Interest.Read);
      }
    }
    posix.close(thread.set);
    thread.set = set;
    thread.beat = 0;
    thread.pinged = false;
    thread.blockedSince = 0;
    thread.lost = false;
    thread.worker = this.#start(index, set, thread.wake.read);
    // Slots reserved for connections that wait in the set are the successor's.
    for (const fd of orphans) {
      if (table.state(fd) === Owner.Ready && table.reserved(fd)) control.takeSlot(index, Infinity);
    }
  }

  /** Ends all threads at once. */
  terminate(): void {
    for (const { worker } of this.#threads) worker.terminate();
  }
}
