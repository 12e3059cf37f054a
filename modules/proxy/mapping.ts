// Which requests are another server's, and for what URL there? ProxyPass and its kin: a path, with all below it, or what matches a pattern.

import type { Exchange } from "../../server/request/exchange.ts";
import { substituted } from "../../server/request/pattern_text.ts";
import { covered, escapedPath } from "../alias/rules.ts";
import { type Mapping, proxyHost, proxyPlace } from "./config.ts";
import { interpolated } from "./forwarding.ts";

/** The URL that `mapping` makes of the request, escaped, without a query; "!": it is none's; undefined: it does not apply. */
function mapped(exchange: Exchange, mapping: Mapping): string | undefined {
  const { from, noCanon, interpolate } = mapping;
  const { path } = exchange;
  if (typeof from !== "string") {
    const found = from.exec(path);
    if (found === null) return undefined;
    if (mapping.to === "!") return "!";
    const to = interpolated(exchange, mapping.to, interpolate);
    // A location's expression without groups: what follows what it matches.
    if (!/\$\d|&/.test(to)) return to + escapedPath(path.slice(found.index + found[0].length));
    const whole = substituted(to, found);
    return noCanon ? whole : escapedUrl(whole, to);
  }
  const length = covered(path, from);
  if (length === 0) return undefined;
  if (mapping.to === "!") return "!";
  const to = interpolated(exchange, mapping.to, interpolate);
  if (!noCanon) return to + escapedPath(path.slice(length));
  // As the client wrote it, provided that what is left out is written there in the same way.
  const [raw] = exchange.head.target.split("?", 1);
  return to + (raw.startsWith(path.slice(0, length)) ? raw.slice(length) : escapedPath(path.slice(length)));
}

/** `whole` with its path escaped; scheme and host are those of the configuration. */
function escapedUrl(whole: string, to: string): string {
  const [, origin = ""] = /^((?:unix:[^|]*\|)?[a-z][a-z0-9+.-]*:\/\/[^/$]*)/i.exec(to) ?? [];
  return whole.startsWith(origin) ? origin + escapedPath(whole.slice(origin.length)) : escapedPath(whole);
}

/** The backend's URL for a request; undefined: it is this server's own. */
export function backendFor(
  exchange: Exchange,
): { readonly url: string; readonly noQuery: boolean } | undefined {
  const { mapping } = exchange.dir.get(proxyPlace);
  const { mappings } = exchange.vhost.store.get(proxyHost);
  if (mapping === undefined && mappings.length === 0) return undefined;
  if (exchange.environment?.has("no-proxy") === true) return undefined;
  for (const each of mapping === undefined ? mappings : [mapping, ...mappings]) {
    if (each.interpolate) exchange.dependsOn = "request";
    const url = mapped(exchange, each);
    if (url === "!") return undefined;
    if (url !== undefined) return { url, noQuery: each.noQuery };
  }
  return undefined;
}
