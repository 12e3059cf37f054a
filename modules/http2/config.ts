// What can be said about HTTP/2? The values of mod_http2's directives, per virtual host.

import { serverKey } from "../../server/config/mod.ts";

/** Undefined: nothing was said. */
export interface Http2Server {
  maxStreams?: number;
  /** Bytes. */
  windowSize?: number;
  streamMemory?: number;
  maxDataFrame?: number;
  webSockets?: boolean;
  /** Undefined: on for plain text, off for TLS. */
  direct?: boolean;
}

export const http2Server = serverKey<Http2Server>("http2", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

/** The defaults of mod_http2. */
export const HTTP2_DEFAULTS = {
  maxStreams: 100,
  windowSize: 65_535,
  streamMemory: 65_536,
  maxDataFrame: 0,
  webSockets: false,
} as const satisfies Http2Server;
