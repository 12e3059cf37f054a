// What do the MPMs know of TLS? That connections to some addresses begin with a handshake, and whom to ask by which settings; and what
// the engine is told of a connection that had one.

import type { Endpoint } from "./transport.ts";

/** Which connections are secured, and how: of the server's configuration, for one thread. */
export interface SecurityPolicy {
  /** Connections to `local` begin with a handshake. */
  secures(local: Endpoint): boolean;
  /**
   * The SSL_CTX for a client that asks for `serverName` (in lower case) there, or for none; `proves`: it only wants to see whose name that
   * is (tls-alpn-01, RFC 8737).
   */
  contextFor(local: Endpoint, serverName: string | undefined, proves: boolean): bigint;
  /** A session has begun with `context`, unless it is 0n; its handshake has not. */
  begun(session: bigint, context: bigint): void;
  /** A handshake may take so long, in ms. */
  readonly handshakeMs: number;
  /** After it the client has this long for the beginning of a request, in ms. */
  readonly firstRequestMs: number;
  /** A handshake came to nothing. */
  onFailedHandshake(peer: Endpoint, local: Endpoint, reason: string): void;
}

/** How a connection is secured. */
export interface ConnectionSecurity {
  /** The SSL object, for questions about it while the connection is in hand; 0n: the client spoke plain text where TLS was due. */
  readonly session: bigint;
  /** The protocol that was agreed on in the handshake (ALPN): "h2"; undefined: none. */
  readonly protocol: string | undefined;
}
