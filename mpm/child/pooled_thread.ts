// What does a pool know of one of its threads? The worker, the link to it, and what was seen of it lately.

import { clock, elapsed } from "../shared/connection_table.ts";
import { type ThreadControl, ThreadState } from "../shared/thread_control.ts";
import type { ThreadLink } from "./thread_link.ts";

/** A batch longer than this (ms) means handlers that compute: connections are spread then, not packed. */
const SLOW_BATCH = 25;

/** One server thread, seen from the listener. */
export class PooledThread {
  worker: Worker | undefined;
  /** Since when it stands still in a handler (clock()); 0: it moves. */
  blockedSince = 0;
  /** It finds always something to do. */
  saturated = false;
  slow = false;
  /** It serves nobody any more: it died, or is given up. */
  lost = false;
  /** Connections it has, as of the last look through the table, and all it ever got. */
  connections = 0;
  handed = 0;
  /** Since when it has had nothing to do (clock()). */
  idleSince: number = clock();
  /** It ends because it is not needed, and is started again when it is. */
  sleeps = false;
  #handedBefore = 0;
  #beat = 0;
  #waits = 0;
  #pinged = false;

  constructor(readonly index: number, readonly link: ThreadLink, readonly control: ThreadControl) {}

  /** It takes connections. */
  get usable(): boolean {
    return this.blockedSince === 0 && this.running;
  }

  get running(): boolean {
    return !this.lost && this.control.state(this.index) === ThreadState.Running;
  }

  /** Looks whether it moves. `dedicated`: it looks at its pipe only while it has no connection. */
  observe(now: number, dedicated: boolean): void {
    const { control, index } = this;
    const waits = control.waits(index);
    const beat = control.beat(index);
    this.saturated = waits === this.#waits && beat !== this.#beat;
    this.#waits = waits;
    this.slow = control.takeLongest(index) >= SLOW_BATCH || this.blockedSince !== 0;
    if (beat !== this.#beat) {
      this.#beat = beat;
      this.#pinged = false;
      this.blockedSince = 0;
    } else if (!this.#pinged) {
      // It may just be asleep: a thread that can answers this.
      this.#pinged = true;
      if (!dedicated || control.load(index) === 0) this.link.ping();
    } else if (this.blockedSince === 0) this.blockedSince = now;
  }

  /** Looks whether it has had anything to do since the last look. */
  observeWork(now: number): void {
    if (this.control.load(this.index) === 0 && this.connections === 0 && this.handed === this.#handedBefore) {
      return;
    }
    this.#handedBefore = this.handed;
    this.idleSince = now;
  }

  /** It stands still for longer than `ms`. */
  isStuck(now: number, ms: number): boolean {
    return ms > 0 && this.blockedSince !== 0 && elapsed(now, this.blockedSince) > ms;
  }

  /** A successor takes over what it had. */
  succeed(): void {
    this.link.succeed();
    this.blockedSince = 0;
    this.#pinged = false;
    this.lost = false;
    this.handed = 0;
    this.idleSince = clock();
  }
}
