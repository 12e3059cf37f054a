// What belongs to a thread that is handed connections as descriptors? An interest set, which the listener puts them into, and
// a pipe that wakes the thread.

import * as posix from "../../platform/posix.ts";
import { Interest, type Poller } from "../../platform/poller.ts";
import { type ConnectionTable, Owner } from "../shared/connection_table.ts";
import { endSession } from "./end_session.ts";
import type { ThreadOrder } from "../thread/server_thread.ts";
import type { ThreadControl } from "../shared/thread_control.ts";
import type { ThreadLink } from "./thread_link.ts";

/** What the links of a process share. */
export interface DescriptorParts {
  readonly poller: Poller;
  readonly table: ConnectionTable;
  readonly control: ThreadControl;
  /** What a thread is told, with the set and the end of the pipe that are its own. */
  order(thread: number, set: number, wakeRead: number): ThreadOrder;
}

const WAKE = new Uint8Array(1);

export class DescriptorLink implements ThreadLink {
  readonly #wake: { readonly read: number; readonly write: number };
  #set: number;

  constructor(readonly thread: number, readonly parts: DescriptorParts) {
    this.#wake = posix.createWakePipe();
    this.#set = this.#createSet();
  }

  #createSet(): number {
    const { poller } = this.parts;
    const set = poller.create();
    poller.add(set, this.#wake.read, Interest.Read);
    return set;
  }

  /** The set in which the thread finds its connections. */
  get set(): number {
    return this.#set;
  }

  order(): ThreadOrder {
    return this.parts.order(this.thread, this.#set, this.#wake.read);
  }

  attach(): void {}

  hand(fd: number): void {
    const { poller, table } = this.parts;
    // The record first: a thread that is woken and finds nothing to claim would try again and again.
    const tag = table.hand(fd, this.thread);
    poller.add(this.#set, fd, Interest.Read, tag);
  }

  ping(): void {
    posix.write(this.#wake.write, WAKE);
  }

  onMessage(): void {}

  /** The descriptors stay reserved until the process ends, for the thread may yet wake up and use them. */
  giveUp(): void {
    const { table, control } = this.parts;
    for (let fd = 0; fd < table.size; fd++) {
      if (
        table.state(fd) !== Owner.Busy || table.thread(fd) !== this.thread ||
        !table.finish(fd, this.thread, Owner.Lost)
      ) continue;
      posix.shutdownBoth(fd);
      control.removeConnection();
    }
  }

  succeed(): void {
    const { poller, table, control } = this.parts;
    const old = this.#set;
    this.#set = this.#createSet();
    for (let fd = 0; fd < table.size; fd++) {
      const state = table.state(fd);
      if ((state !== Owner.Ready && state !== Owner.Busy) || table.thread(fd) !== this.thread) continue;
      if (state === Owner.Busy) {
        endSession(table, fd, false);
        table.setState(fd, Owner.Free);
        control.removeConnection();
        posix.close(fd);
        continue;
      }
      // Nothing was in hand: the successor serves it, with the slot that was reserved for it.
      poller.add(this.#set, fd, Interest.Read, table.tag(fd));
      if (table.reserved(fd)) control.takeSlot(this.thread, Infinity);
    }
    posix.close(old);
  }

  close(): void {
    posix.close(this.#set);
    posix.close(this.#wake.read);
    posix.close(this.#wake.write);
  }
}
