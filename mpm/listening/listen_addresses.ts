// What does a Listen line mean? Names become the addresses that they stand for, each with a socket of its own, and an address
// that is every address becomes the two wildcards.

import { BindError } from "./bind_error.ts";
import type { ListenAddress, MpmSettings, TcpAddress, UnixAddress } from "../types.ts";

/** True for a Unix-domain socket. */
export function isUnix(address: ListenAddress): address is UnixAddress {
  return "path" in address;
}

/** What tells one address from another, as messages show it: `127.0.0.1:80`, `[::1]:80`, `unix:/run/site.sock`. */
export function addressText(address: ListenAddress): string {
  if (isUnix(address)) return `unix:${address.path}`;
  const { host, port } = address;
  return host.includes(":") ? `[${host}]:${port}` : `${host || "*"}:${port}`;
}

/** The address that was bound, where the one that was asked for leaves the port open (0). */
export function withPort<A extends ListenAddress>(address: A, port: number): A {
  return isUnix(address) || address.port !== 0 ? address : { ...address, port };
}

/** An address as a user writes it into a client. */
export function urlText(address: ListenAddress): string {
  if (isUnix(address)) return addressText(address);
  return `${address.protocol === "https" ? "https" : "http"}://${addressText(address)}/`;
}

/** The IPv6 wildcard, which takes IPv4 connections too. */
export const ANY6 = "::";
export const ANY4 = "0.0.0.0";

/**
 * The settings with addresses that need no resolver any more: each is numeric, or a path. No host at all is `::`, followed by
 * `0.0.0.0` for systems without IPv6.
 * @throws BindError when a name has no address (AH00077), or two lines mean the same one
 */
export async function resolveListen(settings: MpmSettings): Promise<MpmSettings> {
  const listen: ListenAddress[] = [];
  for (const address of settings.listen) {
    for (const found of isUnix(address) ? [address] : await resolve(address)) {
      const text = addressText(found);
      if (listen.some((other) => addressText(other) === text)) {
        throw new BindError(`Cannot define multiple Listeners on the same IP:port ${text}`);
      }
      listen.push(found);
    }
  }
  return { ...settings, listen };
}

async function resolve(address: TcpAddress): Promise<TcpAddress[]> {
  const { host } = address;
  if (host === "") return [{ ...address, host: ANY6 }, { ...address, host: ANY4 }];
  if (host.includes(":")) return [{ ...address, host: normalSix(host) }];
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return [address];
  // Loaded for those who need it: it takes 9 ms.
  const { lookup } = await import("node:dns/promises");
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    // One that is in /etc/hosts twice is still one.
    const hosts = new Set(found.map(({ address }) => address));
    return [...hosts].map((numeric) => ({ ...address, host: numeric }));
  } catch (error) {
    throw new BindError(
      `(${
        error instanceof Error ? error.message : error
      }): AH00077: alloc_listener: failed to set up sockaddr for ${host}`,
    );
  }
}

/** The one text of an IPv6 address (RFC 5952), its zone behind it. @throws BindError */
function normalSix(host: string): string {
  const [plain, zone] = host.split("%", 2);
  const url = URL.parse(`http://[${plain}]/`);
  if (url === null) throw new BindError(`AH00077: alloc_listener: failed to set up sockaddr for [${host}]`);
  const text = url.hostname.slice(1, -1);
  return zone === undefined ? text : `${text}%${zone}`;
}
