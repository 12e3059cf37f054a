// How is a Listen line carried out? By Deno.listen, with httpd's rules for what an address means.

import type { ListenAddress } from "./types.ts";

/** `Listen` could not be carried out (AH00072). */
export class BindError extends Error {
  override readonly name = "BindError";
}

/**
 * A socket that listens on `address`. Without a host httpd listens on :: with IPv4 mapped into it, and on 0.0.0.0 where there is
 * no IPv6. @throws BindError
 */
export function listenOn(address: ListenAddress): Deno.TcpListener {
  const hosts = address.host === "" ? ["::", "0.0.0.0"] : [address.host];
  let failure: unknown;
  for (const hostname of hosts) {
    try {
      return Deno.listen({ hostname, port: address.port });
    } catch (error) {
      failure ??= error;
    }
  }
  const text = failure instanceof Error ? failure.message : String(failure);
  throw new BindError(
    `${text}: AH00072: make_sock: could not bind to address ${address.host || "[::]"}:${address.port}`,
  );
}
