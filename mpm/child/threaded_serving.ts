// How does a process with server threads serve? A listener, a pool of threads, and the rules of the MPM between them.

import { MOST_AT_ONCE } from "../../platform/descriptor_queue.ts";
import { openPoller } from "../../platform/poller.ts";
import * as posix from "../../platform/posix.ts";
import { ACCEPT_ERROR, ChildExit, type Remaining, type ServingOrder } from "../shared/child_order.ts";
import { clock, ConnectionTable } from "../shared/connection_table.ts";
import { DescriptorLink } from "./descriptor_link.ts";
import { Handovers } from "./handovers.ts";
import type { ListenerEvents, ListenerPolicy } from "./intake.ts";
import { type Accepting, Listener } from "./listener.ts";
import { logFullHeap, logTooLarge, watchMemory } from "./memory_bound.ts";
import { RelayListener } from "../relay/relay_listener.ts";
import type { RelaySource } from "../relay/relay_sockets.ts";
import { ChildField, openScoreboard, type Scoreboard, SlotField, SlotStatus } from "../shared/scoreboard.ts";
import type { DescriptorOrder, ThreadOrder } from "../thread/server_thread.ts";
import type { PreparedProgram, Serving, ServingParts } from "./serving.ts";
import { ThreadControl } from "../shared/thread_control.ts";
import type { ThreadLink } from "./thread_link.ts";
import { ThreadPool } from "./thread_pool.ts";

export class ThreadedServing implements Serving {
  exitCode: number = ChildExit.Ok;
  readonly #listener: Accepting;
  readonly #pool: ThreadPool;
  readonly #control: ThreadControl;
  readonly #ready: Promise<void>;
  readonly #scoreboard: Scoreboard;
  readonly #prepared: PreparedProgram;
  readonly #policy: ListenerPolicy;
  readonly #events: ListenerEvents = {
    onAcceptError: (reason, fatal) => this.#acceptError(reason, fatal),
    onShortage: (reason) =>
      this.parts.events.log(
        "error",
        "AH02179",
        `${reason}: accept: (client socket); this child accepts no more until a connection of its own ends`,
      ),
    onExhausted: () => this.#exhausted(),
    onPassedOn: (count, ms) =>
      this.parts.events.log(
        "info",
        undefined,
        `${count} idle connections were left to other children within ${ms} ms`,
      ),
  };

  constructor(readonly order: ServingOrder, readonly parts: ServingParts) {
    this.#scoreboard = openScoreboard(parts.scoreboard);
    this.#prepared = parts.module.prepare(order.program);
    this.#control = new ThreadControl(ThreadControl.allocate(order.threads.max));
    const slots = order.threads.max * order.requestsPerThread;
    const dedicated = order.model === "dedicated";
    this.#policy = {
      // While threads are started some of them have no connection: the others are no more for it.
      connectionLimit: (idle) => dedicated ? slots : slots + Math.trunc(idle * order.connectionFactor),
      maxConnections: order.quota === "thread" ? 0 : order.maxConnections,
      firstRequestMs: order.firstRequestMs,
      dedicated,
    };
    let ready: () => void;
    this.#ready = new Promise((resolve) => ready = resolve);
    const { relay } = parts;
    const { listener, link } = relay === undefined ? this.#byDescriptors() : this.#byRelay(relay);
    this.#listener = listener;
    this.#pool = new ThreadPool({
      control: this.#control,
      threads: order.threads,
      requestsPerThread: order.requestsPerThread,
      dedicated: this.#policy.dedicated,
      quota: order.quota === "thread" ? order.maxConnections : 0,
      worker: parts.module.worker,
      handlerTimeout: order.handlerTimeoutMs,
      link,
      program: this.#prepared.program,
      permissions: order.permissions,
      events: {
        onThreads: (available, started) => {
          this.#scoreboard.setChild(order.child, ChildField.ThreadsAlive, available);
          if (available > 0) ready();
          if (started) parts.events.onReady();
          listener.wake();
        },
        onThreadLost: (thread, reason) => {
          parts.events.log("error", undefined, `thread ${thread} was lost: ${reason}`);
          // Before the first thread has served, another try would end the same way.
          if (this.#scoreboard.child(order.child, ChildField.ThreadsAlive) === 0) parts.events.onFailed();
        },
        onThreadStuck: (thread) => this.#stuck(thread),
        onHeapFull: (thread, used) => {
          logFullHeap(thread, used, order.maxHeap, parts.events);
          this.#end("full heap");
        },
        onThreadEnded: (thread) => this.#showThread(thread, SlotStatus.Dead),
        onThreadAsleep: (thread) => this.#showThread(thread, SlotStatus.Ready),
        log: parts.events.log,
      },
    });
  }

  /** All slots of a thread that is not there. */
  #showThread(thread: number, status: number): void {
    const { child, requestsPerThread } = this.order;
    for (let slot = 0; slot < requestsPerThread; slot++) {
      this.#scoreboard.setSlot(
        this.#scoreboard.row(child, thread * requestsPerThread + slot),
        SlotField.Status,
        status,
      );
    }
  }

  /** Connections are handed over as descriptors. */
  #byDescriptors(): { listener: Accepting; link(thread: number): ThreadLink } {
    const { order } = this;
    const control = this.#control;
    const poller = openPoller();
    const table = new ConnectionTable(ConnectionTable.allocate(posix.descriptorLimit()));
    const set = poller.create();
    const wake = posix.createWakePipe();
    const links: DescriptorLink[] = [];
    const localAddresses = order.sockets.map(({ local }) => local ?? undefined);
    const descriptorOrder = (thread: number, threadSet: number, wakeRead: number): ThreadOrder =>
      this.#threadOrder(thread, {
        tableMemory: table.memory,
        set: threadSet,
        wakeRead,
        listenerSet: set,
        listenerWake: wake.write,
        localAddresses,
      });
    const listener = new Listener(
      {
        poller,
        set,
        wake,
        table,
        control,
        setOf: (thread) => links[thread].set,
        scoreboard: this.#scoreboard,
        child: order.child,
        sockets: order.sockets,
        bell: order.bell,
        handovers: order.handovers && new Handovers(
          order.handovers,
          order.sockets,
          // Of those that are to have a thread each, nobody is to have more than there are threads.
          this.#policy.dedicated ? 1 : MOST_AT_ONCE,
        ),
        generation: order.generation,
      },
      this.#policy,
      this.#events,
    );
    const link = (thread: number) =>
      links[thread] = new DescriptorLink(thread, { poller, table, control, order: descriptorOrder });
    return { listener, link };
  }

  /** Connections stay here, and their bytes are relayed. */
  #byRelay(source: RelaySource): { listener: Accepting; link(thread: number): ThreadLink } {
    const { order } = this;
    const listener = new RelayListener(
      {
        control: this.#control,
        scoreboard: this.#scoreboard,
        child: order.child,
        source,
        threadOrder: (thread) => this.#threadOrder(thread),
      },
      this.#policy,
      this.#events,
    );
    return { listener, link: (thread) => listener.link(thread) };
  }

  #threadOrder(thread: number, descriptors?: DescriptorOrder): ThreadOrder {
    const { order, parts } = this;
    return {
      thread,
      child: order.child,
      generation: order.generation,
      pid: Deno.pid,
      requestsPerThread: order.requestsPerThread,
      maxHeap: order.maxHeap,
      dedicated: this.#policy.dedicated,
      controlMemory: this.#control.memory,
      scoreboard: parts.scoreboard,
      clock: clock(),
      descriptors,
    };
  }

  async serve(): Promise<void> {
    await this.#ready;
    const endWatch = watchMemory(this.order.maxMemory, (resident) => {
      logTooLarge(resident, this.parts.events);
      this.#exhausted();
    });
    await this.#listener.run(this.#pool);
    endWatch();
    await this.#pool.close();
    // A thread that was given up may yet wake up and use it: it stays until the process ends.
    if (this.#pool.stuck === 0) this.#prepared.end();
  }

  endGracefully(remaining?: Remaining): void {
    this.#end("graceful", remaining, remaining?.heirs === true);
  }

  /** One that ends of its own accord is replaced: there are others. */
  #end(reason: string, remaining?: Remaining, heirs = true): void {
    if (this.#scoreboard.child(this.order.child, ChildField.Quiescing) !== 0) return;
    this.#scoreboard.setChild(this.order.child, ChildField.Quiescing, 1);
    this.parts.events.onEnding(reason);
    this.#listener.stop(remaining, heirs);
  }

  /** MaxConnectionsPerChild is reached: this process ends, or goes on until its successor is ready. */
  #exhausted(): void {
    if (this.order.quota === "renewal") this.parts.events.onExhausted();
    else this.#end("exhausted");
  }

  #stuck(thread: number): void {
    const seconds = this.order.handlerTimeoutMs / 1000;
    this.parts.events.log(
      "error",
      undefined,
      `thread ${thread} is stuck in a handler for more than ${seconds} s (HandlerTimeout): this child is replaced`,
    );
    this.#end("stuck thread");
  }

  #acceptError(reason: string, fatal: boolean): void {
    const { log } = this.parts.events;
    if (fatal) log("emerg", "AH02177", `${reason}: accept: the network is down, this child ends`);
    else log("error", "AH02179", `${reason}: accept: (client socket)`);
    this.exitCode = ChildExit.Sick;
    this.#end(ACCEPT_ERROR);
  }
}
