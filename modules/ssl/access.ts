// Who may have what is in a place, as its certificate and its connection say? What mod_ssl checks for requests.

import { evaluateCondition } from "../../server/config/expression/mod.ts";
import { Field } from "../../server/http/parser/mod.ts";
import { openSsl, textAt } from "../../platform/openssl.ts";
import type { Access, Refusal } from "../../server/request/access.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { type SslDir, sslDir, type SslOption } from "./config.ts";
import { sslVariable } from "./variables.ts";

function has({ options }: SslDir, option: SslOption): boolean {
  return options.get(option) === true;
}

function forbidden(ah: string, message: string): Refusal {
  return { status: 403, module: "ssl", ah, message };
}

/** Requests that were refused where that counts whatever Satisfy says. */
const strictlyForbidden = new WeakSet<Exchange>();

/** May the request have what is there, whoever the user is? */
export function checkAccess(exchange: Exchange, thread: ThreadContext): Refusal | undefined {
  const values = exchange.dir.get(sslDir);
  const { requireSsl, verifyClient, userName, requirements } = values;
  if (!requireSsl && verifyClient === undefined && userName === undefined && requirements.length === 0) {
    return undefined;
  }
  const refusal = sslRefusal(exchange, values, thread);
  if (refusal !== undefined && has(values, "StrictRequire")) strictlyForbidden.add(exchange);
  return refusal;
}

function sslRefusal(
  exchange: Exchange,
  { requireSsl, verifyClient, userName, requirements, options }: SslDir,
  thread: ThreadContext,
): Refusal | undefined {
  const what = exchange.filename || exchange.path;
  if (sslVariable(exchange, "HTTPS") === undefined) {
    if (!requireSsl) return undefined;
    return forbidden("AH02219", `access to ${what} failed, reason: SSL connection required`);
  }
  if (verifyClient === "require") {
    exchange.dependsOn = "request";
    if (sslVariable(exchange, "SSL_CLIENT_VERIFY") !== "SUCCESS") {
      return forbidden("AH10158", "cannot perform post-handshake authentication");
    }
  }
  if (userName !== undefined && options.get("FakeBasicAuth") !== true) setUser(exchange, userName, thread);
  for (const { text, condition } of requirements) {
    exchange.dependsOn = "request";
    if (evaluateCondition(condition, thread.subjectOf(exchange))) continue;
    const { address } = exchange.transport.peer;
    thread.log(
      "info",
      "AH02266",
      `Access to ${what} denied for ${address} (requirement expression not fulfilled)`,
      exchange,
    );
    thread.log("info", "AH02228", `Failed expression: ${text}`, exchange);
    return forbidden(
      "AH02229",
      `access to ${what} failed, reason: SSL requirement expression not fulfilled`,
    );
  }
  return undefined;
}

/** The certificate counts as what authorises: its name is the user's, for whoever asks who that is. */
function setUser(exchange: Exchange, variable: string, thread: ThreadContext): void {
  exchange.dependsOn = "request";
  const user = sslVariable(exchange, variable) ?? "";
  if (user === "") {
    thread.log("warn", "AH02227", `Failed to set r->user to '${variable}'`, exchange);
    return;
  }
  exchange.user = user;
  exchange.claimedUser = user;
  exchange.userPlace = exchange.dir;
}

/** Refuses (again) what StrictRequire is about. */
export function checkStrictly(exchange: Exchange): Refusal | undefined {
  return strictlyForbidden.has(exchange) ? { status: 403, module: "ssl" } : undefined;
}

/** Requests whose Authorization field is not the client's. */
const faked = new WeakSet<Exchange>();

/** The name in the client's certificate becomes that of a user with a password that everybody knows, for AuthType Basic. */
export function fakeBasicAuth(exchange: Exchange, thread: ThreadContext): Access {
  // Of other requests the field is known already.
  if (exchange.main !== undefined || exchange.redirected !== undefined || faked.has(exchange)) {
    return undefined;
  }
  const field = exchange.head.field(Field.Authorization) ?? "";
  const given = basicCredentials(field);
  // Nobody can pretend to have shown a certificate by knowing its name.
  if (given !== undefined && /^\/[^:]*:password$/.test(given)) {
    return forbidden("AH02035", `Encountered FakeBasicAuth spoof: ${given.slice(0, given.indexOf(":"))}`);
  }
  if (!has(exchange.dir.get(sslDir), "FakeBasicAuth")) return undefined;
  const user = clientName(exchange);
  if (user === undefined) return undefined;
  if (user.includes(":")) {
    return forbidden("AH10096", `Cannot use FakeBasicAuth for username containing a colon: ${user}`);
  }
  const value = `Basic ${new TextEncoder().encode(`${user}:password`).toBase64()}`;
  thread.log("info", "AH02036", `Faking HTTP Basic Auth header: "Authorization: ${value}"`, exchange);
  const others = [...exchange.head.entries()].filter(([name]) => name.toLowerCase() !== "authorization");
  exchange.detach();
  exchange.head = exchange.head.withFields([...others, ["Authorization", value]]);
  faked.add(exchange);
  return undefined;
}

/** "name:password"; undefined: the field has none. */
function basicCredentials(field: string): string | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]*)/i.exec(field) ?? [];
  if (encoded === undefined) return undefined;
  return atob(encoded.length % 4 === 1 ? encoded.slice(0, -1) : encoded);
}

/** The name in the client's certificate in the form `/C=XX/CN=Name`; undefined: it has shown none. */
function clientName({ transport: { security } }: Exchange): string | undefined {
  const session = security?.session ?? 0n;
  if (session === 0n) return undefined;
  const { ssl, crypto } = openSsl();
  const certificate = ssl.SSL_get1_peer_certificate(session);
  if (certificate === 0n) return undefined;
  try {
    const text = crypto.X509_NAME_oneline(crypto.X509_get_subject_name(certificate), 0n, 0);
    const name = textAt(crypto, text);
    crypto.CRYPTO_free(text, 0n, 0);
    return name;
  } finally {
    crypto.X509_free(certificate);
  }
}
