// Where does a test get certificates from? A small authority that speaks ACME (RFC 8555) as the server needs it, strict about what it is
// told: signatures, nonces, URLs, and the answers to challenges, which it fetches from the server itself.

import { Buffer } from "node:buffer";
import { createHash, createPublicKey, type JsonWebKey, verify } from "node:crypto";
import "reflect-metadata";
import {
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { Authority } from "../../server/development/certificates.ts";
import { Connection } from "./harness.ts";

const EC = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const TLS_FEATURE = "1.3.6.1.5.5.7.1.24";

interface Order {
  readonly names: readonly string[];
  status: string;
  certificate?: string;
}

interface Authorization {
  readonly name: string;
  readonly token: string;
  status: string;
  error?: { readonly type: string; readonly detail: string };
}

/** What a test may say of the next certificates. */
export interface AcmeBehaviour {
  /** How long they hold, in ms, and since when. */
  lifeMs: number;
  ageMs: number;
  /** So many orders for http-01 are refused before one is taken. */
  refusals: number;
}

/** An ACME server at https://localhost. */
export class AcmeServer {
  readonly behaviour: AcmeBehaviour = { lifeMs: 90 * 24 * 3600 * 1000, ageMs: 0, refusals: 0 };
  /** Names of the orders that were made, the accounts' contacts, and requests with the extension for stapling. */
  readonly orders: Order[] = [];
  readonly contacts: string[][] = [];
  mustStaple = 0;
  readonly #authorizations: Authorization[] = [];
  readonly #keys: JsonWebKey[] = [];
  readonly #nonces = new Set<string>();
  #server: Deno.HttpServer<Deno.NetAddr> | undefined;

  private constructor(
    /** Signs what is issued. */
    readonly issuer: Authority,
    /** Where the names lead to. */
    readonly httpPort: number,
    readonly httpsPort: number,
  ) {}

  /** `web` has signed the certificate of the ACME server itself. */
  static async start(web: Authority, httpPort: number, httpsPort: number): Promise<AcmeServer> {
    const acme = new AcmeServer(await Authority.create("ACME tests"), httpPort, httpsPort);
    const { certificate, key } = await web.issue({ commonName: "localhost", names: ["localhost"] });
    acme.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, cert: certificate, key, onListen() {} },
      (request) => acme.#answer(request),
    );
    return acme;
  }

  get #base(): string {
    return `https://localhost:${this.#server!.addr.port}`;
  }

  get directory(): string {
    return `${this.#base}/directory`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server!.shutdown();
  }

  #reply(status: number, body: unknown, headers: Record<string, string> = {}): Response {
    const nonce = crypto.randomUUID().replaceAll("-", "");
    this.#nonces.add(nonce);
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const type = status >= 400 ? "application/problem+json" : "application/json";
    return new Response(text, {
      status,
      headers: { "Content-Type": type, "Replay-Nonce": nonce, ...headers },
    });
  }

  #problem(status: number, type: string, detail: string): Response {
    return this.#reply(status, { type: `urn:ietf:params:acme:error:${type}`, detail, status });
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const base = this.#base;
    if (pathname === "/directory") {
      return Response.json({
        newNonce: `${base}/nonce`,
        newAccount: `${base}/account`,
        newOrder: `${base}/order`,
        meta: { termsOfService: `${base}/terms` },
      });
    }
    if (pathname === "/nonce") return this.#reply(200, "");
    const { protected: head, payload, signature } = await request.json();
    const { nonce, url, kid, jwk } = JSON.parse(Buffer.from(head, "base64url").toString());
    if (!this.#nonces.delete(nonce)) return this.#problem(400, "badNonce", "unknown nonce");
    if (url !== `${base}${pathname}`) return this.#problem(401, "unauthorized", "another URL is signed");
    const account = kid === undefined ? -1 : Number(kid.split("/").at(-1));
    const key = jwk ?? this.#keys[account];
    if (key === undefined) return this.#problem(400, "accountDoesNotExist", "no such account");
    const signed = Buffer.from(`${head}.${payload}`);
    if (
      !verify(
        "sha256",
        signed,
        createPublicKey({ key, format: "jwk" }),
        Buffer.from(signature, "base64url"),
      )
    ) {
      return this.#problem(401, "unauthorized", "the signature is wrong");
    }
    const text = Buffer.from(payload, "base64url").toString();
    return await this.#act(pathname, text === "" ? undefined : JSON.parse(text), key);
  }

  async #act(path: string, body: Record<string, unknown> | undefined, key: JsonWebKey): Promise<Response> {
    const [, kind, number, action] = path.split("/");
    if (kind === "account") return this.#account(body!, key);
    if (kind === "order" && number === undefined) return this.#newOrder(body!);
    if (kind === "order" && action === "finalize") return await this.#finalize(Number(number), body!);
    if (kind === "order") return this.#reply(200, this.#orderText(Number(number)));
    if (kind === "authorization") return this.#reply(200, this.#authorizationText(Number(number)));
    if (kind === "challenge") {
      if (body !== undefined) await this.#validate(this.#authorizations[Number(number)], key);
      return this.#reply(200, this.#challengeText(Number(number)));
    }
    if (kind === "certificate") return this.#reply(200, this.orders[Number(number)].certificate!);
    return this.#problem(404, "malformed", "there is nothing");
  }

  #account(body: Record<string, unknown>, key: JsonWebKey): Response {
    let number = this.#keys.findIndex(({ n }) => n === key.n);
    const status = number < 0 ? 201 : 200;
    if (number < 0) {
      if (body.termsOfServiceAgreed !== true) return this.#problem(403, "userActionRequired", "terms");
      number = this.#keys.push(key) - 1;
      this.contacts.push(body.contact as string[]);
    }
    return this.#reply(status, { status: "valid" }, { Location: `${this.#base}/account/${number}` });
  }

  #newOrder({ identifiers }: Record<string, unknown>): Response {
    const names = (identifiers as { value: string }[]).map(({ value }) => value);
    if (this.behaviour.refusals > 0 && !names[0].startsWith("tls")) {
      this.behaviour.refusals--;
      return this.#problem(429, "rateLimited", "too many certificates for today");
    }
    const number = this.orders.push({ names, status: "pending" }) - 1;
    for (const name of names) {
      this.#authorizations.push({ name, token: crypto.randomUUID(), status: "pending" });
    }
    return this.#reply(201, this.#orderText(number), { Location: `${this.#base}/order/${number}` });
  }

  #orderText(number: number): unknown {
    const { names, status, certificate } = this.orders[number];
    const before = this.orders.slice(0, number).reduce((sum, order) => sum + order.names.length, 0);
    return {
      status,
      identifiers: names.map((value) => ({ type: "dns", value })),
      authorizations: names.map((_, i) => `${this.#base}/authorization/${before + i}`),
      finalize: `${this.#base}/order/${number}/finalize`,
      ...certificate === undefined ? {} : { certificate: `${this.#base}/certificate/${number}` },
    };
  }

  /** Names with "tls" are proven by tls-alpn-01. */
  #typeOf(number: number): string {
    return this.#authorizations[number].name.startsWith("tls") ? "tls-alpn-01" : "http-01";
  }

  #challengeText(number: number): unknown {
    const { token, status, error } = this.#authorizations[number];
    return { type: this.#typeOf(number), url: `${this.#base}/challenge/${number}`, token, status, error };
  }

  #authorizationText(number: number): unknown {
    const { name, status } = this.#authorizations[number];
    return { identifier: { type: "dns", value: name }, status, challenges: [this.#challengeText(number)] };
  }

  /** Looks at the server for the answer. */
  async #validate(authorization: Authorization, { e, kty, n }: JsonWebKey): Promise<void> {
    const thumbprint = createHash("sha256").update(JSON.stringify({ e, kty, n })).digest("base64url");
    const { name, token } = authorization;
    if (name.startsWith("tls")) {
      const shown = await this.#shownTo(name);
      const wanted = createHash("sha256").update(`${token}.${thumbprint}`).digest("hex");
      const proven = shown.protocol === "acme-tls/1" &&
        shown.raw.includes(Buffer.from(name).toString("hex")) &&
        shown.raw.includes(`06082b0601050507011f0101ff04220420${wanted}`);
      authorization.status = proven ? "valid" : "invalid";
      if (!proven) authorization.error = { type: "", detail: `wrong certificate, for ${shown.protocol}` };
      return;
    }
    const connection = await Connection.open(this.httpPort);
    await connection.send(
      `GET /.well-known/acme-challenge/${token} HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`,
    );
    const answer = await connection.readAll();
    connection.close();
    if (answer.startsWith("HTTP/1.1 200 ") && answer.endsWith(`\r\n\r\n${token}.${thumbprint}`)) {
      authorization.status = "valid";
    } else {
      authorization.status = "invalid";
      authorization.error = {
        type: "urn:ietf:params:acme:error:unauthorized",
        detail: `wrong answer: ${answer.slice(0, 40)}`,
      };
    }
  }

  /** What the server shows who asks for `name` to have it proven: openssl takes such a certificate, which nobody else does. */
  async #shownTo(name: string): Promise<{ protocol: string; raw: string }> {
    const { stdout } = await new Deno.Command("openssl", {
      args: [
        ...["s_client", "-connect", `127.0.0.1:${this.httpsPort}`],
        ...["-servername", name, "-alpn", "acme-tls/1"],
      ],
      stdin: "null",
      stderr: "null",
    }).output();
    const text = new TextDecoder().decode(stdout);
    const [, pem = ""] = /-----BEGIN CERTIFICATE-----([^-]*)/.exec(text) ?? [];
    return {
      protocol: /^ALPN protocol: (.*)$/m.exec(text)?.[1] ?? "",
      raw: Buffer.from(pem, "base64").toString("hex"),
    };
  }

  async #finalize(number: number, { csr }: Record<string, unknown>): Promise<Response> {
    const order = this.orders[number];
    const request = new Pkcs10CertificateRequest(Buffer.from(csr as string, "base64url"));
    const asked = request.extensions.find((one) => one instanceof SubjectAlternativeNameExtension);
    const names = asked?.names.items.map(({ value }) => value) ?? [];
    const proven = order.names.every((name) =>
      this.#authorizations.some((one) => one.name === name && one.status === "valid")
    );
    if (!await request.verify() || names.join() !== order.names.join() || !proven) {
      return this.#problem(403, "badCSR", "that was not proven");
    }
    if (request.extensions.some(({ type }) => type === TLS_FEATURE)) this.mustStaple++;
    const { lifeMs, ageMs } = this.behaviour;
    const certificate = await X509CertificateGenerator.create({
      serialNumber: crypto.randomUUID().replaceAll("-", "").replace(/^./, "4"),
      subject: request.subject,
      issuer: this.issuer.certificate.subject,
      notBefore: new Date(Date.now() - ageMs),
      notAfter: new Date(Date.now() - ageMs + lifeMs),
      signingAlgorithm: EC,
      publicKey: request.publicKey,
      signingKey: this.issuer.key,
      extensions: [...request.extensions],
    });
    order.status = "valid";
    order.certificate = `${certificate.toString("pem")}\n${this.issuer.issued.certificate}`;
    return this.#reply(200, this.#orderText(number));
  }
}
