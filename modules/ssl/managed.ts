// Who else has certificates for virtual hosts? Modules that get them, and may have some for the meantime.

import type { ServerConfig, VirtualServer } from "../../server/config/mod.ts";
import type { NamedFile } from "./config.ts";

/** Certificates of a host from somebody else. */
export interface ManagedPairs {
  readonly pairs: readonly { readonly certificate: NamedFile; readonly key: NamedFile }[];
  /** Nobody should believe them: requests are answered with 503. There may be none yet, while nothing has run. */
  readonly provisional: boolean;
}

/** A module that has certificates for hosts. */
export interface CertificateSource {
  /** Undefined: none of its hosts. @throws ConfigError */
  pairsFor(config: ServerConfig, host: VirtualServer): ManagedPairs | undefined;
  /** What an authority is to see that looks whose `name` it is (tls-alpn-01), both PEM; undefined: nothing. Asked in threads. */
  challengeFor(
    config: ServerConfig,
    name: string,
  ): { readonly certificates: string; readonly key: string } | undefined;
}
