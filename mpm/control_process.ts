// What does the control process do? It owns the listening sockets, the scoreboard, the children and the signals: it starts
// and reaps children, keeps their number right, restarts and stops them. It serves nothing itself.

import * as posix from "../platform/posix.ts";
import { processorCount } from "../platform/detect.ts";
import { closeInspector, onSignals } from "../platform/signals.ts";
import { type ChildEnd, type ChildProcess, Children, logChildEnd } from "./children.ts";
import { ChildExit, type ChildOrder } from "./child_order.ts";
import { ControlServer } from "./control_channel.ts";
import { DEFAULT_BACKLOG, ListeningSockets } from "./listeners.ts";
import { freshMemory, type MaintenanceActions, type PoolLimits, type PoolState } from "./maintenance.ts";
import {
  ChildField,
  GlobalField,
  Scoreboard,
  type ScoreboardShape,
  SlotField,
  SlotStatus,
} from "./scoreboard.ts";
import type { Mpm, PoolShape, RunnableConfig, ServerHost } from "./types.ts";

/** What a multi-process MPM decides for its control process. */
export interface ControlPolicy {
  readonly mpm: Mpm;
  maintain(state: PoolState, limits: PoolLimits, memory: ReturnType<typeof freshMemory>): MaintenanceActions;
  /** httpd's message numbers for the things every Unix MPM says. */
  readonly messages: {
    readonly configured: string;
    readonly terminated: string;
    readonly stoppedGracefully: string;
    readonly gracefulRestart: string;
    readonly hardRestart: string;
    readonly forkFailed: string;
  };
}

/** Idle maintenance happens this often (ms). */
const TICK_MS = 1000;
/** A child that dies before it was ready is not replaced sooner after its start than this (ms). */
const RESTART_MS = 1000;
/** A stop that was not obeyed is repeated, then enforced (ms). */
const STOP_MS = 3000;
/** After a graceful restart this many starving ticks start children without doubling. */
const HOLD_OFF = 10;

type Ending = "none" | "graceful" | "now";

/** Runs a server with children until it ends. @returns the exit code @throws BindError when a socket cannot be bound */
export async function runControlProcess(policy: ControlPolicy, host: ServerHost): Promise<number> {
  posix.openLibc();
  const sockets = new ListeningSockets();
  const { settings } = host.config;
  sockets.configure(settings.listen, settings.listenBacklog ?? DEFAULT_BACKLOG);
  host.onBound(sockets.all.map(({ endpoint }) => endpoint));
  const control = new ControlProcess(policy, host, sockets, await ControlServer.open());
  return await control.run();
}

class ControlProcess {
  readonly #memory = freshMemory();
  readonly #children: Children;
  readonly #scoreboard: Scoreboard;
  readonly #scoreboardFd: number;
  #config: RunnableConfig;
  #shape: PoolShape;
  #generation = 0;
  #ending: Ending = "none";
  #reloading = false;
  #exitCode = 0;
  /** Some child has been ready. */
  #served = false;
  #finish: (code: number) => void = () => {};

  constructor(
    readonly policy: ControlPolicy,
    readonly host: ServerHost,
    readonly sockets: ListeningSockets,
    readonly server: ControlServer,
  ) {
    this.#config = host.config;
    this.#shape = this.#dimension(host.config);
    const shape = this.#scoreboardShape();
    const memory = sharedMemory(Scoreboard.size(shape));
    this.#scoreboardFd = memory.fd;
    this.#scoreboard = new Scoreboard(memory.buffer, shape);
    this.#scoreboard.restartTime = Date.now();
    this.#scoreboard.setGlobal(GlobalField.ConfigGeneration, 1);
    this.#children = new Children(this.#shape.serverLimit, server, host, {
      order: (row, generation) => this.#order(row, generation),
      onReady: (child) => this.#onReady(child),
      onEnding: () => this.#replaceEnding(),
      onExit: (child, end) => this.#onExit(child, end),
    });
  }

  async run(): Promise<number> {
    const done = new Promise<number>((resolve) => this.#finish = resolve);
    const endSignals = onSignals(["SIGTERM", "SIGINT", "SIGBREAK"], (signal) => this.#stop(signal));
    const endRestarts = onSignals(["SIGHUP", "SIGUSR1"], (signal) => this.#restart(signal === "SIGUSR1"));
    const endGraceful = onSignals(["SIGWINCH"], () => this.#stopGracefully());
    const timer = setInterval(() => this.#tick(), TICK_MS);
    this.#startUpTo(this.#shape.startServers);
    const { configured } = this.policy.messages;
    this.host.log("notice", configured, `${this.host.description} configured -- resuming normal operations`);
    this.host.log("notice", "AH00094", `Command line: '${this.host.commandLine}'`);
    const code = await done;
    clearInterval(timer);
    endSignals();
    endRestarts();
    endGraceful();
    this.sockets.close();
    this.server.close();
    posix.close(this.#scoreboardFd);
    return code;
  }

  #dimension(config: RunnableConfig): PoolShape {
    return this.policy.mpm.dimension(
      config.settings,
      processorCount(),
      ({ ah, message }) => this.host.log("warn", ah, message),
    );
  }

  #scoreboardShape(): ScoreboardShape {
    const { serverLimit, threadsPerChild, requestsPerThread } = this.#shape;
    return { children: serverLimit, slots: threadsPerChild * requestsPerThread };
  }

  #order(row: number, generation: number): ChildOrder {
    const { settings, program, firstRequestMs } = this.#config;
    const { threadsPerChild, requestsPerThread, asyncRequestWorkerFactor } = this.#shape;
    return {
      type: "order",
      child: row,
      generation,
      threads: threadsPerChild,
      requestsPerThread,
      connectionFactor: asyncRequestWorkerFactor,
      maxConnections: settings.maxConnectionsPerChild ?? 0,
      firstRequestMs,
      handlerTimeoutMs: (settings.handlerTimeout ?? 60) * 1000,
      sockets: this.sockets.all.map(({ fd, endpoint, wildcard }) => ({
        fd,
        local: wildcard ? null : endpoint,
      })),
      scoreboard: {
        fd: this.#scoreboardFd,
        size: Scoreboard.size(this.#scoreboard.shape),
        shape: this.#scoreboard.shape,
      },
      program,
    };
  }

  #startUpTo(count: number): void {
    while (this.#serving().length < count && this.#ending === "none") if (!this.#start()) return;
  }

  #start(): boolean {
    const row = this.#children.freeRow;
    if (row < 0) return false;
    try {
      const child = this.#children.start(row, this.#generation);
      this.#scoreboard.beginChild(row, child.pid, this.#generation);
      return true;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.host.log("error", this.policy.messages.forkFailed, `${text}: fork: Unable to fork new process`);
      return false;
    }
  }

  /** Children of this generation that are not ending. */
  #serving(): ChildProcess[] {
    return this.#children.all.filter((child) => !child.ending && child.generation === this.#generation);
  }

  #onReady(_child: ChildProcess): void {
    this.#served = true;
    // A new generation has taken over once one of its children serves: the old ones may go.
    if (
      this.#serving().filter(({ ready }) => ready).length <
        Math.min(this.#shape.startServers, this.#serving().length)
    ) return;
    for (const child of this.#children.all) {
      if (child.generation !== this.#generation && !child.ending) this.#children.endGracefully(child);
    }
  }

  /** A child ends of its own accord: another takes its place before it is gone. */
  #replaceEnding(): void {
    if (this.#ending === "none" && this.#serving().length < this.#shape.startServers) this.#start();
  }

  #onExit(child: ChildProcess, end: ChildEnd): void {
    this.#scoreboard.endChild(child.row);
    const asked = this.#ending === "now" || (child.ending && end.signal === null);
    if (!asked || end.code !== ChildExit.Ok) logChildEnd(this.host.log, child, end);
    if (this.#ending !== "none") {
      if (this.#children.all.length === 0) this.#finish(this.#exitCode);
      return;
    }
    if (end.code === ChildExit.Fatal && child.generation === this.#generation) {
      this.#stop("SIGTERM");
      return;
    }
    if (end.code === ChildExit.ChildInit && !this.#served) {
      this.host.log("alert", undefined, "no child can start: the server ends");
      this.#exitCode = 1;
      this.#stop("a failed start");
      return;
    }
    if (child.generation !== this.#generation || child.ending) return;
    const wait = child.ready ? 0 : Math.max(0, RESTART_MS - (performance.now() - child.startedAt));
    setTimeout(() => {
      if (this.#ending === "none" && this.#serving().length < this.#shape.processLimit) this.#start();
    }, wait);
  }

  #tick(): void {
    if (this.#ending !== "none" || this.#reloading) return;
    const limits: PoolLimits = {
      minSpare: this.#shape.minSpareThreads,
      maxSpare: this.#shape.maxSpareThreads,
      maxRequestWorkers: this.#shape.maxRequestWorkers,
      processLimit: this.#shape.processLimit,
      serverLimit: this.#shape.serverLimit,
    };
    const state = this.#poolState();
    const { spawn, end, log } = this.policy.maintain(state, limits, this.#memory);
    if (log !== undefined) this.host.log(log.level, log.ah, log.message);
    for (let i = 0; i < spawn; i++) if (!this.#start()) break;
    if (end > 0) {
      const last = this.#serving().at(-1);
      if (last !== undefined) this.#children.endGracefully(last);
    }
  }

  #poolState(): PoolState {
    const { requestsPerThread, threadsPerChild } = this.#shape;
    let idleSlots = 0;
    let activeThreads = 0;
    for (const child of this.#serving()) {
      activeThreads += threadsPerChild;
      // Children that are starting count as idle, so that slow starts do not snowball.
      if (!child.ready) idleSlots += threadsPerChild * requestsPerThread;
      else if (this.#scoreboard.child(child.row, ChildField.NotAccepting) === 0) {
        for (let slot = 0; slot < threadsPerChild * requestsPerThread; slot++) {
          const status = this.#scoreboard.slot(this.#scoreboard.row(child.row, slot), SlotField.Status);
          if (status === SlotStatus.Ready || status === SlotStatus.Starting) idleSlots++;
        }
      }
    }
    return {
      idle: Math.floor(idleSlots / requestsPerThread),
      activeThreads,
      activeChildren: this.#serving().length,
      totalChildren: this.#children.all.length,
      freeRows: this.#children.freeRows,
    };
  }

  async #restart(graceful: boolean): Promise<void> {
    if (graceful) closeInspector();
    if (this.#ending !== "none" || this.#reloading) return;
    const { messages } = this.policy;
    if (graceful) {
      this.host.log("notice", messages.gracefulRestart, "SIGUSR1 received.  Doing graceful restart");
    } else this.host.log("notice", messages.hardRestart, "SIGHUP received.  Attempting to restart");
    this.#reloading = true;
    const config = await this.host.reload();
    this.#reloading = false;
    if (config === undefined) return;
    try {
      this.sockets.configure(config.settings.listen, config.settings.listenBacklog ?? DEFAULT_BACKLOG);
    } catch (error) {
      this.host.log("crit", undefined, `${(error as Error).message}; the running configuration stays`);
      return;
    }
    this.#config = config;
    this.#adopt(this.#dimension(config));
    this.#generation++;
    this.#scoreboard.setGlobal(GlobalField.Generation, this.#generation);
    this.#scoreboard.setGlobal(GlobalField.ConfigGeneration, this.#generation + 1);
    this.#memory.holdOff = HOLD_OFF;
    if (!graceful) {
      this.#scoreboard.restartTime = Date.now();
      for (const child of this.#children.all) {
        child.ending = true;
        this.#children.signal(child, "SIGKILL");
      }
    }
    this.#startUpTo(this.#shape.startServers);
    this.host.log(
      "notice",
      messages.configured,
      `${this.host.description} configured -- resuming normal operations`,
    );
  }

  /** Sizes of the scoreboard stay as they are until the server is started anew (AH00501, AH00506). */
  #adopt(shape: PoolShape): void {
    const old = this.#shape;
    const fixed = shape.serverLimit !== old.serverLimit ||
      shape.threadsPerChild * shape.requestsPerThread > this.#scoreboard.shape.slots;
    if (fixed) {
      this.host.log(
        "warn",
        "AH00501",
        "changing ServerLimit, or more threads than at the start, is not possible during restart: the old values stay in force",
      );
    }
    this.#shape = fixed
      ? {
        ...shape,
        serverLimit: old.serverLimit,
        threadsPerChild: old.threadsPerChild,
        requestsPerThread: old.requestsPerThread,
      }
      : shape;
  }

  #stop(signal: string): void {
    if (this.#ending === "now") return;
    this.#ending = "now";
    this.host.log("notice", this.policy.messages.terminated, `caught ${signal}, shutting down`);
    for (const child of this.#children.all) {
      child.ending = true;
      if (child.channel !== undefined) child.channel.send({ type: "stop" });
      else this.#children.signal(child, "SIGKILL");
    }
    setTimeout(() => {
      for (const child of this.#children.all) {
        this.host.log("error", "AH00046", `child process ${child.pid} still did not exit, sending a SIGKILL`);
        this.#children.signal(child, "SIGKILL");
      }
    }, STOP_MS);
    if (this.#children.all.length === 0) this.#finish(this.#exitCode);
  }

  #stopGracefully(): void {
    if (this.#ending !== "none") return;
    this.#ending = "graceful";
    this.host.log(
      "notice",
      this.policy.messages.stoppedGracefully,
      "caught SIGWINCH, shutting down gracefully",
    );
    this.host.onGracefulStop();
    this.sockets.close();
    for (const child of this.#children.all) this.#children.endGracefully(child);
    const timeout = this.#config.settings.gracefulShutdownTimeout ?? 0;
    if (timeout > 0) setTimeout(() => this.#stop("GracefulShutdownTimeout"), timeout * 1000);
    if (this.#children.all.length === 0) this.#finish(this.#exitCode);
  }
}

/** Memory that children inherit as a descriptor: a file that has no name any more. */
function sharedMemory(size: number): { fd: number; buffer: ArrayBuffer } {
  const path = Deno.makeTempFileSync({ prefix: "mpmd-scoreboard-" });
  Deno.truncateSync(path, size);
  const opened = posix.openReadWrite(path);
  Deno.removeSync(path);
  const fd = posix.duplicate(opened, true);
  posix.close(opened);
  return { fd, buffer: posix.memoryAt(posix.mapShared(fd, size), size) };
}
