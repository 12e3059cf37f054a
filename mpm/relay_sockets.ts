// Which sockets are there where descriptors cannot be passed? Those that the serving process binds for itself, and keeps from
// one generation to the next. A control process only makes sure that they can be bound.

import { listenOn } from "./bind.ts";
import { Acceptor } from "./acceptor.ts";
import type { ServerSockets, SocketOrder } from "./listeners.ts";
import type { Endpoint } from "./transport.ts";
import type { ListenAddress, MpmSettings } from "./types.ts";

/** Where a listener that relays gets its sockets from. */
export interface RelaySource {
  /** @throws BindError */
  acquire(): Promise<readonly Acceptor[]>;
  /** It accepts no more. */
  release(): void;
}

function keyOf({ host, port }: ListenAddress): string {
  return `${host}:${port}`;
}

/** The addresses of a server with a child: all that is done here is to see that they can be bound. */
export class CheckedRelaySockets implements ServerSockets {
  #listen: readonly ListenAddress[] = [];

  configure({ listen }: MpmSettings): void {
    const held = new Set(this.#listen.map(keyOf));
    for (const address of listen) if (!held.has(keyOf(address))) listenOn(address).close();
    this.#listen = [...listen];
  }

  get endpoints(): readonly Endpoint[] {
    return this.#listen.map(endpointOf);
  }

  order(): SocketOrder {
    return { sockets: [], relay: { listen: this.#listen } };
  }

  close(): void {}
}

interface Held {
  readonly address: ListenAddress;
  readonly acceptor: Acceptor;
}

/** The sockets of a process that serves: its generations accept from the same ones. */
export class HeldRelaySockets implements ServerSockets, RelaySource {
  #held: Held[] = [];

  configure({ listen }: MpmSettings): void {
    const added: Held[] = [];
    const wanted = listen.map((address) => {
      const kept = this.#held.find((held) => keyOf(held.address) === keyOf(address));
      if (kept !== undefined) return kept;
      try {
        const one = { address, acceptor: new Acceptor(listenOn(address)) };
        added.push(one);
        return one;
      } catch (error) {
        for (const { acceptor } of added) acceptor.close();
        throw error;
      }
    });
    for (const held of this.#held) if (!wanted.includes(held)) held.acceptor.close();
    this.#held = wanted;
  }

  get endpoints(): readonly Endpoint[] {
    return this.#held.map(({ address }) => endpointOf(address));
  }

  order(): SocketOrder {
    return { sockets: [], relay: { listen: this.#held.map(({ address }) => address) } };
  }

  acquire(): Promise<readonly Acceptor[]> {
    return Promise.resolve(this.#held.map(({ acceptor }) => acceptor));
  }

  /** The next generation goes on with them. */
  release(): void {}

  close(): void {
    for (const { acceptor } of this.#held.splice(0)) acceptor.close();
  }
}

function endpointOf({ host, port }: ListenAddress): Endpoint {
  return { address: host === "" ? "0.0.0.0" : host, port };
}
