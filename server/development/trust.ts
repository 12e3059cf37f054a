// Who trusts the authority of --https? Nobody, until it is told to: how, for people.

import { system } from "../../platform/detect.ts";

/** What --https serves with: paths of PEM files. */
export interface LocalCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

/** How browsers and programs are told to trust the authority, for people. */
export function trustText(authority: string): string {
  const deno = `DENO_CERT=${authority}, curl --cacert ${authority}`;
  if (system === "darwin") {
    return `security add-trusted-cert -k ~/Library/Keychains/login.keychain-db ${authority}; programs: ${deno}`;
  }
  return `sudo cp ${authority} /usr/local/share/ca-certificates/mpmd.crt && sudo update-ca-certificates; ` +
    `browsers: import it as an authority; programs: ${deno}`;
}
