// What does a certificate say, and when is it to be renewed?

import { X509Certificate } from "node:crypto";
import type { Window } from "./config.ts";
import { covers } from "./domains.ts";

/** The extension that obliges a server to staple (RFC 7633), as it stands in a certificate. */
const MUST_STAPLE = "2b06010505070118";

/** What is asked of certificates. */
export interface CertificateFacts {
  /** ms since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly names: readonly string[];
  readonly mustStaple: boolean;
  /** Hexadecimal digits. */
  readonly serial: string;
  readonly fingerprint: string;
}

/** Of the first certificate of a PEM text; undefined: there is none. */
export function certificateFacts(pem: string): CertificateFacts | undefined {
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(pem);
  } catch {
    return undefined;
  }
  return {
    notBefore: Date.parse(parsed.validFrom),
    notAfter: Date.parse(parsed.validTo),
    names: (parsed.subjectAltName ?? "").split(", ").filter((name) => name.startsWith("DNS:")).map((name) =>
      name.slice("DNS:".length).toLowerCase()
    ),
    mustStaple: parsed.raw.toString("hex").includes(MUST_STAPLE),
    serial: parsed.serialNumber,
    fingerprint: parsed.fingerprint256,
  };
}

/** When `window` of the life of a certificate begins; ms since 1970. */
export function windowStart({ notBefore, notAfter }: CertificateFacts, window: Window): number {
  const ms = "ms" in window ? window.ms : (notAfter - notBefore) * window.percent / 100;
  return notAfter - Math.min(ms, notAfter - notBefore);
}

/** When a certificate is to be renewed: at once (0), where it is not what is wanted. */
export function renewAt(
  facts: CertificateFacts | undefined,
  wanted: { readonly names: readonly string[]; readonly mustStaple: boolean; readonly renewWindow: Window },
): number {
  if (facts === undefined || facts.mustStaple !== wanted.mustStaple) return 0;
  if (!wanted.names.every((name) => facts.names.some((each) => covers(each, name)))) return 0;
  return windowStart(facts, wanted.renewWindow);
}
