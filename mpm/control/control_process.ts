// What does the control process do? It owns the listening sockets, the scoreboard, the children and the signals: it starts,
// restarts and stops the server. It serves nothing itself.

import * as posix from "../../platform/posix.ts";
import { mapShared, memoryAt, sharedFile } from "../../platform/shared_memory.ts";
import { DescriptorQueue, type QueueEnds } from "../../platform/descriptor_queue.ts";
import { Doorbell } from "../../platform/doorbell.ts";
import { clock } from "../shared/connection_table.ts";
import { ChildPool } from "./child_pool.ts";
import type { ChildOrder } from "../shared/child_order.ts";
import { ControlServer } from "./control_channel.ts";
import { resolveListen } from "../listening/listen_addresses.ts";
import type { ServerSockets } from "../listening/listeners.ts";
import { poolShape } from "./pool_shape.ts";
import { reload } from "./reload.ts";
import { CheckedRelaySockets } from "../relay/relay_sockets.ts";
import { GlobalField, Scoreboard, type ScoreboardShape } from "../shared/scoreboard.ts";
import { ServerSignals } from "./server_signals.ts";
import { servingOrder } from "./serving_order.ts";
import type { Mpm, PoolShape, RunnableConfig, ServerHost } from "../types.ts";
import { controlUsage } from "../child/usage_report.ts";

/** Idle maintenance happens this often (ms). */
const TICK_MS = 1000;
/** A stop that was not obeyed is enforced after this long (ms). */
const STOP_MS = 3000;

type Ending = "none" | "graceful" | "now";

/** Runs a server with children until it ends. @returns the exit code @throws BindError when a socket cannot be bound */
export async function runControlProcess(mpm: Mpm, host: ServerHost, sockets: ServerSockets): Promise<number> {
  const signals = new ServerSignals(host.remotes);
  sockets.configure(await resolveListen(host.config.settings));
  host.onBound(sockets.addresses);
  const server = await ControlServer.open();
  server.admit(host.config.identity);
  const control = new ControlProcess(mpm, host, sockets, server);
  return await control.run(signals);
}

class ControlProcess {
  readonly #pool: ChildPool;
  readonly #scoreboard: Scoreboard;
  /** Descriptor of the scoreboard's memory; undefined where it cannot be shared. */
  readonly #scoreboardFd: number | undefined;
  /** Wakes a child for a connection that another was woken for; undefined where it takes none. */
  readonly #bell: Doorbell | undefined;
  readonly #handovers: QueueEnds | undefined;
  #config: RunnableConfig;
  #ending: Ending = "none";
  #reloading = false;
  #exitCode = 0;
  #finish: (code: number) => void = () => {};

  constructor(
    readonly mpm: Mpm,
    readonly host: ServerHost,
    readonly sockets: ServerSockets,
    readonly server: ControlServer,
  ) {
    this.#config = host.config;
    const shape = this.#dimension(host.config);
    const size: ScoreboardShape = {
      children: shape.serverLimit,
      slots: shape.threads.max * shape.requestsPerThread,
    };
    const bytes = Scoreboard.size(size);
    const memory = sockets instanceof CheckedRelaySockets
      ? { fd: undefined, buffer: new ArrayBuffer(bytes) }
      : sharedMemory(bytes);
    this.#scoreboardFd = memory.fd;
    this.#bell = memory.fd === undefined ? undefined : Doorbell.create();
    this.#handovers = memory.fd === undefined ? undefined : DescriptorQueue.create();
    this.#scoreboard = new Scoreboard(memory.buffer, size);
    this.#scoreboard.restartTime = Date.now();
    this.#scoreboard.setGlobal(GlobalField.ConfigGeneration, 1);
    this.#scoreboard.setGlobal(GlobalField.ControlPid, Deno.pid);
    this.#showLimit(shape);
    this.#pool = new ChildPool({
      mpm,
      host,
      server,
      scoreboard: this.#scoreboard,
      sockets,
      order: (row, generation) => this.#order(row, generation),
      renewing: this.#scoreboardFd === undefined,
      config: () => this.#config,
      onServing: () => {
        if (!this.#reloading) host.supervisor.ready();
      },
      onHopeless: (exitCode) => {
        this.#exitCode = exitCode;
        this.#stop("a failure of all children");
      },
      onEmpty: () => this.#finish(this.#exitCode),
      onGone: () => this.#bell?.ring(),
    }, shape);
  }

  async run(signals: ServerSignals): Promise<number> {
    const done = new Promise<number>((resolve) => this.#finish = resolve);
    const usage = controlUsage(this.#scoreboard);
    const timer = setInterval(() => {
      usage.publish(clock());
      if (!this.#reloading) this.#pool.maintain();
    }, TICK_MS);
    this.host.supervisor.watch({
      scoreboard: this.#scoreboard,
      isAnswering: (ms) => this.#pool.isAnswering(ms),
    });
    this.#pool.startUpTo(this.#pool.shape.startServers);
    const { host } = this;
    this.#sayConfigured();
    host.log("notice", "AH00094", `Command line: '${host.commandLine}'`);
    signals.deliverTo({
      stop: (signal) => this.#stop(signal),
      restart: (graceful) => this.#restart(graceful),
      stopGracefully: () => this.#stopGracefully(),
    });
    const code = await done;
    clearInterval(timer);
    signals.end();
    this.sockets.close();
    this.server.close();
    if (this.#scoreboardFd !== undefined) posix.close(this.#scoreboardFd);
    this.#bell?.close();
    for (const fd of Object.values(this.#handovers ?? {})) posix.close(fd);
    return code;
  }

  #showLimit({ maxRequestWorkers, requestsPerThread }: PoolShape): void {
    this.#scoreboard.setGlobal(GlobalField.SlotLimit, maxRequestWorkers * requestsPerThread);
  }

  #sayConfigured(): void {
    const { mpm, host } = this;
    host.log(
      "notice",
      mpm.messages.configured,
      `${host.description} configured -- resuming normal operations`,
    );
  }

  #dimension(config: RunnableConfig): PoolShape {
    return poolShape(this.mpm, config, this.host.log);
  }

  #order(row: number, generation: number): ChildOrder {
    const { shape } = this.#scoreboard;
    return {
      type: "order",
      sealed: this.#config.identity !== undefined,
      bell: this.#bell?.fd,
      handovers: this.#handovers,
      ...servingOrder(this.mpm, this.#config, this.#pool.shape, this.sockets.orderFor(row), row, generation),
      scoreboard: this.#scoreboardFd === undefined
        ? undefined
        : { fd: this.#scoreboardFd, size: Scoreboard.size(shape), shape },
    };
  }

  async #restart(asked: boolean): Promise<void> {
    if (this.#ending !== "none") return;
    const { host, mpm } = this;
    const graceful = asked || !mpm.restartsHard;
    if (graceful) {
      host.log(
        "notice",
        mpm.messages.gracefulRestart,
        mpm.restartsHard ? "SIGUSR1 received.  Doing graceful restart" : "restart requested",
      );
    } else host.log("notice", mpm.messages.hardRestart, "SIGHUP received.  Attempting to restart");
    this.#reloading = true;
    host.supervisor.reloading();
    const config = await reload(host, this.sockets, () => this.#ending !== "none");
    this.#reloading = false;
    if (this.#ending !== "none") return;
    if (config === undefined) return host.supervisor.ready();
    this.#config = config;
    host.onAdopted();
    this.server.admit(config.identity);
    this.#pool.shape = this.#adopt(this.#dimension(config));
    this.#showLimit(this.#pool.shape);
    if (!graceful) this.#scoreboard.restartTime = Date.now();
    this.#pool.nextGeneration(!graceful);
    this.#scoreboard.setGlobal(GlobalField.Generation, this.#pool.generation);
    this.#scoreboard.setGlobal(GlobalField.ConfigGeneration, this.#pool.generation + 1);
    this.#sayConfigured();
  }

  /** Sizes of the scoreboard stay as they are until the server is started anew (AH00501, AH00506). */
  #adopt(shape: PoolShape): PoolShape {
    const old = this.#pool.shape;
    const fits = shape.serverLimit === old.serverLimit &&
      shape.threads.max * shape.requestsPerThread <= this.#scoreboard.shape.slots;
    if (fits) return shape;
    this.host.log(
      "warn",
      this.mpm.messages.fixedAtStart,
      "changing ServerLimit, or more threads than at the start, is not possible during restart: the old values stay in force",
    );
    const { serverLimit, threads, requestsPerThread } = old;
    return { ...shape, serverLimit, threads, requestsPerThread };
  }

  #stop(signal: string): void {
    if (this.#ending === "now") return;
    this.#ending = "now";
    this.host.supervisor.stopping();
    this.host.log("notice", this.mpm.messages.terminated, `caught ${signal}, shutting down`);
    setTimeout(() => {
      for (const child of this.#pool.all) {
        this.host.log("error", "AH00046", `child process ${child.pid} still did not exit, sending a SIGKILL`);
      }
      this.#pool.signalAll("SIGKILL");
    }, STOP_MS);
    this.#pool.stop();
  }

  #stopGracefully(): void {
    if (this.#ending !== "none") return;
    this.#ending = "graceful";
    this.host.supervisor.stopping();
    this.host.log(
      "notice",
      this.mpm.messages.stoppedGracefully,
      "caught SIGWINCH, shutting down gracefully",
    );
    this.host.onGracefulStop();
    this.sockets.close();
    const timeout = this.#config.settings.gracefulShutdownTimeout ?? 0;
    if (timeout > 0) setTimeout(() => this.#stop("GracefulShutdownTimeout"), timeout * 1000);
    this.#pool.endGracefully();
  }
}

/** Memory that children inherit as a descriptor. */
function sharedMemory(size: number): { fd: number; buffer: ArrayBuffer } {
  const fd = sharedFile(size);
  return { fd, buffer: memoryAt(mapShared(fd, size), size) };
}
