// How long may a client take to send a request? RequestReadTimeout: an initial time, extended by a second for every MinRate
// bytes that arrive, up to a maximum; and TimeOut between any two reads.

import type { ReadTimeout } from "./service.ts";

/** The time a client has for one stage (head or body). */
export class ReadTimer {
  #begin = 0;
  #received = 0;
  #rules: ReadTimeout | undefined;

  /** A stage begins at `now` (ms). */
  start(now: number, rules: ReadTimeout): void {
    this.#begin = now;
    this.#received = 0;
    this.#rules = rules;
  }

  /** True while a stage is being timed. */
  get running(): boolean {
    return this.#rules !== undefined;
  }

  stop(): void {
    this.#rules = undefined;
  }

  /** `bytes` have arrived. */
  note(bytes: number): void {
    this.#received += bytes;
  }

  /** Milliseconds left at `now` before the client is too slow; TimeOut (`timeout`) if no stage limit is nearer. */
  left(now: number, timeout: number): number {
    const rules = this.#rules;
    if (rules === undefined || rules.initial === 0) return timeout;
    let allowed = rules.initial;
    if (rules.minRate > 0) allowed += Math.floor(this.#received / rules.minRate) * 1000;
    if (rules.max > 0) allowed = Math.min(allowed, rules.max);
    return Math.min(timeout, this.#begin + allowed - now);
  }
}
