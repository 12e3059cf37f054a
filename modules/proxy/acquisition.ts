// How does a request come by a connection to its backend when none is idle? By its turn where all that there may be are in use, by the
// addresses of the backend's name, one after the other.

import type { Destination, OutgoingUser } from "../../mpm/mod.ts";
import { EXPIRED, type Failure } from "./conversation_parts.ts";
import type { Lease, Worker } from "./worker.ts";

/** How a full queue is refused (EAGAIN), and how soon (ms) it is looked whether there is room. */
const QUEUE_FULL = /^\((?:11|35)\)/;
const QUEUE_MS = 20;

/** Whoever wants the connection: its user, told what has come of it. */
export interface AcquisitionOwner extends OutgoingUser {
  onLease(lease: Lease): void;
  /** There is none. */
  onUnreached(failure: Failure, reason: string): void;
  onFault(error: unknown): void;
}

/** One search for a connection to one backend. */
export class Acquisition {
  readonly #worker: Worker;
  readonly #owner: AcquisitionOwner;
  /** How long (ms) it is waited where no directive says. */
  readonly #timeout: number;
  /** What is being connected. */
  #lease: Lease | undefined;
  #destinations: readonly Destination[] = [];
  #next = 0;
  #queueUntil = 0;
  #over = false;
  #leaveQueue: (() => void) | undefined;

  constructor(worker: Worker, timeout: number, owner: AcquisitionOwner) {
    this.#worker = worker;
    this.#timeout = timeout;
    this.#owner = owner;
  }

  /** True when nothing but descriptors is waited for. */
  get direct(): boolean {
    return this.#lease !== undefined || this.#leaveQueue !== undefined;
  }

  start(): void {
    if (this.#worker.full) return this.#queue();
    const found = this.#worker.destinations();
    if (!(found instanceof Promise)) return this.#connectTo(found);
    found.then((later) => this.#connectTo(later)).catch((error) => this.#owner.onFault(error));
  }

  /** Nobody wants it any more. */
  cancel(): void {
    this.#over = true;
    this.#leaveQueue?.();
    this.#leaveQueue = undefined;
    this.#drop();
  }

  /** All connections that there may be are in use. */
  #queue(): void {
    const leave = this.#worker.await(this.#owner, (lease) => {
      clearTimeout(timer);
      this.#leaveQueue = undefined;
      if (typeof lease === "string") return this.start();
      this.#over = true;
      this.#owner.onLease(lease);
    });
    const timer = setTimeout(() => {
      leave();
      this.#leaveQueue = undefined;
      this.#unreached("busy", EXPIRED);
    }, this.#worker.values.acquire ?? this.#timeout);
    this.#leaveQueue = () => {
      clearTimeout(timer);
      leave();
    };
  }

  #connectTo(destinations: readonly Destination[]): void {
    if (this.#over) return;
    if (destinations.length === 0) return this.#unreached("lookup", "no address was found");
    this.#destinations = destinations;
    this.#connect("");
  }

  /** Tries the next address; `reason` is what the one before has failed with. */
  #connect(reason: string): void {
    const worker = this.#worker;
    let failed = reason;
    while (this.#next < this.#destinations.length) {
      const destination = this.#destinations[this.#next++];
      const lease = worker.connect(destination, this.#owner);
      if (typeof lease === "string") {
        failed = lease;
        if (destination.kind === "unix" && QUEUE_FULL.test(lease) && this.#waitsForQueue(lease)) return;
        continue;
      }
      this.#lease = lease;
      lease.connection.setTimer(worker.values.connectionTimeout ?? this.#timeout);
      return;
    }
    this.#unreached("connect", failed);
  }

  /** A Unix-domain socket whose queue is full refuses at once, where one of TCP lets clients wait. Returns false when that has been long. */
  #waitsForQueue(reason: string): boolean {
    const now = performance.now();
    if (this.#queueUntil === 0) {
      this.#queueUntil = now + (this.#worker.values.connectionTimeout ?? this.#timeout);
    }
    if (now >= this.#queueUntil) return false;
    setTimeout(() => {
      if (this.#over) return;
      this.#next--;
      this.#connect(reason);
    }, QUEUE_MS);
    return true;
  }

  onConnected(): void {
    const lease = this.#lease!;
    this.#lease = undefined;
    this.#over = true;
    this.#worker.noteSuccess();
    this.#owner.onLease(lease);
  }

  onFailed(reason: string): void {
    this.#drop();
    this.#connect(reason);
  }

  onTimeout(): void {
    this.#drop();
    this.#connect(EXPIRED);
  }

  #drop(): void {
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease !== undefined) this.#worker.release(lease, false);
  }

  #unreached(failure: Failure, reason: string): void {
    this.#over = true;
    this.#owner.onUnreached(failure, reason);
  }
}
