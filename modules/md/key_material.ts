// How are keys, requests for certificates and the certificates of the meantime made? Loaded when one is needed: the library is large.

import { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";
import {
  Extension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "../../std/x509.ts";
import type { KeyKind } from "./config.ts";

const DAY_MS = 24 * 3600 * 1000;
/** As httpd's mod_md has it. */
const FALLBACK_NAME = "CN=Apache Managed Domain Fallback";
const FALLBACK_DAYS = 14;
/** TLS feature: status_request (RFC 7633). */
const MUST_STAPLE = new Extension(
  "1.3.6.1.5.5.7.1.24",
  false,
  new Uint8Array([0x30, 0x03, 0x02, 0x01, 0x05]),
);

function algorithmOf(kind: KeyKind): RsaHashedKeyGenParams | EcKeyGenParams & { hash: string } {
  return kind.type === "RSA"
    ? {
      name: "RSASSA-PKCS1-v1_5",
      hash: "SHA-256",
      publicExponent: new Uint8Array([1, 0, 1]),
      modulusLength: kind.bits,
    }
    : { name: "ECDSA", namedCurve: kind.curve, hash: "SHA-256" };
}

async function keysOf(kind: KeyKind): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(algorithmOf(kind), true, ["sign", "verify"]) as CryptoKeyPair;
}

async function keyPem({ privateKey }: CryptoKeyPair): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  const text = bytes.toBase64().replace(/.{1,64}/g, "$&\n");
  return `-----BEGIN PRIVATE KEY-----\n${text}-----END PRIVATE KEY-----\n`;
}

const alternatives = (names: readonly string[]) =>
  new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value })));

/** A new key, and a request for a certificate with it; both PEM. */
export async function keyAndRequest(
  kind: KeyKind,
  names: readonly string[],
  mustStaple: boolean,
): Promise<{ readonly key: string; readonly request: string }> {
  const keys = await keysOf(kind);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: `CN=${names[0]}`,
    keys,
    signingAlgorithm: algorithmOf(kind),
    extensions: [alternatives(names), ...mustStaple ? [MUST_STAPLE] : []],
  });
  return { key: await keyPem(keys), request: request.toString("pem") };
}

/** What is shown until there is a certificate that somebody believes; both PEM. */
export async function fallbackPair(
  kind: KeyKind,
  names: readonly string[],
): Promise<{ readonly certificate: string; readonly key: string }> {
  return await selfSigned(kind, FALLBACK_NAME, FALLBACK_DAYS, [alternatives(names)]);
}

const CHALLENGE_KEY: KeyKind = { type: "EC", name: "secp256r1", curve: "P-256" };

async function selfSigned(kind: KeyKind, name: string, days: number, extensions: Extension[]) {
  const keys = await keysOf(kind);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: "01",
    name,
    notBefore: new Date(),
    notAfter: new Date(Date.now() + days * DAY_MS),
    signingAlgorithm: algorithmOf(kind),
    keys,
    extensions,
  });
  return { certificate: `${certificate.toString("pem")}\n`, key: await keyPem(keys) };
}

/** What proves whose `name` is, with the answer to a challenge in it (tls-alpn-01, RFC 8737); both PEM. */
export async function challengePair(
  name: string,
  answer: string,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(answer)));
  // OCTET STRING
  const content = new Uint8Array([0x04, digest.length, ...digest]);
  return await selfSigned(CHALLENGE_KEY, `CN=${name}`, 7, [
    alternatives([name]),
    new Extension("1.3.6.1.5.5.7.1.31", true, content),
  ]);
}

/** A new key for an account, PEM. */
export async function accountKey(): Promise<string> {
  return await keyPem(await keysOf({ type: "RSA", bits: 3072 }));
}

function phraseOf(secret: string): Buffer {
  return Buffer.from(secret, "base64url");
}

/** The private key of a text that may be encrypted with `secret` (base64url of the phrase), and the other way. PEM. */
export function decrypted(pem: string, secret: string): string {
  if (!pem.includes("ENCRYPTED")) return pem;
  return createPrivateKey({ key: pem, passphrase: phraseOf(secret) }).export({ type: "pkcs8", format: "pem" })
    .toString();
}

export function encrypted(pem: string, secret: string): string {
  return createPrivateKey(pem).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: phraseOf(secret),
  }).toString();
}
