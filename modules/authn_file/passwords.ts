// Is this the password of that line? The forms of httpd's password files: bcrypt, APR1 (MD5), {SHA}, and what crypt(3) of the system
// knows. What takes time does not hold up the thread; what was right once is known for a while.

import { createHash, randomBytes } from "node:crypto";
import { crypt, loadCrypt } from "../../platform/crypt.ts";
import { sameBytes, sameText } from "../authn_core/same_text.ts";

/** A hash in a form that nobody here knows. */
export class UnknownHashError extends Error {
  override readonly name = "UnknownHashError";
}

/** Right answers are remembered for so long (ms), and so many of them. */
const KNOWN_FOR = 60_000;
const MOST_KNOWN = 1000;

/** By hash: what belongs to it, as only this process can compute it. */
const known = new Map<string, { readonly digest: Uint8Array; readonly until: number }>();
/** Comparisons that are being made, by hash and digest. */
const pending = new Map<string, Promise<boolean>>();
const key = randomBytes(32);

/** `text` has one byte in each character. */
const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Whether `password` (bytes, a character each) is that of `hash`. @throws UnknownHashError, perhaps later */
export function matches(password: string, hash: string): boolean | Promise<boolean> {
  if (hash.startsWith("{SHA}")) {
    return sameText(createHash("sha1").update(bytesOf(password)).digest("base64"), hash.slice(5));
  }
  // Of this process only, and an eighth of the time of an HMAC, which is for what others may make longer.
  const digest = createHash("sha256").update(key).update(bytesOf(password)).digest();
  const right = known.get(hash);
  if (right !== undefined && right.until > performance.now() && sameBytes(right.digest, digest)) return true;
  const comparison = `${hash} ${digest.toString("base64")}`;
  const running = pending.get(comparison);
  if (running !== undefined) return running;
  const begun = compare(password, hash).then((matched) => {
    if (matched) remember(hash, digest);
    return matched;
  }).finally(() => pending.delete(comparison));
  pending.set(comparison, begun);
  return begun;
}

function remember(hash: string, digest: Uint8Array): void {
  known.delete(hash);
  if (known.size >= MOST_KNOWN) known.delete(known.keys().next().value!);
  known.set(hash, { digest, until: performance.now() + KNOWN_FOR });
}

async function compare(password: string, hash: string): Promise<boolean> {
  // A zero byte would end it before its time.
  if (password.includes("\0")) return false;
  if (hash.startsWith("$apr1$")) return sameText(await apr1(password, hash.split("$")[2]), hash);
  const made = await crypt(bytesOf(`${password}\0`), hash);
  if (made !== undefined) return sameText(made, hash);
  if (/^\$2[abxy]\$/.test(hash) && !loadCrypt()) {
    const { default: bcrypt } = await import("bcryptjs");
    return await bcrypt.compare(new TextDecoder().decode(bytesOf(password)), hash);
  }
  throw new UnknownHashError("the password is kept in a form that this system does not know");
}

/** MD5 of "user:realm:password", as HTTP Digest has it; all of them bytes, a character each. */
export function realmDigest(user: string, realm: string, password: string): string {
  return createHash("md5").update(bytesOf(`${user}:${realm}:${password}`)).digest("hex");
}

/** A new hash for a password file. `cost`: of bcrypt, 4 to 17. */
export async function hashPassword(
  form: "bcrypt" | "apr1" | "sha",
  password: string,
  cost: number,
): Promise<string> {
  const bytes = new TextEncoder().encode(password);
  const binary = String.fromCharCode(...bytes);
  if (form === "sha") return `{SHA}${createHash("sha1").update(bytes).digest("base64")}`;
  if (form === "apr1") return await apr1(binary, [...randomBytes(8)].map((n) => ITOA64[n & 63]).join(""));
  const { default: bcrypt } = await import("bcryptjs");
  return (await bcrypt.hash(password, cost)).replace(/^\$2[ab]\$/, "$2y$");
}

const ITOA64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ROUNDS = 1000;
/** So many of them take about half a millisecond; then others have their turn. */
const ROUNDS_AT_ONCE = 125;

/** The MD5 form of APR: MD5-crypt with another mark, and a thousand rounds. */
async function apr1(password: string, salt: string): Promise<string> {
  const pass = bytesOf(password);
  const salted = bytesOf(salt.slice(0, 8));
  const md5 = (...parts: readonly Uint8Array[]) => {
    const hash = createHash("md5");
    for (const part of parts) hash.update(part);
    return hash.digest();
  };
  let last = md5(pass, salted, pass);
  const first: Uint8Array[] = [pass, bytesOf("$apr1$"), salted];
  for (let left = pass.length; left > 0; left -= 16) first.push(last.subarray(0, Math.min(16, left)));
  for (let bits = pass.length; bits > 0; bits >>= 1) {
    first.push((bits & 1) === 1 ? new Uint8Array(1) : pass.subarray(0, 1));
  }
  last = md5(...first);
  for (let round = 0; round < ROUNDS; round++) {
    const odd = (round & 1) === 1;
    const parts = [odd ? pass : last];
    if (round % 3 !== 0) parts.push(salted);
    if (round % 7 !== 0) parts.push(pass);
    parts.push(odd ? last : pass);
    last = md5(...parts);
    if (round % ROUNDS_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  let text = "";
  const encode = (value: number, digits: number) => {
    for (let n = 0; n < digits; n++, value >>= 6) text += ITOA64[value & 63];
  };
  for (const [a, b, c] of [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]]) {
    encode((last[a] << 16) | (last[b] << 8) | last[c], 4);
  }
  encode(last[11], 2);
  return `$apr1$${salt.slice(0, 8)}$${text}`;
}
