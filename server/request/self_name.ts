// What does the server call itself when it answers this request? Host name and port of its own URLs.

import { canonicalNames, serverNames } from "../config/mod.ts";
import type { Exchange } from "./exchange.ts";

const HTTP_PORT = 80;

/** As the client calls it; with UseCanonicalName, or if the client does not say, the ServerName; else the address. */
export function selfName({ dir, vhost, head, transport }: Exchange): string {
  const ours = vhost.store.get(serverNames).name;
  const asked = dir.get(canonicalNames).name === true ? undefined : head.host;
  return asked ?? ours ?? transport.local.address;
}

/**
 * The port that belongs to it: the client's, the connection's, the one in ServerName, 80; with UseCanonicalName the one in
 * ServerName, then (UseCanonicalPhysicalPort) the connection's, then 80.
 */
export function selfPort({ dir, vhost, head, transport }: Exchange): number {
  const ours = vhost.store.get(serverNames).port;
  const { name, physicalPort } = dir.get(canonicalNames);
  if (name === true) return ours ?? (physicalPort === true ? transport.local.port : HTTP_PORT);
  return head.hostPort ?? transport.local.port;
}

/** `http://name[:port]`, for URLs of this server. */
export function ownUrl(exchange: Exchange): string {
  const name = selfName(exchange);
  const port = selfPort(exchange);
  const host = name.includes(":") && !name.startsWith("[") ? `[${name}]` : name;
  return `http://${host}${port === HTTP_PORT ? "" : `:${port}`}`;
}
