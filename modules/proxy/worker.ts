// What is known of one backend in one thread? Its connections, those in use and those that wait for the next request, and how it fares.

import type { Destination, Outgoing, OutgoingConnection, OutgoingUser } from "../../mpm/mod.ts";
import { Addresses } from "./addresses.ts";
import type { BackendUrl } from "./config.ts";
import type { WorkerValues } from "./parameters.ts";

/** How long (ms) a backend that could not be connected to is left alone where nobody says (retry). */
const RETRY_MS = 60_000;

/** Ports that go without saying, by scheme. */
export const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  http: 80,
  https: 443,
  ws: 80,
  wss: 443,
  fcgi: 8000,
  scgi: 4000,
  uwsgi: 3031,
};

/** What a backend's connections have in common. */
export interface WorkerParts {
  readonly url: BackendUrl;
  readonly values: WorkerValues;
  /** Connections of this thread at most; undefined: as many as it has requests. */
  readonly most: number | undefined;
  /** Requests may follow each other on a connection. */
  readonly reuse: boolean;
  readonly sourceAddress: string | undefined;
  readonly outgoing: () => Outgoing;
}

/** Somebody who waits for a connection. */
interface Waiter {
  readonly user: OutgoingUser;
  readonly got: (lease: Lease | string) => void;
}

/** A connection for one request. */
export interface Lease {
  readonly connection: OutgoingConnection;
  /** Other requests have been made on it. */
  readonly reused: boolean;
}

/** One backend, as its thread sees it. */
export class Worker {
  readonly url: BackendUrl;
  readonly values: WorkerValues;
  /** `host:port`, or the socket, for people. */
  readonly label: string;
  readonly addresses: Addresses | undefined;
  /** Requests in hand. */
  busy = 0;
  /** Until when (performance.now()) it is left alone; 0: it is not. */
  #failedUntil = 0;
  #inUse = 0;
  readonly #idle: OutgoingConnection[] = [];
  readonly #waiters: Waiter[] = [];

  constructor(readonly parts: WorkerParts) {
    const { url, values } = parts;
    this.url = url;
    this.values = values;
    const port = url.port ?? DEFAULT_PORTS[url.scheme] ?? 80;
    this.label = url.socket ?? `${url.host.includes(":") ? `[${url.host}]` : url.host}:${port}`;
    if (url.socket === undefined) this.addresses = new Addresses(url.host, port, values.addressTtl);
  }

  /** True while it is left alone because it could not be reached. */
  get failed(): boolean {
    return this.#failedUntil > 0 && performance.now() < this.#failedUntil;
  }

  noteFailure(): void {
    if (this.values.status?.ignoreErrors === true) return;
    this.#failedUntil = performance.now() + (this.values.retry ?? RETRY_MS);
  }

  noteSuccess(): void {
    this.#failedUntil = 0;
  }

  /** Where to connect; a promise while that is being found out. */
  destinations(): readonly Destination[] | Promise<readonly Destination[]> {
    const { addresses, parts: { url, sourceAddress } } = this;
    if (addresses === undefined) return [{ kind: "unix", path: url.socket! }];
    const found = addresses.get();
    const made = (each: readonly string[]) =>
      each.map((address) => addresses.destination(address, sourceAddress));
    return found instanceof Promise ? found.then(made) : made(found);
  }

  /** A connection that is there already and quiet. */
  takeIdle(user: OutgoingUser): Lease | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      if (!connection.isQuiet()) {
        connection.close();
        continue;
      }
      this.#inUse++;
      connection.user = user;
      connection.setTimer(0);
      return { connection, reused: true };
    }
  }

  /** True when all connections that there may be are in use. */
  get full(): boolean {
    const { most } = this.parts;
    return most !== undefined && this.#inUse >= most;
  }

  /** Begins to connect. A text: why it cannot be done. */
  connect(to: Destination, user: OutgoingUser): Lease | string {
    const connection = this.parts.outgoing().connect(to, user);
    if (typeof connection === "string") return connection;
    this.#inUse++;
    return { connection, reused: false };
  }

  /** `got` is called with a connection, or undefined to try again, once another request has done with one. */
  await(user: OutgoingUser, got: Waiter["got"]): () => void {
    const waiter = { user, got };
    this.#waiters.push(waiter);
    return () => {
      const at = this.#waiters.indexOf(waiter);
      if (at >= 0) this.#waiters.splice(at, 1);
    };
  }

  /** A request has done with its connection. `reusable`: the next may have it. */
  release({ connection }: Lease, reusable: boolean): void {
    this.#inUse--;
    const { values, parts: { reuse } } = this;
    const keeps = reusable && reuse && !connection.closed &&
      (values.smax === undefined || this.#idle.length < values.smax || values.ttl !== undefined);
    if (!keeps) connection.close();
    else {
      const idle = new IdleUser(connection, this.#idle);
      connection.user = idle;
      connection.setReading(true);
      connection.setTimer(values.ttl ?? 0);
      this.#idle.push(connection);
    }
    const waiter = this.#waiters.shift();
    if (waiter !== undefined) waiter.got(this.takeIdle(waiter.user) ?? "again");
  }

  /** Connections that wait for a request; all are open as far as is known. */
  get idleCount(): number {
    return this.#idle.length;
  }

  /** The thread ends. */
  close(): void {
    for (const connection of this.#idle.splice(0)) connection.close();
  }
}

/** Watches a connection that nobody uses: whatever happens there, it is of no use any more. */
class IdleUser implements OutgoingUser {
  constructor(readonly connection: OutgoingConnection, readonly list: OutgoingConnection[]) {}

  #drop(): void {
    const at = this.list.indexOf(this.connection);
    if (at >= 0) this.list.splice(at, 1);
    this.connection.close();
  }

  onConnected(): void {}

  onDrained(): void {}

  onData(): void {
    this.#drop();
  }

  onEnd(): void {
    this.#drop();
  }

  onTimeout(): void {
    this.#drop();
  }

  onFailed(): void {
    this.#drop();
  }
}
