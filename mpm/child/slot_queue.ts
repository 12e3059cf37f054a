// Who gets the next free slot? Connections that came back with input while none was free wait here, oldest first.
//
// A thread serves the busy connections in its own set without asking anybody, which is what makes them fast. As long as all of
// its slots are in use they could go on like that for ever: when somebody has waited here, or to be accepted, for a while, the
// threads leave their connections to the listener too, and everybody gets a slot in turn.

import { elapsed } from "../shared/connection_table.ts";

/** Nobody waits longer than this (ms) while busy connections are served before. */
const FAIR_MS = 20;

/** The line for slots of one child. */
export class SlotQueue {
  readonly #fds: number[] = [];
  /** Since when each of them waits (clock()). */
  readonly #since: number[] = [];
  /** Since when somebody waits to be accepted; undefined: nobody, as far as is known. */
  #outsideSince: number | undefined;
  #outsideFirst = false;

  get length(): number {
    return this.#fds.length;
  }

  push(fd: number, now: number): void {
    this.#fds.push(fd);
    this.#since.push(now);
  }

  /** The one that waits longest; undefined: none does. */
  shift(): number | undefined {
    this.#since.shift();
    this.#outsideFirst = this.#outsideSince !== undefined;
    return this.#fds.shift();
  }

  /** Whether somebody was seen to wait to be accepted. */
  seeOutside(waits: boolean, now: number): void {
    if (!waits) this.#outsideSince = undefined;
    else this.#outsideSince ??= now;
  }

  get outsideWaits(): boolean {
    return this.#outsideSince !== undefined;
  }

  /** True when the next slot is for whoever waits to be accepted: they take turns with those in line. Asking takes the turn. */
  takeOutsideTurn(): boolean {
    const first = this.#outsideFirst;
    this.#outsideFirst = false;
    return first;
  }

  /** Somebody has waited too long: busy connections have to wait in line too. */
  isUnfair(now: number): boolean {
    return this.#fds.length > 0 && elapsed(now, this.#since[0]) > FAIR_MS ||
      this.#outsideSince !== undefined && elapsed(now, this.#outsideSince) > FAIR_MS;
  }
}
