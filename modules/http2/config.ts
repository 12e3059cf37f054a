// What can be said about HTTP/2? The values of mod_http2's directives, per virtual host.

import { dirKey, serverKey } from "../../server/config/mod.ts";

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
  /** Bits of the length of padding. */
  padding?: number;
  /** Undefined: where h2c is spoken. */
  upgrade?: boolean;
  earlyHints?: boolean;
}

/** Fields of 103 (Early Hints), in the order in which the configuration has them: links that are preloaded, then others. */
export interface EarlyHints {
  readonly preloads: readonly string[];
  readonly fields: readonly (readonly [name: string, value: string])[];
}

export const hintsDir = dirKey<{ hints: EarlyHints }>("http2", {
  create: () => ({ hints: { preloads: [], fields: [] } }),
  merge: ({ hints: base }, { hints: over }) => ({
    hints: { preloads: [...base.preloads, ...over.preloads], fields: [...base.fields, ...over.fields] },
  }),
});

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
  padding: 0,
} as const satisfies Http2Server;
