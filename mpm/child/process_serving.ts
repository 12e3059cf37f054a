// How does a process without threads serve? It is its own server thread: it waits in accept(), serves the connection to its
// end, and waits again (prefork).

import { Interest, openPoller } from "../../platform/poller.ts";
import * as posix from "../../platform/posix.ts";
import { ACCEPT_ERROR, ChildExit, type Remaining, type ServingOrder } from "../shared/child_order.ts";
import { clock, ConnectionTable } from "../shared/connection_table.ts";
import { Handovers } from "./handovers.ts";
import { logFullHeap, logTooLarge, watchMemory } from "./memory_bound.ts";
import { ChildField, GlobalField, openScoreboard, type Scoreboard } from "../shared/scoreboard.ts";
import { type DescriptorOrder, ServerThread, type ThreadOrder } from "../thread/server_thread.ts";
import { watchHeap } from "../shared/heap_watch.ts";
import type { Serving, ServingParts } from "./serving.ts";
import { ThreadControl } from "../shared/thread_control.ts";
import { runAccepting } from "../thread/thread_loops.ts";
import { childUsage, type UsageReport } from "./usage_report.ts";

/** How often (ms) the child's figures in the scoreboard are brought up to date. */
const FIGURES_MS = 1000;

export class ProcessServing implements Serving {
  exitCode: number = ChildExit.Ok;
  readonly #control: ThreadControl;
  readonly #scoreboard: Scoreboard;
  #accepted = 0;
  readonly #handovers: Handovers | undefined;
  /** What others go on with; undefined: with every socket. */
  #remaining: Remaining | undefined;

  constructor(readonly order: ServingOrder, readonly parts: ServingParts) {
    this.#control = new ThreadControl(ThreadControl.allocate(1));
    this.#scoreboard = openScoreboard(parts.scoreboard);
    const { handovers, sockets } = order;
    this.#handovers = handovers === undefined ? undefined : new Handovers(handovers, sockets, 1);
  }

  async serve(): Promise<void> {
    const { order, parts } = this;
    const poller = openPoller();
    const set = poller.create();
    const wake = posix.createWakePipe();
    poller.add(set, wake.read, Interest.Read);
    const descriptors: DescriptorOrder = {
      tableMemory: ConnectionTable.allocate(posix.descriptorLimit()),
      set,
      wakeRead: wake.read,
      wakeWrite: wake.write,
      listenerSet: -1,
      listenerWake: -1,
      localAddresses: order.sockets.map(({ local }) => local ?? undefined),
    };
    const threadOrder: ThreadOrder = {
      thread: 0,
      child: order.child,
      generation: order.generation,
      pid: Deno.pid,
      requestsPerThread: 1,
      maxHeap: order.maxHeap,
      dedicated: true,
      controlMemory: this.#control.memory,
      scoreboard: parts.scoreboard,
      clock: clock(),
      descriptors,
    };
    let program;
    let prepared;
    try {
      prepared = parts.module.prepare(order.program);
      program = await parts.module.create({ ...threadOrder, program: prepared.program });
    } catch (error) {
      parts.events.log(
        "error",
        undefined,
        `the child cannot start: ${error instanceof Error ? error.message : error}`,
      );
      return parts.events.onFailed();
    }
    const thread = new ServerThread(threadOrder, descriptors, program);
    this.#scoreboard.setChild(order.child, ChildField.ThreadsAlive, 1);
    parts.events.onReady();
    const endWatch = watchMemory(order.maxMemory, (resident) => {
      logTooLarge(resident, parts.events);
      this.#end("exhausted");
    });
    const endHeapWatch = watchHeap(order.maxHeap, (used) => {
      logFullHeap(0, used, order.maxHeap, parts.events);
      this.#end("full heap");
    });
    const usage = childUsage(this.#scoreboard, order.child);
    const figures = setInterval(() => this.#publish(usage), FIGURES_MS);
    const handovers = this.#handovers;
    await runAccepting(thread, {
      sockets: order.sockets,
      handovers,
      mayTakeOver: () => this.#scoreboard.global(GlobalField.Generation) === order.generation,
      give: (fd, served, left) =>
        this.#control.passingOn && handovers?.goesOn(thread.table.listener(fd)) === true &&
        handovers.give([fd], () => ({ socket: thread.table.listener(fd), served, idle: 0, left })) === 1,
      remaining: () => this.#remaining,
      firstRequestMs: order.firstRequestMs,
      mayAccept: () => {
        this.#scoreboard.setChild(order.child, ChildField.Beat, this.#control.beat(0));
        return !this.#control.stopping && !this.#isExhausted();
      },
      onAccepted: () => this.#accepted++,
      onAcceptError: (errno) => this.#acceptError(errno),
    });
    program.endOfThread();
    prepared.end();
    clearInterval(figures);
    endWatch();
    endHeapWatch();
  }

  /** MaxConnectionsPerChild is reached: the next accept() is another child's. */
  #isExhausted(): boolean {
    const { maxConnections } = this.order;
    if (maxConnections === 0 || this.#accepted < maxConnections) return false;
    this.#end("exhausted");
    return true;
  }

  endGracefully(remaining?: Remaining): void {
    this.#remaining = remaining;
    this.#handovers?.endWith(remaining);
    this.#end("graceful", remaining?.heirs === true);
  }

  /** One that ends of its own accord is replaced: there are others. */
  #end(reason: string, heirs = true): void {
    if (this.#scoreboard.child(this.order.child, ChildField.Quiescing) !== 0) return;
    this.#scoreboard.setChild(this.order.child, ChildField.Quiescing, 1);
    if (heirs && this.order.handovers !== undefined) this.#control.passOn();
    this.#control.stop();
    this.parts.events.onEnding(reason);
  }

  #publish(usage: UsageReport): void {
    const { child } = this.order;
    this.#scoreboard.setChild(child, ChildField.Connections, this.#control.connections);
    this.#scoreboard.setChild(child, ChildField.Accepted, this.#accepted);
    usage.publish(clock());
  }

  #acceptError(errno: number): void {
    if (posix.PASSING_ACCEPT_ERRORS.has(errno)) return;
    this.parts.events.log("error", "AH02179", `(${errno})${posix.errnoText(errno)}: accept: (client socket)`);
    this.exitCode = ChildExit.Sick;
    this.#end(ACCEPT_ERROR);
  }
}
