// Which sockets does the server listen on? The control process binds them with Deno.listen and keeps them, as bare descriptors
// that children inherit, for as long as the configuration names them: a restart closes none that stays.

import * as posix from "../platform/posix.ts";
import { BindError, listenOn } from "./bind.ts";
import type { ConnectionModel, ServingOrder } from "./child_order.ts";
import { SLICE_MS } from "./thread_loops.ts";
import type { ListenAddress, MpmSettings } from "./types.ts";
import type { Endpoint } from "./transport.ts";

/** What a serving process is told of sockets. */
export type SocketOrder = Pick<ServingOrder, "sockets" | "relay">;

/** The addresses that a server listens on. */
export interface ServerSockets {
  /** Makes them what the settings say. @throws BindError naming the address; everything is then as before */
  configure(settings: MpmSettings): void;
  readonly endpoints: readonly Endpoint[];
  /** For a serving process: a child, which inherits the descriptors, or this one, which gets some of its own. */
  order(child: boolean): SocketOrder;
  close(): void;
}

/** A socket that listens. */
interface ListeningSocket {
  readonly key: string;
  readonly fd: number;
  /** What it is bound to (the port is real even where 0 was asked for). */
  readonly endpoint: Endpoint;
  readonly protocol: string;
  /** The address differs from connection to connection. */
  readonly wildcard: boolean;
}

/** httpd's default for ListenBacklog. */
const DEFAULT_BACKLOG = 511;
/** A connection without data is held back by the kernel this long (AcceptFilter http data), in seconds. */
const DEFER_SECONDS = 30;

/** The listening sockets of a server. `model` says how their connections are waited for. */
export class ListeningSockets implements ServerSockets {
  #sockets: ListeningSocket[] = [];

  constructor(readonly model: ConnectionModel) {}

  get endpoints(): readonly Endpoint[] {
    return this.#sockets.map(({ endpoint }) => endpoint);
  }

  order(child: boolean): SocketOrder {
    return {
      sockets: this.#sockets.map(({ fd, endpoint, wildcard }) => ({
        fd: child ? fd : posix.duplicate(fd, false),
        local: wildcard ? null : endpoint,
      })),
    };
  }

  /** Sockets that stay are kept, new ones bound, then those no longer named closed. */
  configure(settings: MpmSettings): void {
    const added: ListeningSocket[] = [];
    const wanted = settings.listen.map((address) => {
      const key = `${address.host}:${address.port}`;
      const kept = this.#sockets.find((socket) => socket.key === key);
      if (kept !== undefined) return kept;
      try {
        const socket = bind(key, address, [...this.#sockets, ...added].map(({ fd }) => fd));
        added.push(socket);
        return socket;
      } catch (error) {
        for (const socket of added) posix.close(socket.fd);
        throw error;
      }
    });
    for (const socket of this.#sockets) if (!wanted.includes(socket)) posix.close(socket.fd);
    for (const { fd } of wanted) {
      posix.setBacklog(fd, settings.listenBacklog ?? DEFAULT_BACKLOG);
      // Threads wait in recv() for connections that are their own: in slices.
      if (this.model !== "shared") posix.setPatience(fd, SLICE_MS);
    }
    this.#sockets = wanted;
  }

  close(): void {
    for (const { fd } of this.#sockets) posix.close(fd);
    this.#sockets = [];
  }
}

function bind(key: string, address: ListenAddress, taken: readonly number[]): ListeningSocket {
  const listener = listenOn(address);
  const fd = keepDescriptor(listener.addr, taken);
  listener.close();
  posix.setDeferAccept(fd, DEFER_SECONDS);
  const { hostname: bound, port } = listener.addr;
  return {
    key,
    fd,
    endpoint: { address: bound, port },
    protocol: address.protocol,
    wildcard: isWildcard(bound),
  };
}

function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/**
 * A descriptor of our own for the socket that Deno.listen made, inheritable by children. Deno's is closed afterwards: as long
 * as it is open, its event loop is woken for every connection that a child accepts.
 */
function keepDescriptor(addr: Deno.NetAddr, taken: readonly number[]): number {
  const limit = Math.min(posix.descriptorLimit(), 65536);
  for (let fd = 3; fd < limit; fd++) {
    if (taken.includes(fd) || !posix.isListening(fd)) continue;
    const found = posix.endpoint(posix.localAddress(fd));
    if (found.port === addr.port && found.address === addr.hostname) return posix.duplicate(fd, true);
  }
  throw new BindError(`the descriptor of ${addr.hostname}:${addr.port} was not found`);
}
