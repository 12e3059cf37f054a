// How does a process with server threads serve? A listener, a pool of threads, and the rules of the MPM between them.

import { openPoller } from "../platform/poller.ts";
import * as posix from "../platform/posix.ts";
import { ChildExit, type ServingOrder } from "./child_order.ts";
import { clock, ConnectionTable } from "./connection_table.ts";
import { Listener } from "./listener.ts";
import { ChildField, openScoreboard, type Scoreboard, SlotField, SlotStatus } from "./scoreboard.ts";
import type { Serving, ServingParts } from "./serving.ts";
import { ThreadControl } from "./thread_control.ts";
import { ThreadPool } from "./thread_pool.ts";

export class ThreadedServing implements Serving {
  exitCode: number = ChildExit.Ok;
  readonly #listener: Listener;
  readonly #pool: ThreadPool;
  readonly #ready: Promise<void>;
  readonly #scoreboard: Scoreboard;

  constructor(readonly order: ServingOrder, readonly parts: ServingParts) {
    this.#scoreboard = openScoreboard(parts.scoreboard);
    const poller = openPoller();
    const table = new ConnectionTable(ConnectionTable.allocate(posix.descriptorLimit()));
    const control = new ThreadControl(ThreadControl.allocate(order.threads.max));
    const set = poller.create();
    const wake = posix.createWakePipe();
    const dedicated = order.model === "dedicated";
    let ready: () => void;
    this.#ready = new Promise((resolve) => ready = resolve);
    this.#pool = new ThreadPool({
      poller,
      table,
      control,
      threads: order.threads,
      requestsPerThread: order.requestsPerThread,
      dedicated,
      quota: order.quota === "thread" ? order.maxConnections : 0,
      worker: parts.module.worker,
      handlerTimeout: order.handlerTimeoutMs,
      order: (thread, threadSet, wakeRead) => ({
        thread,
        child: order.child,
        generation: order.generation,
        pid: Deno.pid,
        requestsPerThread: order.requestsPerThread,
        dedicated,
        tableMemory: table.memory,
        controlMemory: control.memory,
        scoreboard: parts.scoreboard,
        set: threadSet,
        wakeRead,
        listenerSet: set,
        listenerWake: wake.write,
        clock: clock(),
        localAddresses: order.sockets.map(({ local }) => local ?? undefined),
        program: order.program,
      }),
      events: {
        onThreads: (alive, started) => {
          this.#scoreboard.setChild(order.child, ChildField.ThreadsAlive, alive);
          if (alive > 0) ready();
          if (started) parts.events.onReady();
          this.#listener.wake();
        },
        onThreadLost: (thread, reason) => {
          parts.events.log("error", undefined, `thread ${thread} was lost: ${reason}`);
          // Before the first thread has served, another try would end the same way.
          if (this.#scoreboard.child(order.child, ChildField.ThreadsAlive) === 0) parts.events.onFailed();
        },
        onThreadStuck: (thread) => {
          const seconds = order.handlerTimeoutMs / 1000;
          parts.events.log(
            "error",
            undefined,
            `thread ${thread} is stuck in a handler for more than ${seconds} s (HandlerTimeout): this child is replaced`,
          );
          this.#end("stuck thread");
        },
        onThreadEnded: (thread) => {
          for (let slot = 0; slot < order.requestsPerThread; slot++) {
            const row = this.#scoreboard.row(order.child, thread * order.requestsPerThread + slot);
            this.#scoreboard.setSlot(row, SlotField.Status, SlotStatus.Dead);
          }
        },
        log: parts.events.log,
      },
    });
    const slots = order.threads.max * order.requestsPerThread;
    this.#listener = new Listener(
      {
        poller,
        set,
        wake,
        table,
        control,
        pool: this.#pool,
        scoreboard: this.#scoreboard,
        child: order.child,
        sockets: order.sockets.map(({ fd }) => fd),
      },
      {
        connectionLimit: (idle) => slots + Math.trunc(idle * order.connectionFactor),
        maxConnections: order.quota === "process" ? order.maxConnections : 0,
        firstRequestMs: order.firstRequestMs,
        dedicated,
      },
      {
        onAcceptError: (errno, fatal) => this.#acceptError(errno, fatal),
        onExhausted: () => this.#end("exhausted"),
      },
    );
  }

  async serve(): Promise<void> {
    await this.#ready;
    await this.#listener.run();
    this.#pool.close();
  }

  endGracefully(): void {
    this.#end("graceful");
  }

  #end(reason: string): void {
    if (this.#scoreboard.child(this.order.child, ChildField.Quiescing) !== 0) return;
    this.#scoreboard.setChild(this.order.child, ChildField.Quiescing, 1);
    this.parts.events.onEnding(reason);
    this.#listener.stop();
  }

  #acceptError(errno: number, fatal: boolean): void {
    const text = `(${errno})${posix.errnoText(errno)}`;
    const { log } = this.parts.events;
    if (fatal) log("emerg", "AH02177", `${text}: accept: the network is down, this child ends`);
    else log("error", "AH02179", `${text}: accept: (client socket)`);
    this.exitCode = ChildExit.Sick;
    this.#end("accept error");
  }
}
