// What does a pool know of one of its threads? The worker, the interest set in which it finds its connections, the pipe that
// wakes it, and what was seen of it lately.

import * as posix from "../platform/posix.ts";
import { Interest, type Poller } from "../platform/poller.ts";
import { elapsed } from "./connection_table.ts";
import { type ThreadControl, ThreadState } from "./thread_control.ts";

/** A batch longer than this (ms) means handlers that compute: connections are spread then, not packed. */
const SLOW_BATCH = 25;
const WAKE = new Uint8Array(1);

/** One server thread, seen from the listener. */
export class PooledThread {
  worker: Worker | undefined;
  set: number;
  readonly wake: { readonly read: number; readonly write: number };
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
  #beat = 0;
  #waits = 0;
  #pinged = false;

  constructor(readonly index: number, readonly poller: Poller, readonly control: ThreadControl) {
    this.wake = posix.createWakePipe();
    this.set = this.#createSet();
  }

  #createSet(): number {
    const set = this.poller.create();
    this.poller.add(set, this.wake.read, Interest.Read);
    return set;
  }

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
      if (!dedicated || control.load(index) === 0) this.ping();
    } else if (this.blockedSince === 0) this.blockedSince = now;
  }

  /** It stands still for longer than `ms`. */
  isStuck(now: number, ms: number): boolean {
    return ms > 0 && this.blockedSince !== 0 && elapsed(now, this.blockedSince) > ms;
  }

  ping(): void {
    posix.write(this.wake.write, WAKE);
  }

  /** A successor takes over: everything in a set of its own again. Returns the old set, which the caller closes. */
  renew(): number {
    const old = this.set;
    this.set = this.#createSet();
    this.blockedSince = 0;
    this.#pinged = false;
    this.lost = false;
    this.handed = 0;
    return old;
  }

  /** Its worker is gone: closes what belongs to the thread. */
  close(): void {
    this.worker?.terminate();
    posix.close(this.set);
    posix.close(this.wake.read);
    posix.close(this.wake.write);
  }
}
