// Which children move? Each counts up a word in its row of the scoreboard as long as it does, and is looked at once a second.

import type { ChildProcess } from "./children.ts";
import { ChildField, type Scoreboard } from "../shared/scoreboard.ts";

/** A listener that has not moved for this long does not answer (ms). It moves every second at least, and is looked at as often. */
const STILL_MS = 10_000;
const LEAST_STILL_MS = 3000;

/** What children have shown of themselves lately. */
export class BeatWatch {
  /** By row: what it last showed, and since when (ms). */
  readonly #beats = new Map<number, { beat: number; since: number }>();

  /** `always`: what a child shows says nothing about whether it answers. (One without threads may be long at one connection.) */
  constructor(readonly scoreboard: Scoreboard, readonly always: boolean) {}

  /** Looks at all children. Returns those that have not moved for `limit` ms; 0: there is no limit. */
  look(children: readonly ChildProcess[], limit: number): ChildProcess[] {
    const now = performance.now();
    const stuck: ChildProcess[] = [];
    for (const child of children) {
      const beat = this.scoreboard.child(child.row, ChildField.Beat);
      const seen = this.#beats.get(child.row);
      // Its message that it is ready may be stuck with it: the scoreboard says so too.
      const started = this.scoreboard.child(child.row, ChildField.ThreadsAlive) > 0;
      if (!started || seen?.beat !== beat) this.#beats.set(child.row, { beat, since: now });
      else if (limit > 0 && now - seen.since > limit) {
        this.#beats.delete(child.row);
        stuck.push(child);
      }
    }
    return stuck;
  }

  /** Some child is ready, and moves; whoever wants to know within `ms` is told sooner when it does not. */
  isAnswering(children: readonly ChildProcess[], ms: number): boolean {
    const now = performance.now();
    const still = Math.min(STILL_MS, Math.max(LEAST_STILL_MS, ms));
    return children.some((child) => {
      const since = this.#beats.get(child.row)?.since ?? now;
      return child.ready && (this.always || now - since < still);
    });
  }

  /** The child is gone: its row is for another. */
  forget({ row }: ChildProcess): void {
    this.#beats.delete(row);
  }
}
