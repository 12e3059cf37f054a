// How does a server run that has no children? The process that was started serves itself: a new generation begins beside the
// old one, which finishes what it has. mpm_netware works so, and every MPM under -X.

import * as posix from "../platform/posix.ts";
import { processorCount } from "../platform/detect.ts";
import { ListeningSockets } from "./listeners.ts";
import { GlobalField, Scoreboard, type ScoreboardPlace } from "./scoreboard.ts";
import { ServerSignals } from "./server_signals.ts";
import type { Serving, ServingParts } from "./serving.ts";
import { servingOrder } from "./serving_order.ts";
import { ProcessServing } from "./process_serving.ts";
import { ThreadedServing } from "./threaded_serving.ts";
import type { Mpm, PoolShape, RunnableConfig, ServerHost } from "./types.ts";

/** Generations that may be there at once: the one that serves, and old ones that finish. */
const ROWS = 8;

/** Runs a server without children until it ends. @returns the exit code @throws BindError when a socket cannot be bound */
export async function runSingleProcess(mpm: Mpm, host: ServerHost): Promise<number> {
  posix.openLibc();
  const signals = new ServerSignals();
  const sockets = new ListeningSockets(mpm.model);
  sockets.configure(host.config.settings);
  host.onBound(sockets.all.map(({ endpoint }) => endpoint));
  return await new SingleProcess(mpm, host, sockets).run(signals);
}

class SingleProcess {
  /** What serves, by row of the scoreboard; the latest is `#current`. */
  readonly #rows: (Serving | undefined)[] = new Array(ROWS).fill(undefined);
  readonly #scoreboard: Scoreboard;
  readonly #place: ScoreboardPlace;
  #config: RunnableConfig;
  #shape: PoolShape;
  #current: Serving | undefined;
  #generation = 0;
  #ending = false;
  #reloading = false;
  #served = false;
  #finish: (code: number) => void = () => {};

  constructor(readonly mpm: Mpm, readonly host: ServerHost, readonly sockets: ListeningSockets) {
    this.#config = host.config;
    this.#shape = this.#dimension(host.config);
    const shape = { children: ROWS, slots: this.#shape.threads.max * this.#shape.requestsPerThread };
    const memory = new SharedArrayBuffer(Scoreboard.size(shape));
    this.#place = { memory, shape };
    this.#scoreboard = new Scoreboard(memory, shape);
    this.#scoreboard.restartTime = Date.now();
    this.#scoreboard.setGlobal(GlobalField.ConfigGeneration, 1);
  }

  async run(signals: ServerSignals): Promise<number> {
    const done = new Promise<number>((resolve) => this.#finish = resolve);
    this.#begin();
    this.#sayConfigured();
    signals.deliverTo({
      stop: (signal) => this.#stop(signal),
      restart: () => this.#restart(),
      stopGracefully: () => this.#stopGracefully(),
    });
    const code = await done;
    signals.end();
    this.sockets.close();
    return code;
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
    return this.mpm.dimension(
      config.settings,
      processorCount(),
      ({ ah, message }) => this.host.log("warn", ah, message),
    );
  }

  /** Begins to serve with the configuration in force. Returns false when there is no room. */
  #begin(): boolean {
    const row = this.#rows.indexOf(undefined);
    if (row < 0) return false;
    // Each generation closes its own descriptors of the sockets when it accepts no more.
    const sockets = this.sockets.all.map((socket) => ({ ...socket, fd: posix.duplicate(socket.fd, false) }));
    const { threads, requestsPerThread } = this.#shape;
    this.#scoreboard.beginChild(row, Deno.pid, this.#generation, threads.start * requestsPerThread);
    const order = servingOrder(this.mpm, this.#config, this.#shape, sockets, row, this.#generation);
    const parts: ServingParts = {
      scoreboard: this.#place,
      module: this.host.module,
      events: {
        onReady: () => {
          this.#served = true;
          for (const old of this.#rows) if (old !== serving) old?.endGracefully();
        },
        onEnding: (reason) => {
          if (serving !== this.#current || this.#ending || reason === "graceful") return;
          this.host.log("notice", undefined, `the threads of this process are replaced (${reason})`);
          if (!this.#begin()) this.#stop(reason);
        },
        onFailed: () => {
          if (this.#served) return;
          this.host.log("alert", undefined, "no thread can start: the server ends");
          this.#finish(1);
        },
        log: this.host.log,
      },
    };
    const serving = this.mpm.model === "process"
      ? new ProcessServing(order, parts)
      : new ThreadedServing(order, parts);
    this.#rows[row] = serving;
    this.#current = serving;
    this.#follow(row, serving);
    return true;
  }

  async #follow(row: number, serving: Serving): Promise<void> {
    await serving.serve();
    this.#rows[row] = undefined;
    this.#scoreboard.endChild(row);
    if (this.#rows.every((other) => other === undefined)) this.#finish(serving.exitCode);
  }

  async #restart(): Promise<void> {
    if (this.#ending || this.#reloading) return;
    const { host, mpm } = this;
    if (!mpm.singleProcess) {
      host.log(
        "warn",
        undefined,
        "a single process for debugging is not restarted: stop it and start it again",
      );
      return;
    }
    host.log("notice", mpm.messages.gracefulRestart, "Graceful restart requested, doing restart");
    this.#reloading = true;
    const config = await host.reload();
    this.#reloading = false;
    if (config === undefined || this.#ending) return;
    try {
      this.sockets.configure(config.settings);
    } catch (error) {
      host.log("crit", undefined, `${(error as Error).message}; the running configuration stays`);
      return;
    }
    this.#config = config;
    const shape = this.#dimension(config);
    if (shape.threads.max * shape.requestsPerThread <= this.#place.shape.slots) this.#shape = shape;
    else host.log("warn", undefined, "more threads than at the start take a stop and a start");
    this.#generation++;
    this.#scoreboard.setGlobal(GlobalField.Generation, this.#generation);
    this.#scoreboard.setGlobal(GlobalField.ConfigGeneration, this.#generation + 1);
    if (this.#begin()) this.#sayConfigured();
    else host.log("error", undefined, `${ROWS} generations still have connections: the restart has to wait`);
  }

  #stop(signal: string): void {
    this.host.log("notice", this.mpm.messages.terminated, `caught ${signal}, shutting down`);
    this.#finish(0);
  }

  #stopGracefully(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.host.log("notice", this.mpm.messages.stoppedGracefully, "caught SIGWINCH, shutting down gracefully");
    this.host.onGracefulStop();
    this.sockets.close();
    const timeout = this.#config.settings.gracefulShutdownTimeout ?? 0;
    if (timeout > 0) setTimeout(() => this.#stop("GracefulShutdownTimeout"), timeout * 1000);
    for (const serving of this.#rows) serving?.endGracefully();
  }
}
