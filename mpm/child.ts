// What does a child process do? It takes its order from the control process, starts its threads and listens until it is told
// to end, has served its share, or finds the control process gone.

import { openPoller } from "../platform/poller.ts";
import * as posix from "../platform/posix.ts";
import { closeInspector, ignoreSignals, onSignals } from "../platform/signals.ts";
import { CHILD_VARIABLE, ChildExit, type ChildOrder } from "./child_order.ts";
import { clock, ConnectionTable } from "./connection_table.ts";
import {
  connectControl,
  type ControlAddress,
  type ControlChannel,
  type ControlMessage,
} from "./control_channel.ts";
import { Listener } from "./listener.ts";
import { ChildField, Scoreboard } from "./scoreboard.ts";
import { ThreadControl } from "./thread_control.ts";
import { ThreadPool } from "./thread_pool.ts";
import type { LogLevel } from "./types.ts";

/** An orphan finishes what it has in hand, but no longer than this (ms). */
const ORPHAN_MS = 5000;

/** True when this process was started as a child. */
export function isChild(): boolean {
  return Deno.env.has(CHILD_VARIABLE);
}

/**
 * Runs this process as a child and ends it.
 * @param threadProgram module that the server threads run
 */
export async function runChild(threadProgram: URL): Promise<never> {
  const address = JSON.parse(Deno.env.get(CHILD_VARIABLE)!) as ControlAddress;
  // Whatever a handler starts must not take itself for a child.
  Deno.env.delete(CHILD_VARIABLE);
  // Signals of a terminal reach the whole process group; what they mean is for the control process to say.
  ignoreSignals(["SIGINT", "SIGHUP"]);
  onSignals(["SIGUSR1"], closeInspector);
  const channel = await connectControl(address);
  const messages = channel.messages();
  const first = await messages.next();
  if (first.done) Deno.exit(ChildExit.Init);
  const child = new Child(first.value as unknown as ChildOrder, channel, threadProgram);
  child.follow(messages);
  await child.serve();
  await channel.flushed();
  Deno.exit(child.exitCode);
}

class Child {
  exitCode: number = ChildExit.Ok;
  readonly #listener: Listener;
  readonly #ready: Promise<void>;
  readonly #scoreboard: Scoreboard;

  constructor(readonly order: ChildOrder, readonly channel: ControlChannel, threadProgram: URL) {
    posix.openLibc();
    for (const { fd } of order.sockets) posix.setCloseOnExec(fd, true);
    posix.setCloseOnExec(order.scoreboard.fd, true);
    const address = posix.mapShared(order.scoreboard.fd, order.scoreboard.size);
    const { size, shape } = order.scoreboard;
    this.#scoreboard = new Scoreboard(posix.memoryAt(address, size), shape);

    const poller = openPoller();
    const table = new ConnectionTable(ConnectionTable.allocate(posix.descriptorLimit()));
    const control = new ThreadControl(ThreadControl.allocate(order.threads));
    const set = poller.create();
    const wake = posix.createWakePipe();
    let ready: () => void;
    this.#ready = new Promise((resolve) => ready = resolve);
    const pool = new ThreadPool({
      poller,
      table,
      control,
      threads: order.threads,
      requestsPerThread: order.requestsPerThread,
      program: threadProgram,
      handlerTimeout: order.handlerTimeoutMs,
      order: (thread, threadSet, wakeRead) => ({
        thread,
        child: order.child,
        generation: order.generation,
        pid: Deno.pid,
        requestsPerThread: order.requestsPerThread,
        tableMemory: table.memory,
        controlMemory: control.memory,
        scoreboard: { address, size, shape },
        set: threadSet,
        wakeRead,
        listenerSet: set,
        listenerWake: wake.write,
        clock: clock(),
        localAddresses: order.sockets.map(({ local }) => local ?? undefined),
        program: order.program,
      }),
      events: {
        onThreadReady: (_thread, alive) => {
          this.#scoreboard.setChild(order.child, ChildField.ThreadsAlive, alive);
          ready();
          if (alive === order.threads) channel.send({ type: "ready" });
          this.#listener.wake();
        },
        onThreadLost: (thread, reason) => {
          this.#log("error", undefined, `thread ${thread} was lost: ${reason}`);
          // Before the first thread has served, another try would end the same way.
          if (this.#scoreboard.child(order.child, ChildField.ThreadsAlive) === 0) {
            channel.flushed().then(() => Deno.exit(ChildExit.ChildInit));
          }
        },
        onThreadStuck: (thread) => {
          const seconds = order.handlerTimeoutMs / 1000;
          this.#log(
            "error",
            undefined,
            `thread ${thread} is stuck in a handler for more than ${seconds} s (HandlerTimeout): this child is replaced`,
          );
          this.#end("stuck thread");
        },
        onMessage: (data) => channel.send({ type: "message", data }),
      },
    });
    const slots = order.threads * order.requestsPerThread;
    this.#listener = new Listener(
      {
        poller,
        set,
        wake,
        table,
        control,
        pool,
        scoreboard: this.#scoreboard,
        child: order.child,
        sockets: order.sockets.map(({ fd }) => fd),
      },
      {
        connectionLimit: (_slots, idle) => slots + Math.trunc(idle * order.connectionFactor),
        maxConnections: order.maxConnections,
        firstRequestMs: order.firstRequestMs,
      },
      {
        onAcceptError: (errno, fatal) => this.#acceptError(errno, fatal),
        onExhausted: () => this.#end("exhausted"),
      },
    );
  }

  /** Carries out what the control process says. */
  async follow(messages: AsyncGenerator<ControlMessage>): Promise<void> {
    for await (const message of messages) {
      if (message.type === "stop") Deno.exit(ChildExit.Ok);
      if (message.type === "graceful") this.#end("graceful");
    }
    // The control process is gone, however it went. What is in hand is finished; nobody would supervise more.
    this.#end("orphaned");
    setTimeout(() => Deno.exit(ChildExit.Ok), ORPHAN_MS);
  }

  /** Serves from the first thread that is ready to the last connection. */
  async serve(): Promise<void> {
    await this.#ready;
    await this.#listener.run();
  }

  #end(reason: string): void {
    if (this.#scoreboard.child(this.order.child, ChildField.Quiescing) !== 0) return;
    this.#scoreboard.setChild(this.order.child, ChildField.Quiescing, 1);
    this.channel.send({ type: "ending", reason });
    this.#listener.stop();
  }

  #acceptError(errno: number, fatal: boolean): void {
    const text = `(${errno})${posix.errnoText(errno)}`;
    if (fatal) this.#log("emerg", "AH02177", `${text}: accept: the network is down, this child ends`);
    else this.#log("error", "AH02179", `${text}: accept: (client socket)`);
    this.exitCode = ChildExit.Sick;
    this.#end("accept error");
  }

  #log(level: LogLevel, ah: string | undefined, message: string): void {
    this.channel.send({ type: "log", level, ah, message });
  }
}
