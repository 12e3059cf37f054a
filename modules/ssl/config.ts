// What can be said about TLS? The values of mod_ssl's directives, per virtual host and per place.

import { dirKey, serverKey, type Where } from "../../server/config/mod.ts";

/** Versions of TLS that may be switched on, oldest first. */
export const PROTOCOLS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;
export type Protocol = typeof PROTOCOLS[number];

/** A file that a directive names, with the place of that directive. */
export interface NamedFile {
  /** Absolute. */
  readonly path: string;
  readonly where: Where;
  readonly directive: string;
}

/** The values of a virtual host; undefined, and empty lists: nothing was said. */
export interface SslServer {
  engine?: "on" | "off" | "optional";
  engineAt?: Where;
  certificates: readonly NamedFile[];
  keys: readonly NamedFile[];
  chain?: NamedFile;
  clientAuthorities: readonly NamedFile[];
  /** Whose names clients are told, if not the authorities'. */
  announcedAuthorities: readonly NamedFile[];
  revocations: readonly NamedFile[];
  revocationCheck?: "none" | "leaf" | "chain";
  protocols?: readonly Protocol[];
  /** Of TLS 1.2 and earlier, and of TLS 1.3. */
  cipherList?: string;
  cipherSuites?: string;
  honorCipherOrder?: boolean;
  verifyClient?: "none" | "optional" | "require";
  verifyDepth?: number;
  tickets?: boolean;
  ticketKey?: NamedFile;
  /** Seconds. */
  sessionTimeout?: number;
  /** Sessions are kept, for clients without tickets. */
  sessionCache?: boolean;
  strictSni?: boolean;
  /** SSLUseStapling, and SSLStapling*: seconds, where nothing else is said. */
  stapling?: {
    readonly use?: boolean;
    readonly responderTimeout?: number;
    readonly returnErrors?: boolean;
    readonly fakeTryLater?: boolean;
    readonly cacheTimeout?: number;
    readonly errorTimeout?: number;
    readonly maxAge?: number;
    readonly skew?: number;
    readonly url?: string;
  };
  /** SSLOpenSSLConfCmd: names and values, with their places. */
  commands: readonly { readonly name: string; readonly value: string; readonly where: Where }[];
  /** A program that knows the pass phrases of keys, with its arguments. */
  passPhraseProgram?: string;
}

export const sslServer = serverKey<SslServer>("ssl", {
  create: () => ({
    certificates: [],
    keys: [],
    clientAuthorities: [],
    announcedAuthorities: [],
    revocations: [],
    commands: [],
  }),
  merge(base, over) {
    const merged: Record<string, unknown> = { ...base };
    for (const [key, value] of Object.entries(over)) {
      if (value !== undefined && !(Array.isArray(value) && value.length === 0)) merged[key] = value;
    }
    if (base.stapling !== undefined) merged.stapling = { ...base.stapling, ...over.stapling };
    return merged as unknown as SslServer;
  },
});

/** The values of a place. */
export interface SslDir {
  requireSsl: boolean;
}

export const sslDir = dirKey<SslDir>("ssl", {
  create: () => ({ requireSsl: false }),
  merge: (base, over) => ({ requireSsl: base.requireSsl || over.requireSsl }),
});
