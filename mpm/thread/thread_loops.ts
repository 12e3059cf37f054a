// How does a server thread spend its days? Three loops, one per way in which connections come to threads.
//
// Shared (event): take what is ready, serve the batch, see to timers, wait. Dedicated (worker, winnt, netware, os2): wait for
// a connection, then wait in recv() for its client until it is closed. Accepting (prefork): the same, and the thread, which is
// a process of its own, waits in accept() too.

import { setImmediate } from "node:timers";
import * as posix from "../../platform/posix.ts";
import { Interest } from "../../platform/poller.ts";
import { clock } from "../shared/connection_table.ts";
import type { Handovers } from "../child/handovers.ts";
import type { Remaining, ServingOrder } from "../shared/child_order.ts";
import type { ThreadProgram } from "../shared/transport.ts";
import type { ServerThread } from "./server_thread.ts";

/** At least this often (ms) the event loop gets a turn and log lines are written; and where an application may use it for more than requests. */
const TURN_EVERY = 10;
const APPLICATION_TURN_EVERY = 2;
/** A thread with an application that has had work sleeps in the kernel, for slices of a turn, this long (ms); then it waits off-thread. */
const WARM_MS = 50;
/**
 * Promises of handlers that need nothing but each other have this many microtasks; the others need the event loop. What an application does
 * beside its answers has a few of every batch.
 */
const SETTLE_TICKS = 16;
const LEAST_TICKS = 2;
/** How long (ms) a thread whose handlers wait for the event loop looks for input before it waits off-thread. */
const SPIN_MS = 0.06;
/** A blocking call gives up after this long (ms), so that timers, the control channel and the end get their chance. */
export const SLICE_MS = 50;
/** When a thread ends, a connection that sleeps has this long (ms) for a request that may be under way. */
const HURRY_MS = 1000;
/** After so many slices without a connection a child waits off-thread, for longer slices (ms). */
const IDLE_SLICES = 20;
const LONG_SLICE_MS = 250;

/** Serves as the thread was told to, until it retires. */
export function runThread(thread: ServerThread): Promise<void> {
  return thread.dedicated ? runDedicated(thread) : runShared(thread);
}

/** Serves connections that all threads of the child share, until the thread retires. */
async function runShared(thread: ServerThread): Promise<void> {
  const { poller, set, program } = thread;
  const turns = new Turns(thread);
  while (!thread.retiring) {
    const start = performance.now();
    const n = poller.wait(set, 0);
    thread.beat();
    if (n > 0) {
      thread.serve(n);
      if (program.usesEventLoop || program.waiting > 0) await settle(program);
    }
    thread.advanceTimers();
    if (thread.takeOutgoingTurn()) await settleOutgoing();
    program.endOfBatch();
    thread.noteBatch(Math.trunc(performance.now() - start));
    if (n === 0) {
      await rest(thread, turns);
      continue;
    }
    turns.noteWork(start);
    if (program.waiting > 0 || turns.due) await turns.take();
  }
}

/** Lets those promises go on that need nothing but each other: those of most handlers. */
async function settle(program: ThreadProgram): Promise<void> {
  for (let tick = 0; tick < LEAST_TICKS || (tick < SETTLE_TICKS && program.waiting > 0); tick++) {
    await undefined;
  }
}

/** Other servers have brought something: what waits for that goes on. */
async function settleOutgoing(): Promise<void> {
  for (let tick = 0; tick < SETTLE_TICKS; tick++) await undefined;
}

/** Nothing is ready: waits for it, in the cheapest way that lets everybody else on this thread have their turn. */
async function rest(thread: ServerThread, turns: Turns): Promise<void> {
  const { poller, set, program, patience } = thread;
  thread.noteWait();
  if (program.waiting === 0 && (!program.usesEventLoop || turns.warm)) {
    // Nobody waits for the event loop: the thread itself sleeps in the kernel, which is the shortest way back to work.
    const slice = program.usesEventLoop ? Math.min(patience, APPLICATION_TURN_EVERY) : patience;
    let due: boolean;
    do {
      const n = thread.sleep(slice);
      if (n > 0 && (program.usesEventLoop || program.waiting > 0)) await settle(program);
      thread.advanceTimers();
      if (thread.takeOutgoingTurn()) await settleOutgoing();
      program.endOfBatch();
      due = turns.due;
      if (n === 0) break;
      turns.noteWork(turns.now);
    } while (!due && program.waiting === 0 && !thread.retiring);
    if (due || program.waiting > 0) await turns.take();
    return;
  }
  // Handlers wait for timers and promises. The off-thread wait costs two thread switches: first look a while.
  const end = performance.now() + SPIN_MS;
  do {
    await turns.take();
    const n = poller.wait(set, 0);
    if (n > 0) {
      thread.serve(n);
      turns.noteWork(end);
      return program.endOfBatch();
    }
  } while (performance.now() < end);
  program.endOfBatch();
  await thread.rest(patience);
}

/** Serves one connection after the other, each to its end, until the thread retires. */
async function runDedicated(thread: ServerThread): Promise<void> {
  const turns = new Turns(thread);
  while (!thread.retiring) {
    if (thread.resident !== undefined) {
      await attend(thread, turns);
      continue;
    }
    thread.beat();
    thread.program.endOfBatch();
    await rest(thread, turns);
  }
}

/** What a thread that accepts for itself has to know. */
export interface AcceptPolicy {
  readonly sockets: ServingOrder["sockets"];
  /** A new connection that sends nothing is closed after this many ms. */
  readonly firstRequestMs: number;
  /** Asked before each accept(): whether to go on. */
  mayAccept(): boolean;
  /** Asked when it does not go on: what others go on with; undefined: with every socket. */
  remaining(): Remaining | undefined;
  /** Where other processes leave their idle connections: readable then; undefined: nowhere. */
  readonly handovers: Handovers | undefined;
  /** Whether this process takes them over: it is of the generation that is in force. */
  mayTakeOver(): boolean;
  /** Leaves an idle connection to another process; not possible: false. */
  give(fd: number, served: number, left: number): boolean;
  onAccepted(): void;
  onAcceptError(errno: number): void;
}

/** Accepts one connection after the other and serves each to its end, until `mayAccept` says no. */
export async function runAccepting(thread: ServerThread, policy: AcceptPolicy): Promise<void> {
  const turns = new Turns(thread);
  const queue = new AcceptQueue(thread, policy.sockets.map(({ fd }) => fd), policy.handovers?.fd);
  const attendAll = async () => {
    while (thread.resident !== undefined) await attend(thread, turns, policy.give);
    if (turns.due) await turns.take();
  };
  /** What is in the table is this thread's from now on. */
  const keep = (fd: number, patience: number) => {
    thread.table.hand(fd, thread.thread);
    thread.adopt(fd, patience);
  };
  /** Goes on with the connection of a process that ends. */
  const takeOver = async () => {
    let taken: { fd: number; left: number } | undefined;
    policy.handovers!.take(thread.table, (fd, left) => taken = { fd, left });
    if (taken === undefined) return await turns.take();
    keep(taken.fd, taken.left);
    await attendAll();
  };
  const serve = async (fd: number, index: number) => {
    if (!posix.acceptInherits) complete(fd);
    policy.onAccepted();
    const now = clock();
    const { family, port, bytes } = posix.lastAddress;
    thread.table.begin(fd, index, now, now + policy.firstRequestMs, family, port, bytes);
    keep(fd, policy.firstRequestMs);
    await attendAll();
  };
  while (policy.mayAccept()) {
    thread.beat();
    queue.takeOver(policy.mayTakeOver());
    const fd = await queue.next();
    if (fd === queue.handovers) {
      await takeOver();
      continue;
    }
    if (fd >= 0) {
      await serve(fd, queue.index);
      continue;
    }
    if (fd !== -posix.Errno.EAGAIN) policy.onAcceptError(-fd);
    await turns.take();
  }
  // Whoever waits where nobody goes on is served before the end.
  const remaining = policy.remaining();
  for (const [index, socket] of policy.sockets.entries()) {
    if (remaining === undefined || remaining.sockets.includes(socket.id)) continue;
    for (let left = remaining.backlog; left > 0; left--) {
      const fd = posix.acceptConnection(socket.fd, true);
      if (fd < 0) break;
      await serve(fd, index);
    }
  }
  thread.program.endOfBatch();
}

/** What an accepted connection does not have from its socket here. */
function complete(fd: number): void {
  posix.setNoDelay(fd);
  posix.setPatience(fd, SLICE_MS);
}

/**
 * The sockets of a process that accepts for itself. Of the processes that wait the kernel wakes the first that is idle
 * (EPOLLEXCLUSIVE), so that a load that a few can carry stays with those few, whose caches are warm.
 */
class AcceptQueue {
  /** Which socket the last connection came from. */
  index = 0;
  readonly #set: number;
  #idle = 0;
  #takesOver = false;
  #turns = 0;

  constructor(
    readonly thread: ServerThread,
    readonly sockets: readonly number[],
    /** The queue of connections that other processes have left. */
    readonly handovers: number | undefined,
  ) {
    this.#set = thread.poller.create();
    for (const fd of sockets) thread.poller.add(this.#set, fd, Interest.Read | Interest.Exclusive);
  }

  /** From now on next() tells of what is in `handovers`, or does not. */
  takeOver(on: boolean): void {
    if (this.handovers === undefined || on === this.#takesOver) return;
    this.#takesOver = on;
    if (on) this.thread.poller.add(this.#set, this.handovers, Interest.Read | Interest.Exclusive);
    else this.thread.poller.remove(this.#set, this.handovers);
  }

  /** The next connection, or `handovers` when there is one in it, or -errno: -EAGAIN when none has come for a while. */
  async next(): Promise<number> {
    const { poller } = this.thread;
    // The next connection is there already, mostly, when there is a load. Those that others have left get their turn, too.
    this.#turns++;
    if (this.sockets.length === 1 && this.#idle === 0 && (!this.#takesOver || this.#turns % 4 !== 0)) {
      const fd = posix.acceptConnection(this.sockets[0], true);
      if (fd !== -posix.Errno.EAGAIN) return fd;
    }
    const long = this.#idle > IDLE_SLICES;
    if (long) await this.thread.rest(LONG_SLICE_MS, this.#set);
    else this.thread.program.endOfBatch();
    const n = poller.wait(this.#set, long ? 0 : SLICE_MS);
    this.#idle++;
    if (n === 0) return this.#look();
    // The kernel reports those that are ready in turn.
    const [ready] = poller.ready;
    if (ready !== this.handovers) return this.#accept(this.sockets.indexOf(ready));
    this.#idle = 0;
    return ready;
  }

  /** A process that was woken for a connection and stopped, or killed, before it took it has told nobody. */
  #look(): number {
    for (let index = 0; index < this.sockets.length; index++) {
      const fd = this.#accept(index);
      if (fd !== -posix.Errno.EAGAIN) return fd;
    }
    return this.#takesOver ? this.handovers! : -posix.Errno.EAGAIN;
  }

  #accept(index: number): number {
    this.index = index;
    const fd = posix.acceptConnection(this.sockets[index], true);
    if (fd >= 0) this.#idle = 0;
    return fd;
  }
}

/** One step with the connection that the thread keeps. */
async function attend(thread: ServerThread, turns: Turns, give?: AcceptPolicy["give"]): Promise<void> {
  const connection = thread.resident!;
  if (connection.awaitsInputOnly) {
    if (thread.yielding && connection.asleep && connection.leave()) return;
    if (thread.stopping) {
      if (give !== undefined && connection.passOn(give)) return;
      connection.hurry(HURRY_MS);
    }
    thread.receive(connection);
    thread.beat();
    thread.advanceTimers();
    if (thread.program.usesEventLoop || thread.program.waiting > 0) await settle(thread.program);
    // A handler that has not answered yet needs the event loop, and so does everybody once in a while.
    const waits = thread.program.waiting > 0 && thread.resident === connection;
    if (turns.due || (waits && !connection.awaitsInputOnly)) await turns.take();
    return;
  }
  connection.watch();
  const n = thread.poller.wait(thread.set, 0);
  thread.beat();
  if (n > 0) thread.serve(n);
  thread.advanceTimers();
  const outgoing = thread.takeOutgoingTurn();
  if (outgoing) await settleOutgoing();
  if (n === 0 && !outgoing) return await rest(thread, turns);
  if (!outgoing || thread.program.waiting > 0 || turns.due) await turns.take();
}

/** When others have their turn: timers, promises and messages of the event loop, and the log. */
class Turns {
  #last = performance.now();
  #worked = 0;
  /** When it was last looked whether a turn is due (ms, performance.now()). */
  now = 0;
  readonly #every: number;

  constructor(readonly thread: ServerThread) {
    this.#every = thread.program.usesEventLoop ? APPLICATION_TURN_EVERY : TURN_EVERY;
  }

  /** Looks at the clock, too. */
  get due(): boolean {
    this.now = performance.now();
    return this.now - this.#last >= this.#every;
  }

  /** There was work, at the time `now` (ms, performance.now()). */
  noteWork(now: number): void {
    this.#worked = now;
  }

  /** There was work not long ago. */
  get warm(): boolean {
    return performance.now() - this.#worked < WARM_MS;
  }

  async take(): Promise<void> {
    this.thread.program.endOfBatch();
    await turn();
    this.#last = performance.now();
  }
}

/** Lets timers, promises and messages of this thread's event loop have their turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
