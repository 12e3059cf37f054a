// What belongs to a thread whose connections are relayed? Nothing but its worker, to which messages are posted.

import type { Relayed } from "./relayed.ts";
import type { ToListener, ToThread } from "./relay_messages.ts";
import type { ThreadOrder } from "../thread/server_thread.ts";
import type { ThreadLink } from "../child/thread_link.ts";
import type { Endpoint } from "../shared/transport.ts";

/** A connection that was accepted and goes to a thread. */
export interface Accepted {
  readonly relayed: Relayed;
  readonly peer: Endpoint;
  readonly local: Endpoint;
  /** It belongs to this thread from now on. */
  take(thread: number): void;
}

export class RelayLink implements ThreadLink {
  readonly #connections = new Map<number, Relayed>();
  #worker: Worker | undefined;

  /** `accepted` gives the connection of a number that hand() takes. */
  constructor(
    readonly threadOrder: () => ThreadOrder,
    readonly accepted: (id: number) => Accepted,
  ) {}

  order(): ThreadOrder {
    return this.threadOrder();
  }

  attach(worker: Worker): void {
    this.#worker = worker;
  }

  post(message: ToThread): void {
    this.#worker?.postMessage(message);
  }

  hand(id: number): void {
    const { relayed, peer, local } = this.accepted(id);
    this.#connections.set(id, relayed);
    this.post({ type: "open", id, peer, local });
    relayed.pump();
  }

  ping(): void {
    this.post({ type: "ping" });
  }

  onMessage(message: unknown): void {
    const told = message as ToListener;
    this.#connections.get(told.id)?.onMessage(told);
  }

  /** The socket of a connection is closed. */
  forget(id: number): void {
    this.#connections.delete(id);
  }

  giveUp(): void {
    for (const relayed of [...this.#connections.values()]) relayed.abort();
  }

  succeed(): void {
    this.giveUp();
  }

  close(): void {}
}
