// Which server threads does a process have, and which one gets the next connection? Starts the threads that there is work for, watches
// them, keeps their number right, replaces those that die or hang, and closes what they held.

import { IdleProcessors } from "../../platform/cpu.ts";
import type { ThreadRange } from "../shared/child_order.ts";
import { elapsed } from "../shared/connection_table.ts";
import { freshMemory, maintainThreads, type MaintenanceMemory } from "../rules/maintenance.ts";
import { PooledThread } from "./pooled_thread.ts";
import { ThreadSupply } from "./thread_supply.ts";
import { type ThreadControl, ThreadState } from "../shared/thread_control.ts";
import type { ThreadLink } from "./thread_link.ts";
import type { LogLevel } from "../types.ts";

/** What the pool reports. */
export interface PoolEvents {
  /** So many threads may serve, some of them when they are needed; `started`: those that the pool begins with run, for the first time. */
  onThreads(available: number, started: boolean): void;
  /** A thread died of an uncaught error; it is being replaced. */
  onThreadLost(thread: number, reason: string): void;
  /** A thread is stuck in a handler for longer than HandlerTimeout. It cannot be stopped: its process has to be replaced. */
  onThreadStuck(thread: number): void;
  /** The heap of a thread has stayed above what it may have: `used` bytes. */
  onHeapFull(thread: number, used: number): void;
  /** A thread has ended as it was told to: nobody writes its records any more. */
  onThreadEnded(thread: number): void;
  /** A thread is not started, or has ended, until it is needed: nobody writes its records, and its slots may be had. */
  onThreadAsleep(thread: number): void;
  log(level: LogLevel, ah: string | undefined, message: string): void;
}

/** Everything the pool works with. */
export interface PoolParts {
  readonly control: ThreadControl;
  readonly threads: ThreadRange;
  readonly requestsPerThread: number;
  /** A thread keeps its connection until it is closed. */
  readonly dedicated: boolean;
  /** A thread ends after so many connections; 0: never. */
  readonly quota: number;
  /** The module that a server thread runs. */
  readonly worker: URL;
  /** The link to a thread that is about to start. */
  link(thread: number): ThreadLink;
  /** For the server's part of the thread. */
  readonly program: unknown;
  readonly permissions: Deno.PermissionOptionsObject | undefined;
  /** A thread that answers nothing for this long (ms) is given up; 0: never (HandlerTimeout). */
  readonly handlerTimeout: number;
  readonly events: PoolEvents;
}

/** Spreading starts when this much of a processor is idle while a thread has more to do than it can. */
const IDLE_PROCESSOR = 0.4;
/** How often (ms) the processors are looked at while a thread is saturated. */
const PROCESSORS_EVERY = 200;
/** A thread that dies at start is not replaced faster than this (ms). */
const RESTART_MS = 1000;
/** At the end, threads that are idle have this long (ms) to end. */
const END_MS = 1000;

/** The server threads of one process. */
export class ThreadPool {
  readonly #threads: (PooledThread | undefined)[];
  readonly #memory: MaintenanceMemory = freshMemory();
  readonly #processors = new IdleProcessors();
  readonly #supply: ThreadSupply;
  #alive = 0;
  /** Threads that have become ready so far, successors included. */
  #readied = 0;
  #started = false;
  #spread = false;
  #processorsAt = 0;
  #maintainedAt = 0;
  #closed = false;
  #allEnded: () => void = () => {};

  constructor(readonly parts: PoolParts) {
    this.#threads = new Array(parts.threads.max).fill(undefined);
    this.#supply = new ThreadSupply({
      ...parts,
      start: (thread) => this.#add(thread),
      isWorking: (thread) => this.#isWorking(thread),
      log: (...line) => parts.events.log(...line),
    });
    const { start, warm } = parts.threads;
    for (let i = 0; i < start; i++) {
      if (i < warm) this.#add(i);
      else this.#sleep(i);
    }
  }

  /** The most threads there can be. */
  get threads(): number {
    return this.#threads.length;
  }

  get #present(): PooledThread[] {
    return this.#threads.filter((thread) => thread !== undefined);
  }

  /** Slots that are free on threads that run and are not stuck. */
  get idleSlots(): number {
    const { control, requestsPerThread } = this.parts;
    let idle = 0;
    for (const thread of this.#threads) {
      if (thread === undefined || !this.#accepts(thread)) continue;
      idle += Math.max(0, requestsPerThread - control.load(thread.index));
    }
    return idle;
  }

  /** Slots that are free, or will be as soon as their threads have been started. */
  get slotsToHave(): number {
    return this.idleSlots + this.#supply.size * this.parts.requestsPerThread;
  }

  /** More threads can be started. */
  get mayGrow(): boolean {
    return this.#supply.size > 0;
  }

  /** Threads that serve, and those that would; none before the first has begun. */
  get #available(): number {
    return this.#alive === 0 ? 0 : this.#present.filter(({ lost }) => !lost).length + this.#supply.size;
  }

  /** True while some thread has work. */
  get busy(): boolean {
    return this.#threads.some((thread, i) => thread !== undefined && this.parts.control.load(i) > 0);
  }

  /** How many threads are stuck in a handler, or lost to one. */
  get stuck(): number {
    let stuck = 0;
    for (const thread of this.#threads) {
      if (thread !== undefined && (thread.blockedSince !== 0 || thread.lost)) stuck++;
    }
    return stuck;
  }

  /** True while a thread is stuck in a handler. */
  isBlocked(index: number): boolean {
    const thread = this.#threads[index];
    return thread === undefined || thread.blockedSince !== 0 || thread.lost;
  }

  /** A thread that has served its share gets no more. */
  #accepts(thread: PooledThread): boolean {
    return thread.usable && !this.#isSpent(thread);
  }

  #isSpent(thread: PooledThread): boolean {
    return this.parts.quota > 0 && thread.handed >= this.parts.quota;
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
    for (const thread of this.#threads) {
      if (thread === undefined) continue;
      const load = control.load(thread.index);
      if (load >= requestsPerThread || !this.#accepts(thread)) continue;
      if (!this.#spread && load < Math.max(1, requestsPerThread / 2)) {
        best = thread.index;
        break;
      }
      const connections = Math.max(load, thread.connections);
      if (connections < fewest) [best, fewest] = [thread.index, connections];
    }
    const taken = best >= 0 && control.takeSlot(best, requestsPerThread);
    this.#grow(false);
    return taken ? best : -1;
  }

  /** Another would do better with what comes next. */
  #isWorking(thread: PooledThread): boolean {
    const { control, requestsPerThread } = this.parts;
    const load = control.load(thread.index);
    return load >= Math.max(1, requestsPerThread / 2) || load > 0 && thread.slow ||
      this.#spread && thread.saturated;
  }

  /** Ends a thread that has had nothing to do for long, until it is needed again. */
  #endIdle(now: number): void {
    const idle = this.#started ? this.#supply.idle(this.#present, this.busy, now) : undefined;
    if (idle === undefined) return;
    idle.sleeps = true;
    this.#retire(idle);
  }

  #grow(start: boolean): void {
    if (this.#supply.size > 0 && !this.#closed) this.#supply.grow(this.#threads, start);
  }

  #sleep(index: number): void {
    this.#supply.sleep(index);
    this.parts.events.onThreadAsleep(index);
  }

  /** What a look through the table found: how many connections each thread has. */
  setConnections(counts: Int32Array): void {
    for (const thread of this.#present) thread.connections = counts[thread.index];
  }

  /** True when a thread has too much to do while another has not: its idle connections are better off elsewhere. */
  isOverloaded(index: number): boolean {
    return this.#spread && this.#threads[index]?.saturated === true &&
      this.#present.some((thread) => !thread.saturated && thread.usable);
  }

  /** Hands a connection to a thread whose slot pick() has taken. */
  hand(connection: number, index: number): void {
    const thread = this.#threads[index]!;
    thread.connections++;
    thread.handed++;
    thread.link.hand(connection);
  }

  /** Gives back a slot that was taken for a connection which the thread will not see. */
  returnReserved(thread: number): void {
    this.parts.control.returnSlot(thread);
  }

  /** True while some thread may serve again, at once or when its handler comes back. */
  get able(): boolean {
    return this.#present.some(({ lost }) => !lost);
  }

  /** Looks after the threads: which are stuck, saturated or slow; how many there should be. Called every few tens of milliseconds while there is work. */
  observe(now: number): void {
    const { dedicated, handlerTimeout } = this.parts;
    for (const thread of this.#present) {
      if (!thread.running) continue;
      thread.observe(now, dedicated);
      if (thread.isStuck(now, handlerTimeout)) this.#giveUp(thread);
      else if (this.#isSpent(thread)) this.#retire(thread);
    }
    this.#decideSpread(now);
    if (elapsed(now, this.#maintainedAt) >= this.parts.threads.interval) {
      this.#maintainedAt = now;
      this.#maintain();
    }
    if (this.busy || this.idleSlots === 0) this.#grow(true);
    this.#endIdle(now);
  }

  #decideSpread(now: number): void {
    const present = this.#present;
    if (present.some(({ slow }) => slow)) this.#spread = true;
    else if (!present.some(({ saturated }) => saturated)) this.#spread = false;
    else if (elapsed(now, this.#processorsAt) >= PROCESSORS_EVERY) {
      this.#processorsAt = now;
      this.#spread = this.#processors.measure() > IDLE_PROCESSOR;
    }
  }

  /** Starts or ends threads, where their number follows the load. */
  #maintain(): void {
    const { threads, control, events } = this.parts;
    if (threads.rule === "fixed" || control.stopping || !this.#started) return;
    const present = this.#present;
    const idle = present.filter((thread) => !thread.lost && control.load(thread.index) === 0);
    const asleep = this.#supply.size;
    const there = present.length + asleep;
    const { start, end, log } = maintainThreads(
      { idle: idle.length + asleep, free: this.#threads.length - there, total: there },
      threads,
      this.#memory,
    );
    if (log !== undefined) events.log(log.level, log.ah, log.message);
    for (let i = 0; i < start; i++) {
      this.#sleep(this.#threads.findIndex((thread, i) => !thread && !this.#supply.has(i)));
    }
    if (end === 0) return;
    const sleeper = this.#supply.drop();
    const last = idle.filter(({ running }) => running).at(-1);
    if (sleeper !== undefined) {
      events.onThreadEnded(sleeper);
    } else if (last !== undefined) this.#retire(last);
  }

  #add(index: number): void {
    const { link, control } = this.parts;
    const thread = new PooledThread(index, link(index), control);
    this.#threads[index] = thread;
    control.beginThread(index);
    this.#start(thread);
  }

  /** Ends a thread that has nothing in hand; one that has is asked again later. */
  #retire(thread: PooledThread): void {
    const { control } = this.parts;
    if (control.load(thread.index) > 0) return;
    control.setState(thread.index, ThreadState.Retiring);
    thread.link.ping();
  }

  #start(thread: PooledThread): void {
    const { worker: module, program, permissions } = this.parts;
    const { index } = thread;
    const worker = new Worker(module, { type: "module", name: `thread ${index}`, deno: { permissions } });
    thread.worker = worker;
    // What a thread says when it has been replaced is not about its successor.
    worker.onmessage = ({ data }) => {
      if (thread.worker === worker) this.#onMessage(thread, data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (thread.worker === worker) this.#lose(thread, event.message);
    };
    thread.link.attach(worker);
    worker.postMessage({ ...thread.link.order(), program });
  }

  #onMessage(thread: PooledThread, message: unknown): void {
    const { events, threads } = this.parts;
    if (message === "lost") return this.#lose(thread, "it has ended itself");
    if (message === "ended") return this.#end(thread);
    if (isHeapMessage(message)) return events.onHeapFull(thread.index, message.heapUsed);
    if (message !== "ready") return thread.link.onMessage(message);
    this.#alive++;
    const started = ++this.#readied >= Math.min(threads.start, threads.warm) && !this.#started;
    if (started) this.#started = true;
    this.#grow(false);
    events.onThreads(this.#available, started);
  }

  /** A thread has ended as it was told to. */
  #end(thread: PooledThread): void {
    thread.worker?.terminate();
    thread.worker = undefined;
    thread.link.close();
    this.parts.control.setState(thread.index, ThreadState.Absent);
    this.#threads[thread.index] = undefined;
    this.#alive--;
    if (thread.sleeps && !this.#closed) this.#sleep(thread.index);
    else this.parts.events.onThreadEnded(thread.index);
    if (!this.#closed) this.parts.events.onThreads(this.#available, false);
    else if (!this.#present.some(({ lost }) => !lost)) this.#allEnded();
  }

  /** The thread is gone: closes what it held, and starts another in its place. */
  #lose(thread: PooledThread, reason: string): void {
    if (thread.lost) return;
    const early = this.parts.control.state(thread.index) === ThreadState.Starting;
    thread.lost = true;
    if (!early) this.#alive--;
    thread.worker?.terminate();
    this.parts.events.onThreadLost(thread.index, reason);
    setTimeout(() => this.#replace(thread), early ? RESTART_MS : 0);
  }

  /** A thread that computes cannot be interrupted (Worker.terminate() waits for its event loop). */
  #giveUp(thread: PooledThread): void {
    thread.lost = true;
    thread.link.giveUp();
    this.parts.events.onThreadStuck(thread.index);
  }

  #replace(thread: PooledThread): void {
    if (this.#closed) return;
    this.parts.control.beginThread(thread.index);
    thread.succeed();
    this.#start(thread);
  }

  /**
   * The last connection is closed: ends all threads, and waits for it a moment: they may have log lines to write. A thread that
   * was given up keeps what it holds until the process ends.
   */
  async close(): Promise<void> {
    this.#closed = true;
    const done = new Promise<void>((resolve) => this.#allEnded = resolve);
    for (const thread of this.#present) {
      if (thread.lost) thread.worker?.terminate();
      else if (thread.running) this.#retire(thread);
      else this.#end(thread);
    }
    if (!this.#present.some(({ lost }) => !lost)) return;
    const timer = setTimeout(this.#allEnded, END_MS);
    await done;
    clearTimeout(timer);
  }
}

function isHeapMessage(message: unknown): message is { readonly heapUsed: number } {
  return typeof message === "object" && message !== null && "heapUsed" in message;
}
