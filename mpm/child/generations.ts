// How does one process go from a generation to the next? The new one begins to serve beside the old one, which then finishes
// what it has.

import type { Remaining, ServingOrder } from "../shared/child_order.ts";
import { ProcessServing } from "./process_serving.ts";
import type { RelaySource } from "../relay/relay_sockets.ts";
import { GlobalField, Scoreboard, type ScoreboardPlace } from "../shared/scoreboard.ts";
import type { Serving, ServingEvents, ThreadModule } from "./serving.ts";
import { ThreadedServing } from "./threaded_serving.ts";

/** What whoever is in charge hears; of `onEnding` only when the generation that serves ends of its own accord. */
export interface GenerationsEvents extends ServingEvents {
  /** What the generation in charge goes on with when another ends. */
  remaining(): Remaining;
  /** Nothing serves any more. */
  onAllEnded(exitCode: number): void;
}

/** Generations that may be there at once: the one that serves, and old ones that finish. */
const ROWS = 8;

/** The servings of one process, with a scoreboard that only this process sees. */
export class Generations {
  readonly #rows: (Serving | undefined)[] = new Array(ROWS).fill(undefined);
  readonly scoreboard: Scoreboard;
  readonly #place: ScoreboardPlace;
  #current: Serving | undefined;
  #ending = false;

  /** `slots`: the most of one generation. */
  constructor(
    slots: number,
    readonly module: ThreadModule,
    readonly relay: RelaySource | undefined,
    readonly events: GenerationsEvents,
  ) {
    const shape = { children: ROWS, slots };
    const memory = new SharedArrayBuffer(Scoreboard.size(shape));
    this.#place = { memory, shape };
    this.scoreboard = new Scoreboard(memory, shape);
    this.scoreboard.restartTime = Date.now();
  }

  /** Slots of one generation. */
  get slots(): number {
    return this.#place.shape.slots;
  }

  /** True when every row still has a generation with connections. */
  get full(): boolean {
    return !this.#rows.includes(undefined);
  }

  /** Begins to serve as `order` says; its row of the scoreboard is found here. Returns false when there is none. */
  begin(order: ServingOrder): boolean {
    const row = this.#rows.indexOf(undefined);
    if (row < 0) return false;
    this.scoreboard.setGlobal(GlobalField.Generation, order.generation);
    this.scoreboard.setGlobal(GlobalField.ConfigGeneration, order.generation + 1);
    this.scoreboard.setGlobal(GlobalField.SlotLimit, order.threads.max * order.requestsPerThread);
    const starting = order.threads.start * order.requestsPerThread;
    this.scoreboard.beginChild(row, Deno.pid, order.generation, starting);
    const { events } = this;
    const parts = {
      scoreboard: this.#place,
      module: this.module,
      relay: this.relay,
      events: {
        ...events,
        onReady: () => {
          // One whose last threads have taken their time may have a successor by now, which ends it.
          if (serving === this.#current) {
            for (const old of this.#rows) if (old !== serving) old?.endGracefully(events.remaining());
          }
          events.onReady();
        },
        onEnding: (reason: string) => {
          if (serving === this.#current && !this.#ending && reason !== "graceful") events.onEnding(reason);
        },
      },
    };
    const mine = { ...order, child: row };
    const serving = order.model === "process"
      ? new ProcessServing(mine, parts)
      : new ThreadedServing(mine, parts);
    this.#rows[row] = serving;
    this.#current = serving;
    this.#follow(row, serving);
    return true;
  }

  async #follow(row: number, serving: Serving): Promise<void> {
    await serving.serve();
    this.#rows[row] = undefined;
    this.scoreboard.endChild(row);
    if (this.#rows.every((other) => other === undefined)) this.events.onAllEnded(serving.exitCode);
  }

  /** All finish what they have, and none begins. */
  endGracefully(): void {
    this.#ending = true;
    for (const serving of this.#rows) serving?.endGracefully(this.events.remaining());
  }
}
