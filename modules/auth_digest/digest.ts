// What is computed for HTTP Digest (RFC 7616 3.4, with MD5 and qop=auth)? Fields, nonces and answers, without a request.

import { createHash, createHmac } from "node:crypto";
import { sameText } from "../authn_core/same_text.ts";

/** What a client says in its Authorization field. */
export type DigestFields = ReadonlyMap<string, string>;

/** The parameters of "Digest name=value, name="value""; undefined: another scheme. */
export function digestFields(field: string): DigestFields | undefined {
  const [, text] = /^digest\s+(.*)$/is.exec(field) ?? [];
  if (text === undefined) return undefined;
  const fields = new Map<string, string>();
  for (
    const [, name, quoted, token] of text.matchAll(/([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/gs)
  ) {
    fields.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, "$1") ?? token);
  }
  return fields;
}

function md5(text: string): string {
  return createHash("md5").update(text, "latin1").digest("hex");
}

/** The response that a client makes who knows the password, or (method "") the one of the server to it. */
export function digestResponse(ha1: string, method: string, uri: string, fields: DigestFields): string {
  const of = (name: string) => fields.get(name) ?? "";
  return md5(`${ha1}:${of("nonce")}:${of("nc")}:${of("cnonce")}:${of("qop")}:${md5(`${method}:${uri}`)}`);
}

/** Whether the client knows the password whose digest is `ha1`. */
export function isRightResponse(ha1: string, method: string, fields: DigestFields): boolean {
  const right = digestResponse(ha1, method, fields.get("uri") ?? "", fields);
  return sameText(right, fields.get("response") ?? "");
}

/** A nonce for `realm`, made at `now` (ms since 1970). It proves itself: no list of them is kept. */
export function makeNonce(secret: string, realm: string, now: number): string {
  const time = btoa(String(now));
  return time + seal(secret, realm, time);
}

function seal(secret: string, realm: string, time: string): string {
  return createHmac("sha1", secret).update(`${realm}:${time}`, "latin1").digest("hex");
}

/** When `nonce` was made (ms since 1970); undefined: not by us, or for another realm. */
export function nonceTime(secret: string, realm: string, nonce: string): number | undefined {
  const time = nonce.slice(0, -40);
  if (!sameText(nonce.slice(-40), seal(secret, realm, time))) return undefined;
  return Number(atob(time));
}
