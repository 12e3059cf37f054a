// Who is it, without a password on the wire? mod_auth_digest: HTTP Digest authentication (RFC 7616) with MD5 and qop=auth.

import { ArgumentError, type Directive, dirKey } from "../../server/config/mod.ts";
import { Field } from "../../server/http/parser/mod.ts";
import type { Access, Refusal } from "../../server/request/access.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { asksBy, authnDir, type AuthnProvider, quotedRealm } from "../authn_core/settings.ts";
import {
  checkProviders,
  mergeProviders,
  namedProviders,
  noProviders,
  type Providers,
  providersDirective,
} from "../authn_core/providers.ts";
import type { DigestFields } from "./digest.ts";

interface Digest extends Providers {
  /** AuthDigestNonceLifetime, ms; negative: for ever. */
  lifetime: number | undefined;
  /** AuthDigestDomain. */
  domain: readonly string[] | undefined;
}

const digestDir = dirKey<Digest>("auth_digest", {
  create: () => ({ ...noProviders(), lifetime: undefined, domain: undefined }),
  merge: (base, over) => ({
    ...mergeProviders(base, over),
    lifetime: over.lifetime ?? base.lifetime,
    domain: over.domain ?? base.domain,
  }),
});

const PLACES = ["directory", ".htaccess"] as const;
const LIFETIME = 300_000;
/** A client gets its next nonce ahead when the one it has is good for less than this (ms). */
const NEXT_WITHIN = 30_000;

/** A directive of which there is one value only. */
function only(name: string, value: string, help: string): Directive {
  return {
    name,
    contexts: PLACES,
    args: 1,
    syntax: `${name} ${value}`,
    help,
    default: value,
    override: "AuthConfig",
    apply([word]) {
      if (word.toLowerCase() !== value.toLowerCase()) {
        throw new ArgumentError(`${name}: only '${value}' is supported`);
      }
    },
  };
}

const directives: readonly Directive[] = [
  providersDirective("AuthDigestProvider", digestDir),
  {
    name: "AuthDigestNonceLifetime",
    contexts: PLACES,
    args: 1,
    syntax: "AuthDigestNonceLifetime seconds",
    help: "How long a client may use a nonce; negative: for ever",
    default: "300",
    override: "AuthConfig",
    differs: "0, which asks for a nonce for each request, is refused.",
    apply([text], to) {
      if (!/^-?\d{1,9}$/.test(text) || Number(text) === 0) {
        throw new ArgumentError("AuthDigestNonceLifetime must be a number of seconds, and not 0");
      }
      to.dir.get(digestDir).lifetime = Number(text) * 1000;
    },
  },
  {
    name: "AuthDigestDomain",
    contexts: PLACES,
    args: [1, Infinity],
    syntax: "AuthDigestDomain URI [URI] ...",
    help: "Where else the same name and password are good",
    override: "AuthConfig",
    apply(uris, to) {
      const digest = to.dir.get(digestDir);
      digest.domain = [...digest.domain ?? [], ...uris];
    },
  },
  only("AuthDigestQop", "auth", "What is protected: only that it is the user who asks"),
  only("AuthDigestAlgorithm", "MD5", "What digests are made with"),
];

/** What threads know that checks users. */
interface Thread {
  readonly log: ThreadContext["log"];
  /** Of this server, since it was started. */
  readonly secret: string;
  readonly computing: typeof import("./digest.ts");
}

const refused = (ah: string, message: string, status = 401): Refusal => ({
  status,
  module: "auth_digest",
  ah,
  message,
  challenges: status === 401,
});

/** Fields that the answers to exchanges get. */
const informations = new WeakMap<Exchange, string>();
/** Exchanges whose nonce was right, and is too old. */
const stale = new WeakSet<Exchange>();

/** Of the control process: nonces stay good over restarts. */
const secret = crypto.randomUUID();

/** The module; `providers` are those of other modules. */
export function authDigest(providers: readonly AuthnProvider[]): ServerModule {
  const byName = new Map(providers.map((provider) => [provider.name, provider]));

  /** MD5 of user, realm and password. */
  function hashOf(exchange: Exchange, user: string, realm: string): string | "unknown" | "error" {
    for (const name of namedProviders(exchange.dir.get(digestDir))) {
      const provider = byName.get(name);
      if (provider === undefined) return "error";
      const hash = provider.realmHash?.(user, realm, exchange.dir, exchange) ?? "unknown";
      if (hash !== "unknown") return hash;
    }
    return "unknown";
  }

  function check(thread: Thread, exchange: Exchange): Access {
    const { path } = exchange;
    const { name: realm } = exchange.dir.get(authnDir);
    if (realm === undefined) {
      return { status: 500, module: "auth_digest", ah: "AH01780", message: `need AuthName: ${path}` };
    }
    const field = exchange.head.field(Field.Authorization);
    if (field === undefined) return { status: 401, module: "auth_digest", challenges: true };
    const fields = thread.computing.digestFields(field);
    if (fields === undefined) {
      return refused(
        "AH01781",
        `client used wrong authentication scheme \`${field.split(" ", 1)[0]}': ${path}`,
      );
    }
    const wrong = misfit(fields, realm, exchange);
    if (wrong !== undefined) return wrong;
    const user = fields.get("username")!;
    exchange.claimedUser = user;
    const hash = hashOf(exchange, user, realm);
    if (hash === "error") return { status: 500, module: "auth_digest" };
    if (hash === "unknown") {
      return refused("AH01790", `user \`${user}' in realm \`${realm}' not found: ${path}`);
    }
    if (!thread.computing.isRightResponse(hash, exchange.head.method, fields)) {
      return refused("AH01794", `user ${user}: password mismatch: ${path}`);
    }
    const old = checkNonce(thread, fields, realm, exchange);
    if (old !== undefined) return old;
    exchange.user = user;
    exchange.authType = "Digest";
    informations.set(exchange, information(thread, hash, fields, realm, exchange));
    return undefined;
  }

  function hooks(): ModuleHooks {
    let thread: Thread | undefined;
    let begin: (() => Promise<Thread>) | undefined;
    return {
      async threadInit({ log, shared, config }) {
        begin = async () => thread = { log, secret: String(shared), computing: await import("./digest.ts") };
        const used = config.allDirStores().some((store) =>
          store.get(authnDir).type?.toLowerCase() === "digest"
        );
        if (used) await begin();
      },
      userChecker(exchange) {
        if (!asksBy("Digest", exchange)) return undefined;
        return thread === undefined ? begin!() : check(thread, exchange);
      },
      challenge: (exchange) =>
        thread !== undefined && asksBy("Digest", exchange)
          ? [["WWW-Authenticate", challenge(thread, exchange)]]
          : undefined,
      filterReply(exchange, reply) {
        const information = informations.get(exchange);
        return information === undefined
          ? reply
          : { ...reply, fields: [...reply.fields, ["Authentication-Info", information]] };
      },
    };
  }

  return {
    name: "auth_digest_module",
    source: "mod_auth_digest.c",
    directives,
    checkConfig: (config) =>
      checkProviders(config, digestDir, "AuthDigestProvider", (name) => {
        if (!byName.has(name)) return `Unknown Authn provider: ${name}`;
        if (byName.get(name)?.realmHash === undefined) {
          return `The provider ${name} does not support HTTP Digest`;
        }
      }),
    material: () => secret,
    beginProcess: (given) => ({ shared: given, end() {} }),
    hooks,
  };
}

/** What is wrong with the fields, before anybody looks the user up. */
function misfit(fields: DigestFields, realm: string, exchange: Exchange): Refusal | undefined {
  const { path, head } = exchange;
  const qop = fields.get("qop");
  const missing = ["username", "realm", "nonce", "uri", "response"].some((name) => !fields.has(name));
  if (missing || (qop !== undefined && !(fields.has("cnonce") && fields.has("nc")))) {
    return refused(
      "AH01782",
      `missing user, realm, nonce, uri, digest, cnonce, or nonce_count in authorization header: ${path}`,
    );
  }
  if (qop?.toLowerCase() !== "auth") {
    const shown = qop ?? "(null)";
    return refused(
      "AH10560",
      `invalid or missing qop value '${shown}', RFC 2069 is no longer supported: ${path}`,
    );
  }
  const uri = fields.get("uri")!;
  if (uri !== head.target) {
    return refused("AH01786", `uri mismatch - <${uri}> does not match request-uri <${head.target}>`, 400);
  }
  const given = fields.get("realm");
  if (given !== realm) {
    return refused("AH01788", `realm mismatch - got \`${given}' but expected \`${realm}': ${path}`);
  }
  const algorithm = fields.get("algorithm") ?? "MD5";
  if (algorithm.toLowerCase() === "md5") return undefined;
  return refused("AH01789", `unknown algorithm \`${algorithm}' received: ${path}`);
}

/** A nonce that is not ours, or too old. */
function checkNonce(
  thread: Thread,
  fields: DigestFields,
  realm: string,
  exchange: Exchange,
): Refusal | undefined {
  const nonce = fields.get("nonce")!;
  const made = thread.computing.nonceTime(thread.secret, realm, nonce);
  if (made === undefined) return refused("AH01777", `invalid nonce '${nonce}' received: ${exchange.path}`);
  const { lifetime = LIFETIME } = exchange.dir.get(digestDir);
  const age = exchange.startTime - made;
  if (lifetime < 0 || age <= lifetime) return undefined;
  stale.add(exchange);
  const user = fields.get("username");
  const seconds = (age / 1000).toFixed(2);
  thread.log(
    "info",
    "AH01779",
    `user ${user}: nonce expired (${seconds} seconds old - max lifetime ${(lifetime / 1000).toFixed(2)}) - ` +
      "sending new nonce",
    exchange,
  );
  return { status: 401, module: "auth_digest", challenges: true };
}

function challenge({ computing, secret }: Thread, exchange: Exchange): string {
  const { name = "" } = exchange.dir.get(authnDir);
  const { domain } = exchange.dir.get(digestDir);
  const nonce = computing.makeNonce(secret, name, exchange.startTime);
  const where = domain === undefined ? "" : `, domain="${domain.join(" ")}"`;
  const again = stale.has(exchange) ? ", stale=true" : "";
  return `Digest realm=${quotedRealm(name)}, nonce="${nonce}", algorithm=MD5${where}${again}, qop="auth"`;
}

/** Shows the client that the server knows the password too (RFC 7616 3.5), and its next nonce. */
function information(
  { computing, secret }: Thread,
  hash: string,
  fields: DigestFields,
  realm: string,
  exchange: Exchange,
): string {
  const proof = computing.digestResponse(hash, "", fields.get("uri")!, fields);
  const { lifetime = LIFETIME } = exchange.dir.get(digestDir);
  const made = computing.nonceTime(secret, realm, fields.get("nonce")!)!;
  const ends = lifetime >= 0 && made + lifetime - exchange.startTime < NEXT_WITHIN;
  const next = ends ? `, nextnonce="${computing.makeNonce(secret, realm, exchange.startTime)}"` : "";
  return `rspauth="${proof}"${next}, cnonce="${fields.get("cnonce")}", nc=${fields.get("nc")}, qop=auth`;
}
