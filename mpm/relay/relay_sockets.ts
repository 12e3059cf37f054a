// Which sockets are there where descriptors cannot be passed? Those that the serving process binds for itself, and keeps from
// one generation to the next. A control process only makes sure that they can be bound.

import { Acceptor } from "./acceptor.ts";
import { type Bound, rebind } from "../listening/bind.ts";
import { cannotBind } from "../listening/bind_error.ts";
import type { Remaining } from "../shared/child_order.ts";
import { addressText, isUnix, urlText, withPort } from "../listening/listen_addresses.ts";
import type { ServerSockets, SocketOrder } from "../listening/listeners.ts";
import type { ListenAddress, LogFunction, MpmSettings } from "../types.ts";

/** Where a listener that relays gets its sockets from. */
export interface RelaySource {
  /** @throws BindError */
  acquire(): Promise<readonly Acceptor[]>;
  /** It accepts no more. */
  release(): void;
}

/** @throws BindError */
function listenOn(address: ListenAddress): Deno.TcpListener {
  const text = addressText(address);
  if (isUnix(address)) throw cannotBind("Unix-domain sockets need descriptors that can be passed", text);
  try {
    return Deno.listen({ hostname: address.host, port: address.port });
  } catch (error) {
    throw cannotBind(error instanceof Error ? error.message : String(error), text);
  }
}

const NOTHING_REMAINS: Remaining = { sockets: [], backlog: 0 };

/** The addresses of a server with a child: all that is done here is to see that they can be bound. */
export class CheckedRelaySockets implements ServerSockets {
  /** With the address that a child is to bind: where the configuration leaves the port open, one that was free at the start. */
  #bound: readonly Bound<ListenAddress>[] = [];
  readonly remaining = NOTHING_REMAINS;

  constructor(readonly log: LogFunction) {}

  configure({ listen }: MpmSettings): void {
    const opened: Deno.TcpListener[] = [];
    try {
      this.#bound = rebind(this.#bound, listen, {
        bind: (address) => {
          const listener = listenOn(address);
          opened.push(listener);
          return withPort(address, listener.addr.port);
        },
        close: () => {},
        warn: (message) => this.log("crit", undefined, message),
      });
    } finally {
      for (const listener of opened) listener.close();
    }
  }

  get addresses(): readonly string[] {
    return this.#bound.map(({ socket }) => urlText(socket));
  }

  order(): SocketOrder {
    return { sockets: [], relay: { listen: this.#bound.map(({ socket }) => socket) } };
  }

  orderFor(): SocketOrder {
    return this.order();
  }

  leaveTo<T>(_row: number, start: () => T): T {
    return start();
  }

  close(): void {}
}

/** The sockets of a process that serves: its generations accept from the same ones. */
export class HeldRelaySockets implements ServerSockets, RelaySource {
  #held: Bound<Acceptor>[] = [];
  readonly remaining = NOTHING_REMAINS;

  constructor(readonly log: LogFunction) {}

  configure({ listen }: MpmSettings): void {
    this.#held = rebind(this.#held, listen, {
      bind: (address) => new Acceptor(listenOn(address)),
      close: (acceptor) => acceptor.close(),
      warn: (message) => this.log("crit", undefined, message),
    });
  }

  get addresses(): readonly string[] {
    return this.#held.map(({ address, socket }) => urlText(withPort(address, socket.port)));
  }

  order(): SocketOrder {
    return { sockets: [], relay: { listen: this.#held.map(({ address }) => address) } };
  }

  orderFor(): SocketOrder {
    return this.order();
  }

  leaveTo<T>(_row: number, start: () => T): T {
    return start();
  }

  acquire(): Promise<readonly Acceptor[]> {
    return Promise.resolve(this.#held.map(({ socket }) => socket));
  }

  /** The next generation goes on with them. */
  release(): void {}

  close(): void {
    for (const { socket } of this.#held.splice(0)) socket.close();
  }
}
