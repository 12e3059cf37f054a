// What does a listener do where connections cannot be passed to threads? It accepts while a slot is free, and owns every
// connection to its end; threads hear of it by messages.

import { clock } from "../shared/connection_table.ts";
import type { ListenerEvents, ListenerPolicy } from "../child/intake.ts";
import type { Accepting } from "../child/listener.ts";
import { type Accepted, RelayLink } from "./relay_link.ts";
import { Relayed } from "./relayed.ts";
import type { RelaySource } from "./relay_sockets.ts";
import type { Acceptor } from "./acceptor.ts";
import { ChildField, type Scoreboard } from "../shared/scoreboard.ts";
import type { ThreadOrder } from "../thread/server_thread.ts";
import type { ThreadControl } from "../shared/thread_control.ts";
import type { ThreadPool } from "../child/thread_pool.ts";
import type { Endpoint } from "../shared/transport.ts";
import { childUsage, type UsageReport } from "../child/usage_report.ts";

/** Everything the listener works with. */
export interface RelayParts {
  readonly control: ThreadControl;
  readonly scoreboard: Scoreboard;
  readonly child: number;
  readonly source: RelaySource;
  threadOrder(thread: number): ThreadOrder;
}

/** Threads are looked after this often (ms). */
const TICK_MS = 250;

export class RelayListener implements Accepting {
  readonly #links: RelayLink[] = [];
  readonly #accepted = new Map<number, Accepted>();
  /** Accepted, and waiting for a slot: at most one of each socket. */
  readonly #waiting: number[] = [];
  #pool: ThreadPool | undefined;
  #acceptors: readonly Acceptor[] = [];
  /** Takes back the request of each socket that has been asked for a connection. */
  readonly #requests = new Map<Acceptor, () => void>();
  readonly #usage: UsageReport;
  #nextId = 1;
  #count = 0;
  #stopping = false;
  #done: () => void = () => {};

  constructor(
    readonly parts: RelayParts,
    readonly policy: ListenerPolicy,
    readonly events: ListenerEvents,
  ) {
    this.#usage = childUsage(parts.scoreboard, parts.child);
  }

  /** The link to a thread that is about to start. */
  link(thread: number): RelayLink {
    const link = new RelayLink(() => this.parts.threadOrder(thread), (id) => this.#accepted.get(id)!);
    this.#links[thread] = link;
    return link;
  }

  async run(pool: ThreadPool): Promise<void> {
    this.#pool = pool;
    const done = new Promise<void>((resolve) => this.#done = resolve);
    const timer = setInterval(() => this.#tick(), TICK_MS);
    if (!this.#stopping) this.#acceptors = await this.parts.source.acquire();
    if (this.#stopping) this.#release();
    this.wake();
    this.#endIfEmpty();
    await done;
    clearInterval(timer);
  }

  stop(): void {
    this.#stopping = true;
    this.parts.control.stop();
    this.#release();
    this.#endIfEmpty();
  }

  #release(): void {
    for (const takeBack of this.#requests.values()) takeBack();
    this.#requests.clear();
    if (this.#acceptors.length > 0) this.parts.source.release();
    this.#acceptors = [];
  }

  /** Hands on what waits, and asks for more as long as there are slots. */
  wake(): void {
    if (this.#pool === undefined) return;
    this.#dispatch();
    for (const acceptor of this.#acceptors) {
      if (this.#requests.has(acceptor)) continue;
      if (this.#pool.idleSlots <= this.#waiting.length) return;
      this.#requests.set(
        acceptor,
        acceptor.request({
          take: (connection) => {
            this.#requests.delete(acceptor);
            this.#begin(connection);
            this.wake();
          },
          fail: (error) => {
            // The next look asks again.
            this.#requests.delete(acceptor);
            this.#acceptFailed(error);
          },
        }),
      );
    }
  }

  #acceptFailed(error: unknown): void {
    this.events.onAcceptError(error instanceof Error ? error.message : String(error), false);
  }

  #begin(connection: Deno.Conn): void {
    const id = this.#nextId++;
    if (connection.remoteAddr.transport === "tcp") (connection as Deno.TcpConn).setNoDelay(true);
    let thread = -1;
    const relayed = new Relayed(id, connection, {
      post: (message) => this.#links[thread]?.post(message),
      onClosed: () => this.#closed(id, thread),
    });
    this.#accepted.set(id, {
      relayed,
      peer: endpoint(connection.remoteAddr),
      local: endpoint(connection.localAddr),
      take: (index) => thread = index,
    });
    this.parts.control.addConnection();
    this.#waiting.push(id);
    this.#dispatch();
    if (this.policy.maxConnections > 0 && ++this.#count === this.policy.maxConnections) {
      this.events.onExhausted();
    }
  }

  #dispatch(): void {
    const pool = this.#pool!;
    while (this.#waiting.length > 0) {
      const thread = pool.pick();
      if (thread < 0) return;
      const id = this.#waiting.shift()!;
      this.#accepted.get(id)!.take(thread);
      pool.hand(id, thread);
    }
  }

  #closed(id: number, thread: number): void {
    this.#accepted.delete(id);
    this.parts.control.removeConnection();
    if (thread >= 0) {
      this.#links[thread].forget(id);
      this.#pool?.returnReserved(thread);
    }
    this.wake();
    this.#endIfEmpty();
  }

  #endIfEmpty(): void {
    if (this.#stopping && this.#accepted.size === 0) this.#done();
  }

  #tick(): void {
    const { scoreboard, child, control } = this.parts;
    const now = clock();
    this.#pool?.observe(now);
    this.#usage.publish(now);
    scoreboard.setChild(child, ChildField.ThreadsStuck, this.#pool?.stuck ?? 0);
    scoreboard.setChild(child, ChildField.Connections, control.connections);
    scoreboard.setChild(child, ChildField.Accepted, this.#nextId - 1);
    this.wake();
  }
}

function endpoint(address: Deno.Addr): Endpoint {
  if (address.transport !== "tcp") return { address: "unix", port: 0 };
  return { address: address.hostname.replace(/^::ffff:(?=\d+\.)/i, ""), port: address.port };
}
