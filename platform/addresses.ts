// How is the address of a socket written? As logs, hosts and conditions have it.

/** The address of the last accept(): family 4 or 6 (0: a Unix socket), port, and its 4 or 16 bytes at the start of `bytes`. */
export interface SocketAddress {
  family: 0 | 4 | 6;
  port: number;
  /** Big-endian, as on the wire; valid until the next call that fills it. */
  readonly bytes: Uint8Array;
}

/** An address as text: dotted IPv4 (also when it is mapped into IPv6), RFC 5952 IPv6, or "unix". */
export function endpoint(address: SocketAddress): { readonly address: string; readonly port: number } {
  return { address: addressText(address.family, address.bytes), port: address.port };
}

/** The text of an address of 4 or 16 bytes (family 0: a Unix socket). */
export function addressText(family: number, bytes: Uint8Array): string {
  if (family === 0) return "unix";
  if (family === 4) return bytes.subarray(0, 4).join(".");
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(bytes[i] << 8 | bytes[i + 1]);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return bytes.subarray(12, 16).join(".");
  }
  let best = 1;
  let bestAt = -1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > best) [best, bestAt] = [n, i];
  }
  const text = groups.map((group) => group.toString(16));
  if (bestAt < 0) return text.join(":");
  return text.slice(0, bestAt).join(":") + "::" + text.slice(bestAt + best).join(":");
}
