// What does the configuration say about other servers? The values that the directives of mod_proxy set, for hosts and for places.

import { ArgumentError, dirKey, type DirStore, serverKey } from "../../server/config/mod.ts";
import type { BalancerValues, WorkerValues } from "./parameters.ts";

/** A URL of a backend, taken apart. */
export interface BackendUrl {
  /** As the configuration has it: `[unix:path|]scheme://host[:port][/path]`. */
  readonly text: string;
  readonly scheme: string;
  /** In lower case, IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** From the slash on; "" if there is none. */
  readonly path: string;
  /** The socket to use in place of host and port. */
  readonly socket: string | undefined;
}

/** `text` taken apart. @throws ArgumentError */
export function backendUrl(text: string): BackendUrl {
  const unix = /^unix:([^|]*)\|(.*)$/is.exec(text);
  const url = unix === null ? text : unix[2];
  const found = /^([a-z][a-z0-9+.-]*):(?:\/\/(\[[0-9a-f:.%]+\]|[^/?#:[\]@]*)(?::(\d{0,5}))?)?((?:\/.*)?)$/is
    .exec(url);
  if (found === null) throw new ArgumentError(`Unable to parse URL: ${text}`);
  const [, scheme, host = "", port = "", path] = found;
  if (port !== "" && Number(port) > 65_535) {
    throw new ArgumentError(`Unable to parse URL: ${text}: its port is none`);
  }
  if (host === "" && unix === null) throw new ArgumentError(`Unable to parse URL: ${text}: it has no host`);
  if (unix !== null && unix[1] === "") {
    throw new ArgumentError(`Unable to parse URL: ${text}: it names no socket`);
  }
  return {
    text,
    scheme: scheme.toLowerCase(),
    host: host.toLowerCase().replace(/^\[|\]$/g, "") || "localhost",
    port: port === "" ? undefined : Number(port),
    path,
    socket: unix?.[1],
  };
}

/** One ProxyPass, ProxyPassMatch. */
export interface Mapping {
  readonly from: string | RegExp;
  /** "!": what is here is not another server's. */
  readonly to: string;
  readonly noCanon: boolean;
  readonly interpolate: boolean;
  readonly noQuery: boolean;
}

/** A backend that is named in the configuration: its values are one object, which ProxySet adds to. */
export interface WorkerConfig {
  readonly url: BackendUrl;
  readonly values: WorkerValues;
}

/** `balancer://name`. */
export interface BalancerConfig {
  readonly name: string;
  readonly members: WorkerConfig[];
  readonly values: BalancerValues;
}

/** A <Proxy> or <ProxyMatch>. */
export interface ProxySection {
  readonly pattern: string;
  matches(url: string): boolean;
  readonly dir: DirStore;
}

export type Via = "Off" | "On" | "Full" | "Block";

/** Values of a host. */
export interface ProxyHost {
  mappings: readonly Mapping[];
  workers: ReadonlyMap<string, WorkerConfig>;
  balancers: ReadonlyMap<string, BalancerConfig>;
  sections: readonly ProxySection[];
  requests: boolean | undefined;
  via: Via | undefined;
  /** ms. */
  timeout: number | undefined;
  badHeader: "error" | "ignore" | "body" | undefined;
  maxForwards: number | undefined;
  blocked: readonly string[];
  noProxy: readonly string[];
  domain: string | undefined;
  sourceAddress: string | undefined;
  inherit: boolean | undefined;
  status: "Off" | "On" | "Full" | undefined;
}

export const proxyHost = serverKey<ProxyHost>("proxy", {
  create: () => ({
    mappings: [],
    workers: new Map(),
    balancers: new Map(),
    sections: [],
    requests: undefined,
    via: undefined,
    timeout: undefined,
    badHeader: undefined,
    maxForwards: undefined,
    blocked: [],
    noProxy: [],
    domain: undefined,
    sourceAddress: undefined,
    inherit: undefined,
    status: undefined,
  }),
  merge: (base, over) => {
    const merged = {
      ...base,
      ...Object.fromEntries(Object.entries(over).filter(([, value]) => value !== undefined)),
    };
    const inherited = over.inherit === false;
    return {
      ...merged,
      mappings: inherited ? over.mappings : [...over.mappings, ...base.mappings],
      workers: new Map([...base.workers, ...over.workers]),
      balancers: new Map([...base.balancers, ...over.balancers]),
      sections: [...base.sections, ...over.sections],
      blocked: [...base.blocked, ...over.blocked],
      noProxy: [...base.noProxy, ...over.noProxy],
    };
  },
});

/** What stands for what in fields of responses. */
export interface Reverse {
  /** As clients know it. undefined: the place of the section. */
  readonly fake: string;
  readonly real: string;
  readonly interpolate: boolean;
}

/** Values of a place. */
export interface ProxyPlace {
  /** ProxyPass in a <Location>: "!" ends it. */
  mapping: Mapping | undefined;
  reverse: readonly Reverse[];
  cookieDomains: readonly Reverse[];
  cookiePaths: readonly Reverse[];
  preserveHost: boolean | undefined;
  addHeaders: boolean | undefined;
  errorOverride: { readonly on: boolean; readonly codes: readonly number[] } | undefined;
  interpolateEnv: boolean | undefined;
  forwards100: boolean | undefined;
}

export const proxyPlace = dirKey<ProxyPlace>("proxy", {
  create: () => ({
    mapping: undefined,
    reverse: [],
    cookieDomains: [],
    cookiePaths: [],
    preserveHost: undefined,
    addHeaders: undefined,
    errorOverride: undefined,
    interpolateEnv: undefined,
    forwards100: undefined,
  }),
  merge: (base, over) => ({
    mapping: over.mapping ?? base.mapping,
    reverse: [...over.reverse, ...base.reverse],
    cookieDomains: [...over.cookieDomains, ...base.cookieDomains],
    cookiePaths: [...over.cookiePaths, ...base.cookiePaths],
    preserveHost: over.preserveHost ?? base.preserveHost,
    addHeaders: over.addHeaders ?? base.addHeaders,
    errorOverride: over.errorOverride ?? base.errorOverride,
    interpolateEnv: over.interpolateEnv ?? base.interpolateEnv,
    forwards100: over.forwards100 ?? base.forwards100,
  }),
});
