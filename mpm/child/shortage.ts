// What does a child do that has run out of descriptors, or of memory for them? It accepts nothing until a connection of its own
// has ended, and serves those that it has. httpd ends such a child (AH02179); here its successor costs 300 ms of a processor and
// runs into the same limit (80 descriptors, 200 clients: 76 requests/s).

import * as posix from "../../platform/posix.ts";
import { elapsed } from "../shared/connection_table.ts";

/** What accept() says when something is short. */
const SHORT: ReadonlySet<number> = new Set([
  posix.Errno.EMFILE,
  posix.Errno.ENFILE,
  posix.Errno.ENOMEM,
  posix.Errno.ENOBUFS,
]);
/** Others may have what is short: it is tried again after so long (ms). */
const RETRY_MS = 1000;
/** It is told once in this time (ms). */
const TELL_MS = 60_000;
/** Descriptors that are left for files and for what applications open: a sixteenth of all, but not more than this. */
const MOST_KEPT = 64;

/** Whether it is over when a connection ends. */
export class Shortage {
  /** Descriptors from this number on are for others. */
  readonly #keptFrom: number;
  #since: number | undefined;
  #connections = 0;
  #told: number | undefined;

  /** `descriptors`: as many as the process may have. */
  constructor(descriptors: number) {
    this.#keptFrom = descriptors - Math.min(MOST_KEPT, descriptors >> 4);
  }

  /** Whether accept(), by its descriptor or -errno, shows that there is a shortage. */
  isShownBy(result: number): boolean {
    return result >= this.#keptFrom || result < 0 && SHORT.has(-result);
  }

  /** It has begun, with so many `connections`. Returns true when that is worth a line in the log. */
  begin(now: number, connections: number): boolean {
    this.#since = now;
    this.#connections = connections;
    if (this.#told !== undefined && elapsed(now, this.#told) < TELL_MS) return false;
    this.#told = now;
    return true;
  }

  /** True until there are fewer connections, or it is time to try again. */
  lasts(now: number, connections: number): boolean {
    if (this.#since === undefined) return false;
    if (connections >= this.#connections && elapsed(now, this.#since) < RETRY_MS) return true;
    this.#since = undefined;
    return false;
  }
}
