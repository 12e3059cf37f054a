// For which connections is a child woken? For those that it can take. What it was woken for and cannot take, another is.
//
// Of the children that wait for a socket the kernel wakes one (EPOLLEXCLUSIVE), and none of the others hears of that connection.
// A child may have lost its last slot, or been told to end, by the time it runs. So whoever ceases to wait while connections
// are there rings a bell that wakes the next child, in the same way: one of those that wait.

import { Doorbell, someoneWaits } from "../../platform/doorbell.ts";
import { Interest, type Poller } from "../../platform/poller.ts";

/** The listening sockets in the interest set of one child. */
export class AcceptWatch {
  #bell: Doorbell | undefined;
  readonly #sockets: number[];
  #on = false;

  /** `bell`: the descriptor that all children share; undefined: there is nobody else. */
  constructor(
    readonly poller: Poller,
    readonly set: number,
    sockets: readonly number[],
    bell: number | undefined,
  ) {
    this.#sockets = [...sockets];
    this.#bell = bell === undefined ? undefined : new Doorbell(bell);
  }

  /** This child is woken for connections. */
  get on(): boolean {
    return this.#on;
  }

  begin(): void {
    if (this.#on) return;
    this.#on = true;
    for (const fd of this.#sockets) this.poller.add(this.set, fd, Interest.Read | Interest.Exclusive);
    if (this.#bell !== undefined) {
      this.poller.add(this.set, this.#bell.fd, Interest.Read | Interest.Exclusive);
    }
  }

  /** Another child is woken for what waits. */
  end(): void {
    if (!this.#on) return;
    this.#on = false;
    for (const fd of this.#sockets) this.poller.remove(this.set, fd);
    if (this.#bell === undefined) return;
    this.poller.remove(this.set, this.#bell.fd);
    if (this.someoneWaits()) this.#bell.ring();
  }

  /** This child ends: others go on, and what it still takes is its own affair. */
  leave(): void {
    this.end();
    this.#bell = undefined;
  }

  /** One of the sockets is about to be closed. */
  forget(fd: number): void {
    if (this.#on) this.poller.remove(this.set, fd);
    this.#sockets.splice(this.#sockets.indexOf(fd), 1);
  }

  /** Whether a connection waits to be accepted by somebody. `unknown`: the answer where that cannot be asked. */
  someoneWaits(unknown = false): boolean {
    if (Deno.build.os !== "linux") return unknown;
    return this.#sockets.length > 0 && someoneWaits(this.#sockets);
  }

  /** True when `fd` is the bell: another child could not take what is there. */
  heard(fd: number): boolean {
    if (fd !== this.#bell?.fd) return false;
    this.#bell.silence();
    return true;
  }
}
