// Which virtual host is a request for? First the hosts on the address that the connection came to, the best matching address
// alone; among them the first that has the name asked for; else the first of them.

import { canonicalAddress } from "./addresses.ts";
import { compileGlob } from "./glob.ts";
import type { ServerConfig, VirtualServer } from "./server_config.ts";

/** Answers that are kept per address, and addresses that are kept: both come from clients. */
const KEPT_ANSWERS = 1000;

/** The hosts of one `addr[:port]`. */
class HostChain {
  /** Names to the first host that has them; the number is the host's place. */
  readonly #exact = new Map<string, number>();
  readonly #patterns: { readonly place: number; matches(name: string): boolean }[] = [];
  /** The names that <VirtualHost> itself gives: they count after all ServerNames and ServerAliases. */
  readonly #ownAddresses = new Map<string, number>();
  readonly #answers = new Map<string, VirtualServer>();
  readonly #hosts: readonly VirtualServer[];

  constructor(hosts: readonly VirtualServer[]) {
    this.#hosts = hosts;
    hosts.forEach(({ names, addresses }, place) => {
      const aliases = names.aliases.filter((alias) => !/[*?]/.test(alias));
      for (const name of names.name === undefined ? aliases : [names.name, ...aliases]) {
        addFirst(this.#exact, name, place);
      }
      for (const alias of names.aliases) {
        if (/[*?]/.test(alias)) this.#patterns.push({ place, matches: compileGlob(alias) });
      }
      for (const { kind, host } of addresses) if (kind !== "any") addFirst(this.#ownAddresses, host, place);
    });
  }

  /** The host for a Host field, which may have a port and any case. */
  named(hostHeader: string): VirtualServer {
    const known = this.#answers.get(hostHeader);
    if (known !== undefined) return known;
    const found = this.#hosts[this.#placeOf(bareName(hostHeader)) ?? 0];
    if (this.#answers.size >= KEPT_ANSWERS) this.#answers.clear();
    this.#answers.set(hostHeader, found);
    return found;
  }

  /** True when a host has this name, or was given it as an address. */
  knows(hostHeader: string): boolean {
    return this.#placeOf(bareName(hostHeader)) !== undefined;
  }

  #placeOf(name: string): number | undefined {
    const exact = this.#exact.get(name) ?? Infinity;
    const pattern = this.#patterns.find(({ place, matches }) => place < exact && matches(name))?.place ??
      exact;
    if (pattern !== Infinity) return pattern;
    return this.#ownAddresses.get(canonicalAddress(name.replace(/^\[|\]$/g, "")) ?? name);
  }

  /** The host of a request without a Host field: by ServerPath, or the first one. */
  unnamed(path: string | undefined): VirtualServer {
    const byPath = path === undefined
      ? undefined
      : this.#hosts.find(({ names }) => isBelow(path, names.path));
    return byPath ?? this.#hosts[0];
  }
}

function addFirst(places: Map<string, number>, name: string, place: number): void {
  if (!places.has(name)) places.set(name, place);
}

function isBelow(path: string, start: string | undefined): boolean {
  return start !== undefined && path.startsWith(start) &&
    (start.endsWith("/") || path.length === start.length || path[start.length] === "/");
}

/** A Host field without port and final dot, in lower case. */
function bareName(hostHeader: string): string {
  return hostHeader.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
}

/** All chains of a configuration. */
export class HostTable {
  readonly #main: VirtualServer;
  /** For the names of the main server alone. */
  #mainChain: HostChain | undefined = undefined;
  /** By `addr:port`, `addr:*`, `*:port` and `*:*`; a name stands under `*`, for nobody looks it up. */
  readonly #chains = new Map<string, HostChain>();
  /** By local address, then port: the chain, or undefined for the main server. */
  readonly #known = new Map<string, Map<number, HostChain | undefined>>();

  constructor(main: VirtualServer, hosts: readonly VirtualServer[]) {
    this.#main = main;
    const lists = new Map<string, Set<VirtualServer>>();
    for (const host of hosts) {
      for (const { kind, host: address, port } of host.addresses) {
        const key = `${kind === "ip" ? address : "*"}:${port ?? "*"}`;
        const list = lists.get(key) ?? new Set();
        lists.set(key, list.add(host));
      }
    }
    for (const [key, list] of lists) this.#chains.set(key, new HostChain([...list]));
  }

  /** See {@linkcode selectVirtualHost}. */
  select(
    address: string,
    port: number,
    hostHeader: string | undefined,
    path: string | undefined,
  ): VirtualServer {
    const chain = this.#chainOf(address, port);
    if (chain === undefined) return this.#main;
    return hostHeader === undefined || hostHeader === "" ? chain.unnamed(path) : chain.named(hostHeader);
  }

  /** True when a host on this address has the name asked for; where there is none, the main server. */
  knows(address: string, port: number, hostHeader: string): boolean {
    const chain = this.#chainOf(address, port) ?? (this.#mainChain ??= new HostChain([this.#main]));
    return chain.knows(hostHeader);
  }

  #chainOf(address: string, port: number): HostChain | undefined {
    let ports = this.#known.get(address);
    const known = ports?.get(port);
    if (known !== undefined || ports?.has(port)) return known;
    const canonical = canonicalAddress(address) ?? address;
    const keys = [`${canonical}:${port}`, `${canonical}:*`, `*:${port}`, "*:*"];
    const chain = keys.map((key) => this.#chains.get(key)).find((found) => found !== undefined);
    if (ports === undefined) {
      if (this.#known.size >= KEPT_ANSWERS) this.#known.clear();
      this.#known.set(address, ports = new Map());
    }
    ports.set(port, chain);
    return chain;
  }
}

/**
 * The virtual host of a request that came to `localAddress` and `localPort`. The best address counts alone: address and port,
 * address, port, neither; without any the main server answers. `hostHeader` is the host asked for, with or without port; without
 * it, `path` may select by ServerPath.
 */
export function selectVirtualHost(
  config: ServerConfig,
  localAddress: string,
  localPort: number,
  hostHeader: string | undefined,
  path?: string,
): VirtualServer {
  return config.hostTable.select(localAddress, localPort, hostHeader, path);
}
