// Which proxies are believed, and what do they say? The directives of mod_remoteip.

import {
  ArgumentError,
  type Context,
  type Directive,
  flag,
  parseSubnet,
  serverKey,
  type Subnet,
  type Target,
  type Where,
  words,
} from "../../server/config/mod.ts";
import { isAbsolute, join } from "@std/path";

/** Who may say for whom a request is; `internal`: also for addresses of private networks, and it is no proxy that anybody hears of. */
export interface TrustedProxy {
  /** A host, which has to be looked up, or a network. */
  readonly of: string | Subnet;
  readonly internal: boolean;
  readonly where: Where;
  readonly directive: string;
}

/** Of a virtual host. */
export interface RemoteIpSettings {
  /** RemoteIPHeader. */
  header: { readonly name: string; readonly key: string } | undefined;
  /** RemoteIPProxiesHeader. */
  proxiesHeader: string | undefined;
  /** Those of the host, or of the main server if it has none. */
  proxies: readonly TrustedProxy[] | undefined;
  /** RemoteIPProxyProtocol of this host itself, and the networks that are excepted. */
  proxyProtocol: boolean | undefined;
  exceptions: readonly Subnet[];
}

/** The values of a virtual host. */
export const remoteIp = serverKey<RemoteIpSettings>("remoteip", {
  create: () => ({
    header: undefined,
    proxiesHeader: undefined,
    proxies: undefined,
    proxyProtocol: undefined,
    exceptions: [],
  }),
  merge: (base, over) => ({
    header: over.header ?? base.header,
    proxiesHeader: over.proxiesHeader ?? base.proxiesHeader,
    proxies: over.proxies ?? base.proxies,
    // Of addresses: those of the main server are not the host's.
    proxyProtocol: over.proxyProtocol,
    exceptions: over.exceptions,
  }),
});

const HOSTS: readonly Context[] = ["server config", "virtual host"];

/** @throws ArgumentError */
function addProxy(text: string, internal: boolean, directive: string, to: Target, where: Where): void {
  const [host, mask, ...more] = text.split("/");
  const isAddress = host.includes(":") || /^[\d.]*$/.test(host);
  if (!isAddress && mask !== undefined) {
    throw new ArgumentError(
      `RemoteIP: Error parsing IP ${text} the subnet /${
        [mask, ...more].join("/")
      } is invalid for ${directive}`,
    );
  }
  const settings = to.server.get(remoteIp);
  const of = isAddress ? subnet(text, directive) : host;
  settings.proxies = [...settings.proxies ?? [], { of, internal, where, directive }];
}

function subnet(text: string, directive: string): Subnet {
  try {
    return parseSubnet(text);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new ArgumentError(
      `RemoteIP: Error parsing IP ${text} (The specified IP address is invalid. error) for ${directive}`,
    );
  }
}

function proxies(name: string, internal: boolean): readonly Directive[] {
  const kind = internal ? "internal" : "trusted";
  const list = `${name}List`;
  return [{
    name,
    contexts: HOSTS,
    args: [1, Infinity],
    syntax: `${name} proxy-ip|proxy-ip/subnet|hostname ...`,
    help: internal
      ? "Proxies of one's own that may say for whom a request is, also for private addresses"
      : "Proxies that may say for whom a request is",
    apply(texts, to, where) {
      for (const text of texts) addProxy(text, internal, name, to, where);
    },
  }, {
    name: list,
    contexts: HOSTS,
    args: 1,
    syntax: `${list} filename`,
    help: `A file that lists ${kind} proxies`,
    apply([file], to, where) {
      const path = isAbsolute(file) ? file : join(to.serverRoot, file);
      for (const [at, line] of linesOf(path, list).entries()) {
        for (const text of words(line.trim())) {
          if (text.startsWith("#")) break;
          try {
            addProxy(text, internal, list, to, where);
          } catch (error) {
            if (!(error instanceof ArgumentError)) throw error;
            throw new ArgumentError(`${error.message} at line ${at + 1} of ${path}`);
          }
        }
      }
    },
  }];
}

function linesOf(path: string, directive: string): string[] {
  try {
    return Deno.readTextFileSync(path).split("\n");
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ArgumentError(`${directive}: Could not open file ${path}: ${error.message}`);
  }
}

/** The directives of the module. */
export const remoteIpDirectives: readonly Directive[] = [
  {
    name: "RemoteIPHeader",
    contexts: HOSTS,
    args: 1,
    syntax: "RemoteIPHeader header-field",
    help: "The field in which trusted proxies say for whom a request is",
    differs: "Only addresses are taken from it: names are not looked up.",
    apply: ([name], to) => void (to.server.get(remoteIp).header = { name, key: name.toLowerCase() }),
  },
  {
    name: "RemoteIPProxiesHeader",
    contexts: HOSTS,
    args: 1,
    syntax: "RemoteIPProxiesHeader header-field",
    help: "The field of the request that is to list the proxies that were believed, but for internal ones",
    apply: ([name], to) => void (to.server.get(remoteIp).proxiesHeader = name),
  },
  ...proxies("RemoteIPInternalProxy", true),
  ...proxies("RemoteIPTrustedProxy", false),
  {
    name: "RemoteIPProxyProtocol",
    contexts: HOSTS,
    args: 1,
    syntax: "RemoteIPProxyProtocol On|Off",
    help:
      "Connections to the addresses of this host begin with a header of the PROXY protocol, version 1 or 2",
    default: "Off",
    differs:
      "`PROXY UNKNOWN` without addresses is taken. Idle connections of such clients are not left to another child.",
    apply: ([word], to) => void (to.server.get(remoteIp).proxyProtocol = flag(word)),
  },
  {
    name: "RemoteIPProxyProtocolExceptions",
    contexts: HOSTS,
    args: [1, Infinity],
    syntax: "RemoteIPProxyProtocolExceptions host|range [host|range] [host|range]",
    help: "Peers whose connections begin with no such header, to whatever host",
    apply(texts, to) {
      const settings = to.server.get(remoteIp);
      settings.exceptions = [...settings.exceptions, ...texts.map(parseSubnet)];
    },
  },
];
