// Which connections begin with a PROXY header? Those to the addresses of hosts that say RemoteIPProxyProtocol On, but for excepted peers.

import type { Endpoint, ProxyHeader, ProxyProtocolPolicy } from "../../mpm/mod.ts";
import { canonicalAddress, type HostAddress, inSubnet, type Subnet } from "../../server/config/mod.ts";
import { CORE_DEFAULTS, coreServer } from "../../server/core/config.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { readProxyHeader } from "./proxy_header.ts";
import { remoteIp } from "./settings.ts";

/** The main server's are all. */
const ANY: HostAddress = { kind: "any", host: "*", port: undefined };

function covers({ kind, host, port }: HostAddress, { address, port: number }: Endpoint): boolean {
  return (port === undefined || port === number) && (kind === "any" || host === canonicalAddress(address));
}

/** Of one thread. */
export class ProxiedConnections implements ProxyProtocolPolicy {
  readonly patience: number;
  readonly #on: readonly HostAddress[];
  readonly #off: readonly HostAddress[];
  readonly #exceptions: readonly Subnet[];

  constructor(readonly thread: ThreadContext) {
    const { main, hosts } = thread.config;
    const addresses = { on: new Map<string, HostAddress>(), off: new Map<string, HostAddress>() };
    for (const { store, addresses: own } of [main, ...hosts]) {
      const { proxyProtocol } = store.get(remoteIp);
      if (proxyProtocol === undefined) continue;
      for (const address of own.length > 0 ? own : [ANY]) {
        // The last that says something of an address is right.
        const name = `${address.host} ${address.port}`;
        addresses[proxyProtocol ? "off" : "on"].delete(name);
        addresses[proxyProtocol ? "on" : "off"].set(name, address);
      }
    }
    this.#on = [...addresses.on.values()];
    this.#off = [...addresses.off.values()];
    this.#exceptions = [main, ...hosts].flatMap(({ store }) => store.get(remoteIp).exceptions);
    const { headTimeout, timeout } = { ...CORE_DEFAULTS, ...main.store.get(coreServer) };
    this.patience = headTimeout.initial || timeout;
  }

  expects(local: Endpoint, peer: Endpoint): boolean {
    return this.#on.some((address) => covers(address, local)) &&
      !this.#off.some((address) => covers(address, local)) &&
      !this.#exceptions.some((subnet) => inSubnet(peer.address, subnet));
  }

  read(bytes: Uint8Array, length: number): ProxyHeader {
    return readProxyHeader(bytes, length);
  }

  onRefused(
    local: Endpoint,
    peer: Endpoint,
    { ah, message }: Extract<ProxyHeader, { kind: "refused" }>,
  ): void {
    if (message === undefined) return;
    const who = `(server ${local.address}:${local.port}, client ${peer.address}:${peer.port})`;
    this.thread.log("error", ah, `${message} ${who}`);
  }
}
