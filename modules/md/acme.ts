// How does a certificate come from an authority? ACME (RFC 8555), by the library acme-client: an account, an order for the names of a
// set, a challenge for each of them that is answered in the store, and the certificates. Loaded when there is one to be got.

import { Agent } from "node:https";
// Before the library, which loads @peculiar/x509 too: a bundle has one order for both.
import "../../std/reflect.ts";
import * as acme from "acme-client";
import type { MdGlobal } from "./config.ts";
import type { ManagedDomain } from "./domains.ts";
import { accountKey, challengePair, decrypted, encrypted, keyAndRequest } from "./key_material.ts";
import { type Command, runCommand } from "./commands.ts";
import { filesOf, HTTP_01, type Store, TLS_ALPN_01 } from "./store.ts";

/** A request may take so long (ms). */
const TIMEOUT_MS = 30_000;
/** What is under way at the authority is asked about this often (ms): at first, and at last. */
const POLL_MS = { min: 1000, max: 30_000, attempts: 20 };

/** What a run is about. */
export interface Run {
  readonly domain: ManagedDomain;
  readonly global: MdGlobal;
  readonly store: Store;
  /** URL of the authority's directory. */
  readonly authority: string;
  /** Kinds of challenges that can be answered, the preferred first. */
  readonly challenges: readonly string[];
}

function configureLibrary({ authorityFile, proxy }: MdGlobal): void {
  const { defaults } = acme.axios;
  Object.assign(defaults, { timeout: TIMEOUT_MS });
  // It is tried again by the rules of MDRetryDelay.
  (defaults as typeof defaults & { acmeSettings: { retryMaxAttempts: number } }).acmeSettings
    .retryMaxAttempts = 0;
  defaults.headers.common["User-Agent"] = "mpmd";
  defaults.httpsAgent = authorityFile === undefined
    ? undefined
    : new Agent({ ca: Deno.readTextFileSync(authorityFile) });
  if (proxy === undefined) return;
  const { protocol, hostname, port } = new URL(proxy);
  defaults.proxy = { protocol, host: hostname, port: Number(port || (protocol === "https:" ? 443 : 80)) };
}

/** Gets certificates for all kinds of keys, and puts them with their keys into staging. @throws Error why not, for people */
export async function obtain(run: Run): Promise<void> {
  const { domain, store } = run;
  configureLibrary(run.global);
  const client = await openAccount(run);
  const identifiers = domain.names.map((value) => ({ type: "dns", value }));
  for (const kind of domain.keys) {
    const order = await client.createOrder({ identifiers });
    for (const authorization of await client.getAuthorizations(order)) {
      if (authorization.status !== "valid") await prove(client, run, authorization);
    }
    const { key, request } = await keyAndRequest(kind, domain.names, domain.mustStaple);
    const certificate = await client.getCertificate(await client.finalizeOrder(order, request));
    const files = filesOf(kind);
    store.write(key, "staging", domain.name, files.key);
    store.write(certificate, "staging", domain.name, files.certificate);
  }
}

/** The account at an authority, which is made if there is none. */
async function openAccount({ domain, authority, store }: Run): Promise<acme.Client> {
  const { host } = new URL(authority);
  const folder = `ACME-${host.replaceAll(":", "-")}-0000`;
  const known = store.read("accounts", folder, "account.pem");
  const key = known === undefined ? await accountKey() : decrypted(known, store.secret);
  const { binding } = domain;
  const client = new acme.Client({
    directoryUrl: authority,
    accountKey: key,
    externalAccountBinding: binding && { kid: binding.kid, hmacKey: binding.hmac },
    backoffMin: POLL_MS.min,
    backoffMax: POLL_MS.max,
    backoffAttempts: POLL_MS.attempts,
  });
  const terms = await client.getTermsOfServiceUrl();
  if (terms && domain.agreement === undefined) {
    throw new Error(
      `the CA requires you to accept the terms-of-service as specified in <${terms}>. Please read the document that you find at that ` +
        'URL and, if you agree to the conditions, configure "MDCertificateAgreement accepted". Then (graceful) restart the server to activate.',
    );
  }
  const contact = [...domain.contacts];
  await client.createAccount({
    ...terms ? { termsOfServiceAgreed: true } : {},
    ...contact.length > 0 ? { contact } : {},
  });
  if (known === undefined) store.write(encrypted(key, store.secret), "accounts", folder, "account.pem");
  const account = {
    disabled: false,
    url: client.getAccountUrl(),
    "ca-url": authority,
    contact,
    agreement: terms ?? undefined,
    registration: { status: "valid", contact },
  };
  store.writeJson(account, "accounts", folder, "account.json");
  return client;
}

/** Proves that a name is one of this server. @throws Error */
async function prove(client: acme.Client, run: Run, authorization: acme.Authorization): Promise<void> {
  const { identifier: { value: name }, challenges: offered } = authorization;
  const challenge = run.challenges.map((type) => offered.find((each) => each.type === type)).find((one) =>
    one !== undefined
  );
  if (challenge === undefined) {
    throw new Error(
      `${name}: the CA offers the challenges ${offered.map(({ type }) => `'${type}'`).join(" ")}, ` +
        `of which none is among those of the server: ${run.challenges.map((type) => `'${type}'`).join(" ")}`,
    );
  }
  const answer = await client.getChallengeKeyAuthorization(challenge);
  const end = await publish(run, name, challenge, answer);
  try {
    await client.completeChallenge(challenge);
    await client.waitForValidStatus(challenge);
  } catch (error) {
    throw new Error(`${name}: the challenge ${challenge.type} failed: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    await end();
  }
}

/** Lets the authority find `answer`. Returns what takes it away. @throws Error */
async function publish(
  { store, domain, global }: Run,
  name: string,
  { type }: { readonly type: string },
  answer: string,
): Promise<() => void | Promise<void>> {
  if (type === "http-01") {
    store.write(answer, "challenges", name, HTTP_01);
    return () => store.purge("challenges", name);
  }
  if (type === "tls-alpn-01") {
    const { certificate, key } = await challengePair(name, answer);
    store.write(key, "challenges", name, TLS_ALPN_01.key);
    store.write(certificate, "challenges", name, TLS_ALPN_01.certificate);
    return () => store.purge("challenges", name);
  }
  const command: Command = { directive: "MDChallengeDns01", line: domain.dnsCommand! };
  await runCommand(command, "setup", name, answer);
  return () => runCommand(command, "teardown", name, ...global.dnsVersion === 2 ? [answer] : []);
}
