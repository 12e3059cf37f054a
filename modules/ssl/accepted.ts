// Which directives of mod_ssl ask for nothing here? They are read so that configurations need not be cut, and refused, or warned
// about, where they ask for more.

import { ArgumentError, type Context, type Directive, flag } from "../../server/config/mod.ts";

const SERVER: readonly Context[] = ["server config"];
const HOST: readonly Context[] = ["server config", "virtual host"];
const PLACES: readonly Context[] = ["directory"];

function ignored(
  name: string,
  argument: string,
  help: string,
  contexts: readonly Context[] = HOST,
  args: Directive["args"] = 1,
): Directive {
  return { name, contexts, args, syntax: `${name} ${argument}`, help: `Has no effect: ${help}`, apply() {} };
}

/** A switch that is off for good. */
function offOnly(name: string, help: string, contexts: readonly Context[] = HOST): Directive {
  return {
    name,
    contexts,
    args: 1,
    syntax: `${name} off`,
    help,
    default: "off",
    differs: "on is an error.",
    apply([word]) {
      if (flag(word)) throw new ArgumentError(`${name} can only be off: ${help.toLowerCase()}`);
    },
  };
}

export const acceptedSslRows: readonly Directive[] = [
  ignored("SSLRandomSeed", "context source [bytes]", "OpenSSL seeds itself", SERVER, [2, 3]),
  ignored("SSLCryptoDevice", "engine", "OpenSSL 3 has no engines by that name", SERVER),
  offOnly("SSLFIPS", "FIPS mode is a matter of OpenSSL's own configuration", SERVER),
  offOnly("SSLInsecureRenegotiation", "There is no renegotiation"),
  offOnly("SSLCompression", "There is no compression by TLS"),
  offOnly("SSLOCSPEnable", "Client certificates are not looked up by OCSP"),
  ignored("SSLRenegBufferSize", "bytes", "there is no renegotiation", PLACES),
  ignored("SSLStaplingCache", "type", "OCSP responses are in memory that all processes share", SERVER),
];
