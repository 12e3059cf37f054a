// Who is it, by name and password? mod_auth_basic: HTTP Basic authentication (RFC 7617), with the providers of other modules.

import { ArgumentError, type Directive, dirKey, type DirStore, flag } from "../../server/config/mod.ts";
import { evaluateString, explained, parseString, type Word } from "../../server/config/expression/mod.ts";
import type { Fields } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import type { Access, Refusal } from "../../server/request/access.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule } from "../../server/request/module.ts";
import {
  checkProviders,
  mergeProviders,
  namedProviders,
  noProviders,
  type Providers,
  providersDirective,
} from "../authn_core/providers.ts";
import { asksBy, authnDir, type AuthnProvider, quotedRealm, type Verdict } from "../authn_core/settings.ts";

interface Basic extends Providers {
  authoritative: boolean | undefined;
  /** The password is compared as HTTP Digest would. */
  digest: boolean | undefined;
  /** AuthBasicFake; null: Off. */
  fake: { readonly user: Word; readonly password: Word } | null | undefined;
}

const basicDir = dirKey<Basic>("auth_basic", {
  create: () => ({
    ...noProviders(),
    authoritative: undefined,
    digest: undefined,
    fake: undefined,
  }),
  merge: (base, over) => ({
    ...mergeProviders(base, over),
    authoritative: over.authoritative ?? base.authoritative,
    digest: over.digest ?? base.digest,
    fake: over.fake === undefined ? base.fake : over.fake,
  }),
});

const PLACES = ["directory", ".htaccess"] as const;

const directives: readonly Directive[] = [providersDirective("AuthBasicProvider", basicDir), {
  name: "AuthBasicAuthoritative",
  contexts: PLACES,
  args: 1,
  syntax: "AuthBasicAuthoritative On|Off",
  help: "Whether a user whom no provider knows is refused, rather than left to other modules",
  default: "On",
  override: "AuthConfig",
  apply([word], to) {
    to.dir.get(basicDir).authoritative = flag(word);
  },
}, {
  name: "AuthBasicUseDigestAlgorithm",
  contexts: PLACES,
  args: 1,
  syntax: "AuthBasicUseDigestAlgorithm MD5|Off",
  help: "Compares passwords with the hashes that AuthType Digest needs",
  default: "Off",
  override: "AuthConfig",
  apply([word], to) {
    const lower = word.toLowerCase();
    if (lower !== "md5" && lower !== "off") {
      throw new ArgumentError(`Invalid algorithm in AuthBasicUseDigestAlgorithm: ${word}`);
    }
    to.dir.get(basicDir).digest = lower === "md5";
  },
}, {
  name: "AuthBasicFake",
  contexts: PLACES,
  args: [1, 2],
  syntax: "AuthBasicFake off|username [password]",
  help:
    "The name and password that an application or another server gets in an Authorization field; expressions",
  override: "AuthConfig",
  apply([user, password = "password"], to) {
    const read = (text: string) => explained("AuthBasicFake", () => parseString(text));
    to.dir.get(basicDir).fake = user.toLowerCase() === "off"
      ? null
      : { user: read(user), password: read(password) };
  },
}];

/** What was found out about a request whose providers took their time. */
const verdicts = new WeakMap<Exchange, { readonly place: DirStore; readonly verdict: Verdict }>();

/** "name:password" of an Authorization field; undefined: it has none. */
function credentials(field: string): { user: string; password: string } | undefined {
  const [, encoded] = /^basic\s+(\S*)/i.exec(field) ?? [];
  if (encoded === undefined) return undefined;
  // httpd takes what it can of it.
  const [usable] = /^[A-Za-z0-9+/]*/.exec(encoded)!;
  const whole = usable.length % 4 === 1 ? usable.slice(0, -1) : usable;
  const text = atob(whole);
  const colon = text.indexOf(":");
  return colon < 0
    ? { user: text, password: "" }
    : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

const refused = (ah: string, message: string): Refusal => ({
  status: 401,
  module: "auth_basic",
  ah,
  message,
  challenges: true,
});

/** Asks the providers one after the other, until one knows the user. */
async function ask(
  providers: readonly AuthnProvider[],
  first: Promise<Verdict>,
  check: (provider: AuthnProvider) => Verdict | Promise<Verdict>,
): Promise<Verdict> {
  let verdict = await first;
  for (const provider of providers) {
    if (verdict !== "unknown") break;
    verdict = await check(provider);
  }
  return verdict;
}

/** The module; `providers` are those of other modules. */
export function authBasic(providers: readonly AuthnProvider[]): ServerModule {
  const byName = new Map(providers.map((provider) => [provider.name, provider]));

  function verdictOn(exchange: Exchange, user: string, password: string): Verdict | Promise<Verdict> {
    const { dir } = exchange;
    const settings = dir.get(basicDir);
    const check = (provider: AuthnProvider) =>
      settings.digest === true
        ? digestVerdict(provider, user, password, exchange)
        : provider.check(user, password, dir, exchange);
    const asked = namedProviders(settings).map((name) => byName.get(name));
    for (const [at, provider] of asked.entries()) {
      if (provider === undefined) return "error";
      const verdict = check(provider);
      if (verdict instanceof Promise) {
        return ask(asked.slice(at + 1).filter((next) => next !== undefined), verdict, check);
      }
      if (verdict !== "unknown") return verdict;
    }
    return "unknown";
  }

  function userChecker(exchange: Exchange): Access {
    if (!asksBy("Basic", exchange)) return undefined;
    const { name } = exchange.dir.get(authnDir);
    if (name === undefined) {
      return { status: 500, module: "auth_basic", ah: "AH01615", message: `need AuthName: ${exchange.path}` };
    }
    const field = exchange.head.field(Field.Authorization);
    if (field === undefined) return { status: 401, module: "auth_basic", challenges: true };
    const given = credentials(field);
    if (given === undefined) {
      return refused("AH01614", `client used wrong authentication scheme: ${exchange.path}`);
    }
    const { user, password } = given;
    exchange.claimedUser = user;
    const place = exchange.dir;
    const known = verdicts.get(exchange);
    const verdict = known?.place === place ? known.verdict : verdictOn(exchange, user, password);
    if (verdict instanceof Promise) {
      return verdict.then((later) => verdicts.set(exchange, { place, verdict: later }));
    }
    return decided(exchange, user, verdict);
  }

  return {
    name: "auth_basic_module",
    source: "mod_auth_basic.c",
    directives,
    checkConfig: (config) =>
      checkProviders(
        config,
        basicDir,
        "AuthBasicProvider",
        (name) => byName.has(name) ? undefined : `Unknown Authn provider: ${name}`,
      ),
    hooks: () => ({
      userChecker,
      challenge: (exchange) => asksBy("Basic", exchange) ? challenge(exchange) : undefined,
      fixups(exchange) {
        const { fake } = exchange.dir.get(basicDir);
        if (fake) pretend(exchange, fake);
        return undefined;
      },
    }),
  };
}

function challenge(exchange: Exchange): Fields {
  return [["WWW-Authenticate", `Basic realm=${quotedRealm(exchange.dir.get(authnDir).name ?? "")}`]];
}

function decided(exchange: Exchange, user: string, verdict: Verdict): Access {
  const { path } = exchange;
  if (verdict === "granted") {
    exchange.user = user;
    exchange.authType = "Basic";
    return undefined;
  }
  if (verdict === "denied") {
    return refused("AH01617", `user ${user}: authentication failure for "${path}": Password Mismatch`);
  }
  // Another module may know the user.
  if (exchange.dir.get(basicDir).authoritative === false) return undefined;
  if (verdict === "unknown") return refused("AH01618", `user ${user} not found: ${path}`);
  return { status: 500, module: "auth_basic" };
}

async function digestVerdict(
  provider: AuthnProvider,
  user: string,
  password: string,
  exchange: Exchange,
): Promise<Verdict> {
  const realm = exchange.dir.get(authnDir).name ?? "";
  const hash = provider.realmHash?.(user, realm, exchange.dir, exchange) ?? "unknown";
  if (hash === "unknown" || hash === "error") return hash;
  const [{ realmDigest }, { sameText }] = await Promise.all([
    import("../authn_file/passwords.ts"),
    import("../authn_core/same_text.ts"),
  ]);
  return sameText(realmDigest(user, realm, password), hash) ? "granted" : "denied";
}

/** Gives the handler an Authorization field of the server's own. */
function pretend(exchange: Exchange, { user, password }: NonNullable<Basic["fake"]>): void {
  exchange.dependsOn = "request";
  const name = evaluateString(user, exchange.subject);
  // Nobody is nobody.
  if (name === "") return;
  const encoded = btoa(`${name}:${evaluateString(password, exchange.subject)}`);
  const others = [...exchange.head.entries()].filter(([field]) => field.toLowerCase() !== "authorization");
  exchange.detach();
  exchange.head = exchange.head.withFields([...others, ["Authorization", `Basic ${encoded}`]]);
}
