// Are there processors with nothing to do? More threads help only then.

import { cpus } from "node:os";

/** Measures how many processors were idle between two looks. */
export class IdleProcessors {
  #idle = 0;
  #total = 0;
  #last = 0;

  /** Idle processors (0 to their number, fractions included) since the last call; 0 at the first. */
  measure(): number {
    let idle = 0;
    let total = 0;
    const all = cpus();
    for (const { times } of all) {
      idle += times.idle;
      total += times.user + times.nice + times.sys + times.irq + times.idle;
    }
    const [before, beforeTotal] = [this.#idle, this.#total];
    this.#idle = idle;
    this.#total = total;
    // The counters tick some hundred times a second: two looks within one tick say what the last ones said.
    if (beforeTotal !== 0 && total > beforeTotal) {
      this.#last = (idle - before) / (total - beforeTotal) * all.length;
    }
    return this.#last;
  }
}
