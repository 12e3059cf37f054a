// What can be said about TLS? The values of mod_ssl's directives, per virtual host and per place.

import { dirKey, serverKey, type Where } from "../../server/config/mod.ts";
import type { Condition } from "../../server/config/expression/mod.ts";

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
  engine?: "on" | "off";
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

/** What SSLOptions may switch on that does something here. */
export type SslOption = "FakeBasicAuth" | "StrictRequire";

/** An expression of SSLRequire. */
export interface SslRequirement {
  readonly text: string;
  readonly condition: Condition;
}

/** The values of a place. */
export interface SslDir {
  requireSsl: boolean;
  verifyClient?: SslServer["verifyClient"];
  /** The variable that names the user. */
  userName?: string;
  requirements: readonly SslRequirement[];
  /** Nothing that is around counts; then what is switched on and off. */
  onlyOptions: boolean;
  options: ReadonlyMap<SslOption, boolean>;
}

export const sslDir = dirKey<SslDir>("ssl", {
  create: () => ({ requireSsl: false, requirements: [], onlyOptions: false, options: new Map() }),
  merge: (base, over) => ({
    requireSsl: base.requireSsl || over.requireSsl,
    verifyClient: over.verifyClient ?? base.verifyClient,
    userName: over.userName ?? base.userName,
    requirements: [...base.requirements, ...over.requirements],
    onlyOptions: base.onlyOptions || over.onlyOptions,
    options: over.onlyOptions ? over.options : new Map([...base.options, ...over.options]),
  }),
});
