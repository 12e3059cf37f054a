// When are OCSP responses fetched? By the control process, ahead of the handshakes that send them along (stapling, RFC 6066): every hour, and
// after a failure every ten minutes; a good one is sent as long as it is good.

import { type OpenSsl, openSsl } from "../../platform/openssl.ts";
import { canStaple } from "../../platform/status_callback.ts";
import type { WatchdogContext } from "../../server/request/module.ts";
import { digestOf } from "./certificates.ts";
import type { SslServer } from "./config.ts";
import { type OcspQuestion, ocspQuestion, readAnswer, TRY_LATER } from "./ocsp.ts";
import { LONGEST_RESPONSE, type StapledRecords } from "./stapled.ts";

/** What SSLStapling* say of a host. Times in seconds. */
interface StaplingRules {
  readonly responderTimeout: number;
  readonly returnErrors: boolean;
  readonly fakeTryLater: boolean;
  readonly cacheTimeout: number;
  readonly errorTimeout: number;
  /** -1: any. */
  readonly maxAge: number;
  readonly skew: number;
  readonly url: string | undefined;
}

/** A certificate whose responses are stapled. */
export interface StapledCertificate {
  readonly digest: string;
  /** The certificate, and its chain; PEM. */
  readonly certificates: string;
  readonly rules: StaplingRules;
}

/** What holds where nothing is said. */
const DEFAULTS: StaplingRules = {
  responderTimeout: 10,
  returnErrors: true,
  fakeTryLater: true,
  cacheTimeout: 3600,
  errorTimeout: 600,
  maxAge: -1,
  skew: 300,
  url: undefined,
};

/** The rules of a host; undefined: nothing is stapled. */
function staplingRules({ stapling = {} }: SslServer): StaplingRules | undefined {
  const { use, ...rules } = stapling;
  return use === true ? { ...DEFAULTS, ...rules } : undefined;
}

/** Why nothing can be stapled for a certificate, as httpd says it; undefined: nothing is wrong. */
function staplingProblem(
  openssl: OpenSsl,
  certificates: string,
  rules: StaplingRules,
): string | undefined {
  const question = ocspQuestion(openssl, certificates);
  if (question === undefined) return "AH02217: ssl_stapling_init_cert: can't retrieve issuer certificate!";
  if (question.url !== undefined || rules.url !== undefined) return undefined;
  return "AH02218: ssl_stapling_init_cert: no OCSP URI in certificate and no SSLStaplingForceURL set";
}

/** The certificate of a host whose responses are stapled, unless that cannot be: then there is a warning. */
export function stapledCertificate(
  openssl: OpenSsl,
  ssl: SslServer,
  pairs: readonly string[],
  warn: (message: string) => void,
): StapledCertificate | undefined {
  const rules = staplingRules(ssl);
  if (rules === undefined) return undefined;
  const [certificates] = pairs;
  const problem = !canStaple()
    ? "SSLUseStapling has no effect: it takes Linux on x86-64 or ARM64"
    : pairs.length > 1
    ? "SSLUseStapling has no effect: the host has several certificates"
    : staplingProblem(openssl, certificates, rules);
  if (problem === undefined) return { digest: digestOf(certificates), certificates, rules };
  warn(problem);
  return undefined;
}

/** Begins to fetch responses for `certificates` into `records`. Returns what ends that. */
export function startStapling(
  certificates: readonly StapledCertificate[],
  records: StapledRecords,
  context: WatchdogContext,
): () => void {
  const fetchers = certificates.map((certificate) => new Fetcher(certificate, records, context));
  for (const fetcher of fetchers) fetcher.begin();
  return () => fetchers.forEach((fetcher) => fetcher.end());
}

const LONGEST_MS = 2 ** 31 - 1;
/** No responder has more bytes to say. */
const LONGEST_ANSWER = 65_536;

class Fetcher {
  readonly #openssl = openSsl();
  readonly #question: OcspQuestion | undefined;
  readonly #ended = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Until then (ms since 1970) there is a response that a client believes. */
  #good = 0;

  constructor(
    readonly certificate: StapledCertificate,
    readonly records: StapledRecords,
    readonly context: WatchdogContext,
  ) {
    this.#question = ocspQuestion(this.#openssl, certificate.certificates);
  }

  begin(): void {
    if (this.#question !== undefined) this.#turn();
  }

  end(): void {
    this.#ended.abort();
    clearTimeout(this.#timer);
  }

  async #turn(): Promise<void> {
    const seconds = await this.#refresh();
    if (this.#ended.signal.aborted) return;
    this.#timer = setTimeout(() => this.#turn(), Math.min(Math.max(seconds, 1) * 1000, LONGEST_MS));
  }

  /** Fetches a response. Returns after how many seconds to do so again. */
  async #refresh(): Promise<number> {
    const { certificate: { digest, certificates, rules }, context, records } = this;
    const response = await this.#ask();
    if (this.#ended.signal.aborted) return 0;
    const answer = response && readAnswer(this.#openssl, certificates, response, rules.skew, rules.maxAge);
    const now = Date.now();
    if (response === undefined || answer === undefined) {
      if (response !== undefined) this.#say("AH01941", "stapling_renew_response: responder error");
      return this.#failed(rules.fakeTryLater ? TRY_LATER : undefined);
    }
    const { error, problem, notGood, nextUpdate } = answer;
    if (error !== undefined) {
      context.log("debug", "AH01944", `stapling_renew_response: responder error ${error}`);
      return this.#failed(response);
    }
    if (notGood !== undefined) this.#say("AH02969", `stapling_check_response: ${notGood}`);
    if (problem !== undefined) {
      this.#say(problem.ah, `stapling_check_response: ${problem.message}`);
      this.#say("AH01943", "stapling_renew_response: error in retrieved response!");
      // What a client would not believe is not sent; what says nothing of this certificate is.
      return this.#failed(problem.ah === "AH01935" ? response : undefined);
    }
    if (response.length > LONGEST_RESPONSE) {
      this.#say("AH01928", `OCSP stapling response too big (${response.length} bytes)`);
      return rules.errorTimeout;
    }
    context.log("debug", "AH01942", "stapling_renew_response: query response received");
    // Where it does not say when there will be another, two cache timeouts are for responders that are late.
    this.#good = nextUpdate ?? now + rules.cacheTimeout * 2000;
    records.write(digest, response, this.#good);
    return Math.min(rules.cacheTimeout, Math.max((this.#good - now) / 2000, 1));
  }

  /** Whatever is good goes on being sent until it is not; then `response`, if clients are to know of errors. */
  #failed(response: Uint8Array | undefined): number {
    const { certificate: { digest, rules }, records } = this;
    const now = Date.now();
    if (this.#good > now) return Math.min(rules.errorTimeout, Math.max((this.#good - now) / 1000, 1));
    records.write(
      digest,
      rules.returnErrors && response !== undefined ? response : new Uint8Array(),
      now + rules.errorTimeout * 2000,
    );
    return rules.errorTimeout;
  }

  #say(ah: string, message: string): void {
    this.context.log("error", ah, message);
  }

  /** What the responder says; undefined: it cannot be asked, which has been logged. */
  async #ask(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { certificate: { rules } } = this;
    const { request, url } = this.#question!;
    const target = rules.url ?? url;
    if (target === undefined) {
      this.#say("AH02621", "stapling_renew_response: no uri for responder");
      return undefined;
    }
    try {
      const answer = await fetch(target, {
        method: "POST",
        headers: { "Content-Type": "application/ocsp-request" },
        body: request,
        redirect: "error",
        signal: AbortSignal.any([this.#ended.signal, AbortSignal.timeout(rules.responderTimeout * 1000)]),
      });
      if (answer.status === 200) return await limited(answer);
      await answer.body?.cancel();
      throw new Error(`it answers ${answer.status}`);
    } catch (error) {
      if (this.#ended.signal.aborted) return undefined;
      this.#say(
        "AH01941",
        `stapling_renew_response: responder error: ${target}: ${(error as Error).message}`,
      );
      return undefined;
    }
  }
}

/** The bytes of an answer. @throws Error when they are more than any response has */
async function limited({ body }: Response): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body ?? []) {
    length += part.length;
    if (length > LONGEST_ANSWER) throw new Error("it answers too much");
    parts.push(part);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
