// Which virtual host is a request for, and is the name that it asks for here at all? For one thread, from an Exchange.

import { selectVirtualHost, type ServerConfig, strictHostCheck, type VirtualServer } from "../config/mod.ts";
import type { Exchange } from "./exchange.ts";

/** Finds hosts. */
export class Hosts {
  /** The main server, then the virtual hosts. */
  readonly all: readonly VirtualServer[];
  readonly #config: ServerConfig;
  /** Some host has StrictHostCheck On. */
  readonly #strict: boolean;

  constructor(config: ServerConfig) {
    this.#config = config;
    this.all = [config.main, ...config.hosts];
    this.#strict = this.all.some(({ store }) => store.get(strictHostCheck).on === true);
  }

  /** The host for address, name and, for a client that names none, path. */
  of({ head, transport }: Exchange): VirtualServer {
    const config = this.#config;
    if (config.hosts.length === 0) return config.main;
    const { address, port } = transport.local;
    const path = head.host === undefined ? head.target.split("?", 1)[0] : undefined;
    return selectVirtualHost(config, address, port, head.host, path);
  }

  /** StrictHostCheck: the client asks for a name that is not here. `exchange.vhost` is what of() has found. */
  refuses({ vhost, head, transport }: Exchange): boolean {
    if (!this.#strict || head.host === undefined) return false;
    const { address, port } = transport.local;
    return vhost.store.get(strictHostCheck).on === true &&
      !this.#config.hostTable.knows(address, port, head.host);
  }
}
