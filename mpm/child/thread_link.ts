// How do a listener and a server thread reach each other? By descriptors that both may use, or, where there are none, by
// messages (the relay). The pool of threads is the same for both.

import type { ThreadOrder } from "../thread/server_thread.ts";

/** The listener's side of one thread. */
export interface ThreadLink {
  /** What its thread is told when it starts. */
  order(): ThreadOrder;
  /** The worker is there. */
  attach(worker: Worker): void;
  /** Gives it a connection (a number that means something to both), for which a slot has been taken. */
  hand(connection: number): void;
  /** Wakes it, wherever it waits. */
  ping(): void;
  /** A message of the thread that does not concern its life. */
  onMessage(message: unknown): void;
  /** The thread will never answer what it has in hand: its clients are told so, and nobody may touch what it holds. */
  giveUp(): void;
  /** The thread has died: what it had in hand ends, what was waiting for it waits for its successor, which takes over. */
  succeed(): void;
  /** The thread has ended, and holds nothing. */
  close(): void;
}
