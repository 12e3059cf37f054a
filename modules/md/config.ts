// What can be said about managed domains? The values of mod_md's directives: for all domains, for those of a <MDomainSet>, and for the
// server.

import { serverKey, type Where } from "../../server/config/mod.ts";

/** A part of a certificate's life, before its end. */
export type Window = { readonly percent: number } | { readonly ms: number };

/** How a private key is made. */
export type KeyKind =
  | { readonly type: "RSA"; readonly bits: number }
  /** `name` as httpd has it, in names of files too; `curve` as it is called in cryptography. */
  | { readonly type: "EC"; readonly name: string; readonly curve: string };

export type RequireHttps = "off" | "temporary" | "permanent";

/** What an authority knows its customers by (external account binding, RFC 8555, 7.3.4). */
export interface AccountBinding {
  readonly kid: string;
  readonly hmac: string;
}

/** What may be said for one set, and for all; undefined: nothing was said. */
export interface SetValues {
  /** URLs of directories (RFC 8555, 7.1.1), the preferred first. */
  authorities?: readonly string[];
  agreement?: string;
  contact?: string;
  renewMode?: "auto" | "always" | "manual";
  renewWindow?: Window;
  warnWindow?: Window;
  challenges?: readonly string[];
  keys?: readonly KeyKind[];
  requireHttps?: RequireHttps;
  mustStaple?: boolean;
  /** Names of virtual hosts that have one of the domains are added. */
  addsNames?: boolean;
  binding?: AccountBinding | "none";
  dnsCommand?: string;
}

/** A MDomain, or a <MDomainSet>, as it is written. */
export interface DomainDraft {
  /** In lower case. */
  readonly names: string[];
  readonly where: Where;
  readonly serverRoot: string;
  readonly values: SetValues;
  /** Absolute; of MDCertificateFile and MDCertificateKeyFile. */
  readonly certificateFiles: string[];
  readonly keyFiles: string[];
}

/** The values of a virtual host. */
export interface MdServer {
  values: SetValues;
  domains: readonly DomainDraft[];
  /** The set that directives stand in; undefined outside of one. */
  draft?: DomainDraft;
}

export const mdServer = serverKey<MdServer>("md", {
  create: () => ({ values: {}, domains: [] }),
  merge: (base, over) => ({ values: { ...base.values, ...over.values }, domains: over.domains }),
});

/** What is said once, for the server. */
export interface MdGlobal {
  storeDir?: string;
  notifyCommand?: string;
  messageCommand?: string;
  /** Where the ports 80 and 443 of the outside lead to; 0: nowhere. */
  httpPort: number;
  httpsPort: number;
  baseServer: boolean;
  /** ms. */
  retryDelay: number;
  checkInterval: number;
  activationDelay: number;
  /** Errors of one authority until the next one is asked. */
  retryFailover: number;
  matchesAliases: boolean;
  /** Absolute. */
  authorityFile?: string;
  proxy?: string;
  dnsVersion: 1 | 2;
  restarts: boolean;
}

const DAY_MS = 24 * 3600 * 1000;

export const mdGlobal = serverKey<MdGlobal>("md for all", {
  create: () => ({
    httpPort: 80,
    httpsPort: 443,
    baseServer: false,
    retryDelay: 5000,
    checkInterval: DAY_MS / 2,
    activationDelay: 0,
    retryFailover: 13,
    matchesAliases: true,
    dnsVersion: 1,
    restarts: true,
  }),
  // They are the main server's.
  merge: (base) => base,
});

/** Directories of authorities that have a name. */
export const KNOWN_AUTHORITIES: Readonly<Record<string, string>> = {
  "LetsEncrypt": "https://acme-v02.api.letsencrypt.org/directory",
  "LetsEncrypt-Test": "https://acme-staging-v02.api.letsencrypt.org/directory",
  "Buypass": "https://api.buypass.com/acme/directory",
  "Buypass-Test": "https://api.test4.buypass.no/acme/directory",
};

/** What holds where nothing is said. */
export const MD_DEFAULTS = {
  authorities: [KNOWN_AUTHORITIES.LetsEncrypt],
  renewMode: "auto",
  renewWindow: { percent: 33 },
  warnWindow: { percent: 10 },
  keys: [{ type: "RSA", bits: 2048 }],
  requireHttps: "off",
  mustStaple: false,
  addsNames: true,
} as const satisfies SetValues;
