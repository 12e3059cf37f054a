// What does the server call itself when it answers this request? Host name and port of its own URLs.

import { canonicalNames, serverNames } from "../config/mod.ts";
import type { Exchange } from "./exchange.ts";

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** By which the client has come. */
export function selfScheme({ transport: { security } }: Exchange): "http" | "https" {
  return security === undefined || security.session === 0n ? "http" : "https";
}

/** The port that goes without saying. */
export function defaultPort(exchange: Exchange): number {
  return selfScheme(exchange) === "https" ? HTTPS_PORT : HTTP_PORT;
}

/** As the client calls it; with UseCanonicalName, or if the client does not say, the ServerName; else the address. */
export function selfName({ dir, vhost, head, transport }: Exchange): string {
  const ours = vhost.store.get(serverNames).name;
  const asked = dir.get(canonicalNames).name === true ? undefined : head.host;
  return asked ?? ours ?? transport.local.address;
}

/**
 * The port that belongs to it. UseCanonicalName Off: the client's; the connection's, with UseCanonicalPhysicalPort; the one in ServerName. On: the
 * one in ServerName; the connection's, with UseCanonicalPhysicalPort. Else 80 (https: 443): a client that names no port has come to that
 * one, whatever port a relay in between has mapped it to.
 */
export function selfPort(exchange: Exchange): number {
  const { dir, vhost, head, transport } = exchange;
  const ours = vhost.store.get(serverNames).port;
  const { name, physicalPort } = dir.get(canonicalNames);
  const physical = physicalPort === true ? transport.local.port : undefined;
  const port = name === true ? ours ?? physical : head.hostPort ?? physical ?? ours;
  return port ?? defaultPort(exchange);
}

/** `http[s]://name[:port]`, for URLs of this server. */
export function ownUrl(exchange: Exchange): string {
  const name = selfName(exchange);
  const port = selfPort(exchange);
  const host = name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
  return `${selfScheme(exchange)}://${host}${port === defaultPort(exchange) ? "" : `:${port}`}`;
}
