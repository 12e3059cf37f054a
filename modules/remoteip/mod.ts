// For whom is a request that a proxy brings? mod_remoteip: the field of the request, or the PROXY header of the connection, that says so.

import { ConfigError, parseSubnet, type ServerConfig } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { hostAddresses } from "../authz_host/host_names.ts";
import type { Believed, Forwarded } from "./forwarded.ts";
import { remoteIp, remoteIpDirectives, type RemoteIpSettings, type TrustedProxy } from "./settings.ts";
import type { ProxiedConnections } from "./proxied_connections.ts";

/** Lists that are kept with what was found for them, per host and thread, and their length. */
const MOST_KEPT = 1024;
const LONGEST_KEPT = 100;

type Finder = typeof import("./forwarded.ts")["findClient"];

/** The networks of a proxy; of a name, its addresses. */
async function networks({ of, internal }: TrustedProxy): Promise<Believed[]> {
  if (typeof of !== "string") return [{ subnet: of, internal }];
  const known = hostAddresses(of);
  if (known instanceof Promise) await known;
  const addresses = known instanceof Promise ? hostAddresses(of) : known;
  if (addresses instanceof Promise) throw new Error(`the addresses of ${of} are not known for long enough`);
  return addresses.map((address) => ({ subnet: parseSubnet(address), internal }));
}

/** All lists of proxies, each once. */
function listsOf({ main, hosts }: ServerConfig): ReadonlySet<readonly TrustedProxy[]> {
  return new Set([main, ...hosts].flatMap(({ store }) => [store.get(remoteIp).proxies ?? []]));
}

async function checkConfig(config: ServerConfig): Promise<void> {
  for (const proxy of [...listsOf(config)].flat()) {
    if ((await networks(proxy)).length > 0) continue;
    const { where, directive, of } = proxy;
    throw new ConfigError(
      where,
      `RemoteIP: Error parsing IP ${of} (Name or service not known error) for ${directive}`,
      directive,
    );
  }
}

function hooks({ main, hosts }: ServerConfig): ModuleHooks {
  const isUsed = [main, ...hosts].some(({ store }) => {
    const { header, proxyProtocol } = store.get(remoteIp);
    return header !== undefined || proxyProtocol === true;
  });
  if (!isUsed) return {};
  let log: ThreadContext["log"];
  let findClient: Finder | undefined;
  let proxied: ProxiedConnections | undefined;
  const answers = new Map<RemoteIpSettings, Map<string, Forwarded>>();
  const believed = new Map<readonly TrustedProxy[], readonly Believed[]>();

  async function threadInit(context: ThreadContext): Promise<void> {
    const { config } = context;
    log = context.log;
    const stores = [config.main, ...config.hosts].map(({ store }) => store.get(remoteIp));
    if (stores.some(({ proxyProtocol }) => proxyProtocol === true)) {
      proxied = new (await import("./proxied_connections.ts")).ProxiedConnections(context);
    }
    if (!stores.some(({ header }) => header !== undefined)) return;
    ({ findClient } = await import("./forwarded.ts"));
    for (const list of listsOf(config)) {
      believed.set(list, (await Promise.all(list.map(networks))).flat());
    }
  }

  /** What was found for a list not long ago: a client that asks once mostly asks again. */
  function recent(settings: RemoteIpSettings, list: string, peer: string, find: () => Forwarded): Forwarded {
    if (list.length > LONGEST_KEPT) return find();
    let known = answers.get(settings);
    if (known === undefined) answers.set(settings, known = new Map());
    const key = `${peer} ${list}`;
    let found = known.get(key);
    if (found !== undefined) return found;
    if (known.size >= MOST_KEPT) known.clear();
    found = find();
    known.set(key, found);
    return found;
  }

  /** What `exchange` says of its client. */
  function follow(exchange: Exchange, find: Finder): void {
    const settings = exchange.vhost.store.get(remoteIp);
    const { header, proxies, proxiesHeader } = settings;
    const { transport } = exchange;
    // What was found out holds for redirects and parts too.
    if (header === undefined || exchange.forwardedFor !== undefined) return;
    if (proxied?.expects(transport.local, transport.peer) === true) return;
    const list = exchange.head.get(header.key);
    if (list === undefined) return;
    const peer = transport.client;
    const found = recent(
      settings,
      list,
      peer.address,
      () => find(header.name, list, peer.address, proxies && believed.get(proxies)),
    );
    const { client, problem } = found;
    if (problem !== undefined) log("debug", problem.ah, problem.message, exchange);
    exchange.forwardedFor = client === undefined ? peer : { address: client, port: 0 };
    if (client === undefined) return;
    if (found.proxies !== "") {
      (exchange.ownNotes ??= new Map()).set("remoteip-proxy-ip-list", found.proxies);
    }
    const listed = found.proxies === "" ? undefined : proxiesHeader;
    // Mostly all of it has been used, and nothing has to be copied.
    if (found.rest === undefined && listed === undefined) return exchange.head.dropName(header.key);
    const replaced = listed?.toLowerCase();
    const fields = [...exchange.head.entries()].filter(([name]) => {
      const lower = name.toLowerCase();
      return lower !== header.key && lower !== replaced;
    });
    if (found.rest !== undefined) fields.push([header.name, found.rest]);
    if (listed !== undefined) fields.push([listed, found.proxies]);
    exchange.detach();
    exchange.head = exchange.head.withFields(fields);
  }

  return {
    threadInit,
    proxyProtocol: () => proxied,
    postReadRequest(exchange) {
      if (findClient !== undefined) follow(exchange, findClient);
    },
  };
}

export const remoteip: ServerModule = {
  name: "remoteip_module",
  source: "mod_remoteip.c",
  directives: remoteIpDirectives,
  checkConfig,
  hooks,
};
