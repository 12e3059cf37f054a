// How does a child serve where sockets cannot be passed to it? It binds them itself and keeps them: what would be a new child
// elsewhere is a new generation of threads in this one, and no connection is refused in between.

import type { ServingOrder } from "../shared/child_order.ts";
import { ChildExit } from "../shared/child_order.ts";
import { Generations } from "../child/generations.ts";
import { HeldRelaySockets } from "./relay_sockets.ts";
import type { Serving, ServingEvents, ThreadModule } from "../child/serving.ts";

export class RelayChild implements Serving {
  exitCode: number = ChildExit.Ok;
  readonly #sockets = new HeldRelaySockets((...line) => this.events.log(...line));
  readonly #generations: Generations;
  readonly #ended: Promise<void>;

  /** @throws BindError */
  constructor(readonly order: ServingOrder, module: ThreadModule, readonly events: ServingEvents) {
    let ended: () => void;
    this.#ended = new Promise((resolve) => ended = resolve);
    const slots = order.threads.max * order.requestsPerThread;
    this.#generations = new Generations(slots, module, this.#sockets, {
      ...events,
      remaining: () => this.#sockets.remaining,
      onAllEnded: (exitCode) => {
        this.exitCode = exitCode;
        ended();
      },
    });
    this.renew(order);
  }

  /** Threads that work as `order` says take over from those there are. */
  renew(order: ServingOrder): void {
    try {
      this.#sockets.configure({ listen: [...order.relay!.listen] });
    } catch (error) {
      this.events.log("crit", undefined, (error as Error).message);
      return this.events.onFailed();
    }
    if (
      order.threads.max * order.requestsPerThread > this.#generations.slots ||
      !this.#generations.begin({ ...order, maxMemory: 0 })
    ) {
      this.events.log(
        "error",
        undefined,
        "the threads cannot be renewed: too many generations still have connections",
      );
    }
  }

  serve(): Promise<void> {
    return this.#ended;
  }

  endGracefully(): void {
    this.#sockets.close();
    this.#generations.endGracefully();
  }
}
