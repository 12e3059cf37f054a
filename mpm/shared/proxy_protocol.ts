// What do the MPMs know of the PROXY protocol? That some connections begin with a header which says who the client is, and whom to ask
// what it means.

import type { Endpoint } from "./transport.ts";

/** What the first bytes of such a connection are. */
export type ProxyHeader =
  /** More of it has to arrive: so many bytes of the stream, from its beginning. */
  | { readonly kind: "partial"; readonly needed: number }
  /** A header of `length` bytes; no `client`: that is the peer (a proxy that asks for itself). */
  | { readonly kind: "header"; readonly length: number; readonly client?: ProxiedClient }
  /** None, or one that cannot be used; without a message there is nothing to log. */
  | { readonly kind: "refused"; readonly ah?: string; readonly message?: string };

/** The client that a header names. */
export interface ProxiedClient {
  readonly family: 4 | 6;
  readonly port: number;
  /** 4 or 16 bytes, as on the wire. */
  readonly bytes: Uint8Array;
}

/** Which connections begin with a PROXY header, and what it says: of the server's configuration, for one thread. */
export interface ProxyProtocolPolicy {
  /** Connections of `peer` to `local` do. */
  expects(local: Endpoint, peer: Endpoint): boolean;
  /** Looks at the first `length` of `bytes`, which begin a connection. */
  read(bytes: Uint8Array, length: number): ProxyHeader;
  /** The header has to be there within so many ms. */
  readonly patience: number;
  /** A connection is closed because of what it began with. */
  onRefused(local: Endpoint, peer: Endpoint, refused: Extract<ProxyHeader, { kind: "refused" }>): void;
}

/** A longer header is refused: bytes (as httpd; the specification ends at 536). */
export const LONGEST_PROXY_HEADER = 232;
