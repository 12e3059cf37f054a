// What becomes of the idle connections of a child that ends? They go to whoever serves on: descriptor and record through a queue that all
// children share, and the client does not notice.
//
// Only one process looks at a connection at any time: once it is in the queue its giver does not look again before it has taken it out of its
// interest set and closed it. What its client sends meanwhile stays in the socket. If the giver dies, what it has put in is with the kernel; if a taker
// dies, it has what it has taken out.

import { DescriptorQueue, type QueueEnds, WORDS } from "../../platform/descriptor_queue.ts";
import * as posix from "../../platform/posix.ts";
import type { Remaining, ServingOrder } from "../shared/child_order.ts";
import { clock, type ConnectionTable } from "../shared/connection_table.ts";

/** What is known of a connection that moves. */
export interface MovingRecord {
  /** Which listening socket it came from: its index in the order of this process. */
  readonly socket: number;
  /** Requests answered. */
  readonly served: number;
  /** ms without anything to do so far, and that it has left for its next request. */
  readonly idle: number;
  readonly left: number;
}

/** The queue between the children of a server. */
export class Handovers {
  readonly #queue: DescriptorQueue;
  #remaining: Remaining | undefined;

  /** `together`: so many go to one taker at once. */
  constructor(ends: QueueEnds, readonly sockets: ServingOrder["sockets"], readonly together: number) {
    this.#queue = new DescriptorQueue(ends);
  }

  /** Readable when there is something to take. */
  get fd(): number {
    return this.#queue.ends.take;
  }

  /** This process ends, and others go on with these sockets. */
  endWith(remaining: Remaining | undefined): void {
    this.#remaining = remaining;
  }

  /** Whether others would have accepted what came from a listening socket, by its index. */
  goesOn(socket: number): boolean {
    return this.#remaining === undefined || this.#remaining.sockets.includes(this.sockets[socket].id);
  }

  /**
   * Gives as many of these connections as the queue takes, from the front; returns how many. Of those the caller has to remove his own from
   * its interest set and close it, before it looks there again. `record` tells what is known of each.
   */
  give(fds: readonly number[], record: (fd: number) => MovingRecord): number {
    let given = 0;
    while (given < fds.length) {
      const batch = fds.slice(given, given + this.together);
      const words = batch.flatMap((fd) => {
        const { socket, served, idle, left } = record(fd);
        return [this.sockets[socket].id, served, idle, left];
      });
      // Whatever is in the way: the connections are still here, and are tried again.
      if (this.#queue.give(batch, words) !== 0) break;
      given += batch.length;
    }
    return given;
  }

  /**
   * Takes connections that somebody has given, all of one message, enters each in `table` and tells `use`, with the ms that it has left. Those of a
   * socket that this process does not have are closed (the configuration has no such address any more), and those that have no record here.
   */
  take(table: ConnectionTable, use: (fd: number, left: number) => void): void {
    const taken = this.#queue.take();
    if (taken === undefined) return;
    const { fds } = taken;
    const words = taken.words.slice();
    for (let i = 0; i < fds.length; i++) {
      const [id, served, idle, left] = words.subarray(i * WORDS, (i + 1) * WORDS);
      const socket = this.sockets.findIndex((known) => known.id === id);
      const fd = fds[i];
      // peerAddress(): its client has gone meanwhile.
      if (socket < 0 || fd >= table.size || !posix.peerAddress(fd)) {
        posix.close(fd);
        continue;
      }
      const now = clock();
      const { family, port, bytes } = posix.lastAddress;
      table.begin(fd, socket, now, now + left, family, port, bytes);
      table.note(fd, served, now - idle, now + left);
      use(fd, left);
    }
  }
}
