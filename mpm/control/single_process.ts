// How does a server run that has no children? The process that was started serves itself: a new generation begins beside the
// old one, which finishes what it has. mpm_netware works so, and every MPM under -X.

import { Generations } from "../child/generations.ts";
import { resolveListen } from "../listening/listen_addresses.ts";
import type { ServerSockets } from "../listening/listeners.ts";
import { poolShape } from "./pool_shape.ts";
import { reload } from "./reload.ts";
import { HeldRelaySockets } from "../relay/relay_sockets.ts";
import { ServerSignals } from "./server_signals.ts";
import { servingOrder } from "./serving_order.ts";
import type { Mpm, PoolShape, RunnableConfig, ServerHost } from "../types.ts";

/** Runs a server without children until it ends. @returns the exit code @throws BindError when a socket cannot be bound */
export async function runSingleProcess(mpm: Mpm, host: ServerHost, sockets: ServerSockets): Promise<number> {
  const signals = new ServerSignals(host.remotes);
  sockets.configure(await resolveListen(host.config.settings));
  host.onBound(sockets.addresses);
  return await new SingleProcess(mpm, host, sockets).run(signals);
}

class SingleProcess {
  readonly #generations: Generations;
  #config: RunnableConfig;
  #shape: PoolShape;
  #generation = 0;
  #ending = false;
  #reloading = false;
  #served = false;
  #finish: (code: number) => void = () => {};

  constructor(readonly mpm: Mpm, readonly host: ServerHost, readonly sockets: ServerSockets) {
    this.#config = host.config;
    this.#shape = this.#dimension(host.config);
    const slots = this.#shape.threads.max * this.#shape.requestsPerThread;
    const relay = sockets instanceof HeldRelaySockets ? sockets : undefined;
    this.#generations = new Generations(slots, host.module, relay, {
      remaining: () => this.sockets.remaining,
      onReady: () => {
        if (!this.#served) host.onServing();
        this.#served = true;
        if (!this.#reloading) host.supervisor.ready();
      },
      // Of the MPMs with children: here nobody would take over.
      onExhausted: () => {},
      onEnding: (reason) => {
        host.log("notice", undefined, `the threads of this process are replaced (${reason})`);
        if (!this.#begin()) this.#stop(reason);
      },
      onFailed: () => {
        if (this.#served) return host.supervisor.failing();
        host.log("alert", undefined, "no thread can start: the server ends");
        this.#finish(1);
      },
      onAllEnded: (exitCode) => this.#finish(exitCode),
      log: host.log,
    });
  }

  async run(signals: ServerSignals): Promise<number> {
    const done = new Promise<number>((resolve) => this.#finish = resolve);
    // The process that serves is the one that says so: it answers as long as it speaks.
    this.host.supervisor.watch({ scoreboard: this.#generations.scoreboard, isAnswering: () => true });
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
    return poolShape(this.mpm, config, this.host.log);
  }

  /** Begins to serve with the configuration in force. Returns false when there is no room. */
  #begin(): boolean {
    if (this.#generations.full) return false;
    // Each generation closes its own descriptors of the sockets when it accepts no more.
    const sockets = this.sockets.order();
    const order = servingOrder(this.mpm, this.#config, this.#shape, sockets, 0, this.#generation);
    // New threads in the same process would hardly make it smaller.
    return this.#generations.begin({ ...order, maxMemory: 0 });
  }

  async #restart(): Promise<void> {
    if (this.#ending) return;
    const { host, mpm } = this;
    if (!mpm.singleProcess) {
      host.log(
        "warn",
        undefined,
        "a single process for debugging is not restarted: stop it and start it again",
      );
      return;
    }
    host.log("notice", mpm.messages.gracefulRestart, "restart requested");
    this.#reloading = true;
    host.supervisor.reloading();
    const config = await reload(host, this.sockets, () => this.#ending);
    this.#reloading = false;
    if (this.#ending) return;
    if (config === undefined) return host.supervisor.ready();
    this.#config = config;
    host.onAdopted();
    const shape = this.#dimension(config);
    if (shape.threads.max * shape.requestsPerThread <= this.#generations.slots) this.#shape = shape;
    else host.log("warn", undefined, "more threads than at the start take a stop and a start");
    this.#generation++;
    if (this.#begin()) this.#sayConfigured();
    else {
      host.log("error", undefined, "too many generations still have connections: the restart has to wait");
      host.supervisor.ready();
    }
  }

  #stop(signal: string): void {
    this.host.supervisor.stopping();
    this.host.log("notice", this.mpm.messages.terminated, `caught ${signal}, shutting down`);
    this.#finish(0);
  }

  #stopGracefully(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.host.supervisor.stopping();
    this.host.log("notice", this.mpm.messages.stoppedGracefully, "caught SIGWINCH, shutting down gracefully");
    this.host.onGracefulStop();
    this.sockets.close();
    const timeout = this.#config.settings.gracefulShutdownTimeout ?? 0;
    if (timeout > 0) setTimeout(() => this.#stop("GracefulShutdownTimeout"), timeout * 1000);
    this.#generations.endGracefully();
  }
}
