// How are children started, watched and reaped? Each row of the scoreboard has at most one child; this is its life.

import {
  ACCEPT_ERROR,
  CHILD_VARIABLE,
  ChildExit,
  type ChildOrder,
  type Remaining,
} from "../shared/child_order.ts";
import {
  type ControlAddress,
  type ControlChannel,
  type ControlMessage,
  type ControlServer,
  ProtocolBreach,
} from "./control_channel.ts";
import { type ChildCommand, isLogLevel, type LogFunction, type ServerHost } from "../types.ts";

/** A child, from start to reaping. */
export interface ChildProcess {
  readonly row: number;
  readonly pid: number;
  generation: number;
  readonly startedAt: number;
  /** All of its threads have started. */
  ready: boolean;
  /** It was told to end, or said that it ends. */
  ending: boolean;
  /** It has served its share, and goes on until another is ready. */
  exhausted: boolean;
  channel: ControlChannel | undefined;
  readonly process: Deno.ChildProcess;
}

/** How a child came to its end. */
export interface ChildEnd {
  readonly code: number;
  readonly signal: Deno.Signal | null;
}

/** What the owner of the children wants to know. */
export interface ChildrenEvents {
  order(row: number, generation: number): ChildOrder;
  /** How a child is started by the configuration in force. */
  command(): ChildCommand;
  /** Carries out what starts the child of a row, which inherits its sockets. */
  leaveTo<T>(row: number, start: () => T): T;
  /** What others go on with when a child ends. */
  remaining(): Remaining;
  onReady(child: ChildProcess): void;
  /** It ends of its own accord (MaxConnectionsPerChild, lack of resources). */
  onEnding(child: ChildProcess): void;
  /** It has served its share, and goes on until another is ready. */
  onExhausted(child: ChildProcess): void;
  onExit(child: ChildProcess, end: ChildEnd): void;
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};
const SIGNAL_TEXTS: Readonly<Record<string, string>> = {
  SIGABRT: "Abort",
  SIGBUS: "Bus error",
  SIGFPE: "Floating point exception",
  SIGILL: "Illegal instruction",
  SIGKILL: "Killed",
  SIGSEGV: "Segmentation fault",
  SIGTRAP: "Trace/breakpoint trap",
  SIGTERM: "Terminated",
};

/** The children of a control process. */
export class Children {
  readonly #rows: (ChildProcess | undefined)[];

  constructor(
    rows: number,
    readonly server: ControlServer,
    readonly host: ServerHost,
    readonly events: ChildrenEvents,
  ) {
    this.#rows = new Array(rows).fill(undefined);
  }

  get all(): ChildProcess[] {
    return this.#rows.filter((child) => child !== undefined);
  }

  /** The lowest row without a child, or -1. */
  get freeRow(): number {
    return this.#rows.indexOf(undefined);
  }

  get freeRows(): number {
    return this.#rows.filter((child) => child === undefined).length;
  }

  /**
   * Starts a child in a free row.
   * @throws what Deno.Command throws when there are no more processes
   */
  start(row: number, generation: number): ChildProcess {
    let child: ChildProcess | undefined = undefined;
    // Of this moment: a restart before the child has connected changes what it is not left.
    const order = this.events.order(row, generation);
    const address = this.server.expect((channel, messages) => {
      if (child === undefined) return channel.close();
      child.channel = channel;
      channel.send({ ...order });
      this.#follow(child, messages);
    });
    const process = this.events.leaveTo(row, () => this.#spawn(address));
    child = {
      row,
      pid: process.pid,
      generation,
      startedAt: performance.now(),
      ready: false,
      ending: false,
      exhausted: false,
      channel: undefined,
      process,
    };
    this.#rows[row] = child;
    this.#reap(child, address);
    return child;
  }

  #spawn(address: ControlAddress): Deno.ChildProcess {
    const { executable, args, env } = this.events.command();
    const command = new Deno.Command(executable, {
      args: [...args],
      env: { ...env, [CHILD_VARIABLE]: JSON.stringify(address) },
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    });
    return command.spawn();
  }

  async #follow(child: ChildProcess, messages: AsyncGenerator<ControlMessage>): Promise<void> {
    try {
      await this.#listen(child, messages);
    } catch (error) {
      if (!(error instanceof ProtocolBreach)) throw error;
      this.host.log("error", undefined, `child pid ${child.pid} is killed for its message: ${error.message}`);
      this.signal(child, "SIGKILL");
    }
  }

  async #listen(child: ChildProcess, messages: AsyncGenerator<ControlMessage>): Promise<void> {
    for await (const message of messages) {
      if (message.type === "ready") {
        child.ready = true;
        this.events.onReady(child);
      } else if (message.type === "ending" && !child.ending) {
        child.ending = true;
        if (message.reason !== ACCEPT_ERROR) this.events.onEnding(child);
      } else if (message.type === "exhausted") {
        child.exhausted = true;
        this.events.onExhausted(child);
      } else if (message.type === "log") {
        const { level, ah, message: text } = message;
        if (!isLogLevel(level)) throw new ProtocolBreach("a line for the log without a level");
        const number = typeof ah === "string" && /^AH\d{5}$/.test(ah) ? ah : undefined;
        this.host.log(level, number, `child pid ${child.pid}: ${text}`);
      }
    }
  }

  async #reap(child: ChildProcess, address: ControlAddress): Promise<void> {
    const { code, signal } = await child.process.status;
    this.server.forget(address);
    child.channel?.close();
    this.#rows[child.row] = undefined;
    this.events.onExit(child, { code, signal });
  }

  /** Tells a child that keeps its sockets to go on with other threads, of `generation`. */
  renew(child: ChildProcess, generation: number): void {
    child.generation = generation;
    child.ready = false;
    child.exhausted = false;
    child.channel?.send({ type: "renew", order: this.events.order(child.row, generation) });
  }

  /** Tells a child to finish what it has and end. */
  endGracefully(child: ChildProcess): void {
    child.ending = true;
    // A child that has not even connected has nothing to finish.
    if (child.channel === undefined) this.signal(child, "SIGKILL");
    else child.channel.send({ type: "graceful", remaining: this.events.remaining() });
  }

  /** Sends a signal; a child that is gone already needs none. */
  signal(child: ChildProcess, signal: Deno.Signal): void {
    try {
      child.process.kill(signal);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) && !(error instanceof TypeError)) throw error;
    }
  }
}

/** What was known of a child's memory. */
export interface ChildMemory {
  /** Resident when it looked last, KiB. */
  readonly resident: number;
  /** ThreadHeapLimit, MB; 0: V8's own. */
  readonly heapLimit: number;
}

/** V8 ends its process by one of these when a heap is full (or when it has found a fault in itself). */
const V8_SIGNALS: readonly (Deno.Signal | null)[] = ["SIGTRAP", "SIGABRT", "SIGILL"];

/** Logs how a child ended, unless that was asked for. */
export function logChildEnd(log: LogFunction, child: ChildProcess, end: ChildEnd, memory: ChildMemory): void {
  if (V8_SIGNALS.includes(end.signal)) {
    const { resident, heapLimit } = memory;
    const limit = heapLimit === 0 ? "" : ` (ThreadHeapLimit ${heapLimit} MB)`;
    const megabytes = Math.round(resident / 1024);
    const text = `as V8 does when a heap is full${limit}; ${megabytes} MB were resident when it looked last`;
    log("error", undefined, `child pid ${child.pid} ended by ${end.signal}, ${text}`);
  }
  if (end.signal !== null) {
    const text = SIGNAL_TEXTS[end.signal] ?? end.signal;
    log(
      "notice",
      "AH00052",
      `child pid ${child.pid} exit signal ${text} (${SIGNAL_NUMBERS[end.signal] ?? "?"})`,
    );
  } else if (end.code === ChildExit.Fatal) {
    log("alert", "AH00050", `child pid ${child.pid} returned a fatal error, the server is exiting`);
  } else if (end.code !== ChildExit.Ok) {
    log("error", undefined, `child pid ${child.pid} exited with status ${end.code}`);
  }
}
