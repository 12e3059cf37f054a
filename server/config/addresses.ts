// Which address does `addr[:port]` mean? The arguments of <VirtualHost>, and one spelling for every IP address.

import { ArgumentError } from "./errors.ts";

/** An address of a virtual host. */
export interface HostAddress {
  /** "any" is `*` and `_default_`; a name is kept as it is, it is not looked up. */
  readonly kind: "any" | "ip" | "name";
  /** "*", the canonical IP address without brackets, or the name in lower case. */
  readonly host: string;
  /** undefined: every port. */
  readonly port: number | undefined;
}

/** Takes `*`, `_default_`, IPv4, `[IPv6]` or a name apart from its `:port` or `:*`. @throws ArgumentError */
export function parseHostAddress(text: string): HostAddress {
  const found = /^(\[[^\]]*\]|[^:[\]]+)(?::(\*|\d{1,5}))?$/.exec(text);
  const [, host, portText] = found ?? [];
  const port = portText === undefined || portText === "*" ? undefined : Number(portText);
  if (host === undefined || (port !== undefined && (port < 1 || port > 65535))) {
    throw new ArgumentError(`Invalid address or port: "${text}"`);
  }
  if (host === "*" || host.toLowerCase() === "_default_") return { kind: "any", host: "*", port };
  const address = canonicalAddress(host.startsWith("[") ? host.slice(1, -1) : host);
  if (address !== undefined) return { kind: "ip", host: address, port };
  if (!/^[\w-]+(?:\.[\w-]+)*\.?$/.test(host) || /^[\d.]+$/.test(host)) {
    throw new ArgumentError(`Invalid address or port: "${text}"`);
  }
  return { kind: "name", host: host.toLowerCase().replace(/\.$/, ""), port };
}

/**
 * The one spelling of an IP address: IPv6 shortened and in lower case, without zone; IPv4 within IPv6 (`::ffff:1.2.3.4`, what a
 * socket for both tells) as IPv4. undefined if it is no IP address.
 */
export function canonicalAddress(text: string): string | undefined {
  const bare = text.replace(/%.*$/s, "");
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(bare)) {
    const parts = bare.split(".").map(Number);
    return parts.every((part) => part <= 255) ? parts.join(".") : undefined;
  }
  if (!/^[0-9a-f:.]+$/i.test(bare) || !bare.includes(":") || !URL.canParse(`http://[${bare}]/`)) {
    return undefined;
  }
  const address = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(address);
  if (mapped === null) return address;
  const [high, low] = mapped.slice(1).map((part) => parseInt(part, 16));
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}
