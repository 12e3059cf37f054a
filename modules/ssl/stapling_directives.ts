// Which directives are about OCSP stapling?

import { ArgumentError, type Directive, flag, hostRow, type RowFacts } from "../../server/config/mod.ts";
import { type SslServer, sslServer } from "./config.ts";

type Stapling = NonNullable<SslServer["stapling"]>;

function row(
  name: string,
  argument: string,
  facts: RowFacts,
  set: (word: string) => Stapling,
): Directive {
  return hostRow(name, argument, facts, ([word], to) => {
    const values = to.server.get(sslServer);
    values.stapling = { ...values.stapling, ...set(word) };
  });
}

/** A row of seconds. Other words than digits are 0, as httpd reads them. */
function seconds(
  name: string,
  help: string,
  value: string,
  key: "responderTimeout" | "cacheTimeout" | "errorTimeout" | "maxAge" | "skew",
): Directive {
  return row(name, "seconds", { help, default: value }, (word) => {
    if (!/^[+-]?\d{1,9}$/.test(word) || Number(word) < 0) {
      throw new ArgumentError(`${name}: invalid argument`);
    }
    return { [key]: Number(word) };
  });
}

export const staplingRows: readonly Directive[] = [
  row("SSLUseStapling", "on|off", {
    help: "Handshakes bring along what the authority says of the certificate (OCSP), which is fetched ahead",
    default: "off",
    differs:
      "Only for hosts with one certificate, on Linux. The control process fetches: a handshake never waits, and the first ones after a start may be without.",
  }, (word) => ({ use: flag(word) })),
  seconds("SSLStaplingResponderTimeout", "A responder may take so long", "10", "responderTimeout"),
  row("SSLStaplingReturnResponderErrors", "on|off", {
    help: "Clients are told of errors of the responder, too",
    default: "on",
    differs: "While an earlier response is good, that is sent.",
  }, (word) => ({ returnErrors: flag(word) })),
  row("SSLStaplingFakeTryLater", "on|off", {
    help: "Where no responder answers, clients are told tryLater; with SSLStaplingReturnResponderErrors on",
    default: "on",
  }, (word) => ({ fakeTryLater: flag(word) })),
  seconds(
    "SSLStaplingStandardCacheTimeout",
    "A response is fetched anew after so long",
    "3600",
    "cacheTimeout",
  ),
  seconds("SSLStaplingErrorCacheTimeout", "The same after a failure", "600", "errorTimeout"),
  seconds("SSLStaplingResponseMaxAge", "Older responses are not taken", "-1", "maxAge"),
  seconds("SSLStaplingResponseTimeSkew", "Clocks may differ so much", "300", "skew"),
  row("SSLStaplingForceURL", "uri", {
    help: "The responder to ask, whatever the certificate says",
  }, (word) => {
    if (URL.parse(word)?.protocol !== "http:") {
      throw new ArgumentError("SSLStaplingForceURL must be a URL of http");
    }
    return { url: word };
  }),
];
