// What may arguments of mod_md's directives be? Windows of time, keys, authorities, ports.

import { ArgumentError, integer } from "../../server/config/mod.ts";
import { type AccountBinding, type KeyKind, KNOWN_AUTHORITIES, type Window } from "./config.ts";

const UNITS: Readonly<Record<string, number>> = {
  d: 24 * 3600 * 1000,
  h: 3600 * 1000,
  mi: 60 * 1000,
  s: 1000,
  ms: 1,
};

/** Fewer bits make no RSA key that is good for something. */
const LEAST_BITS = 2048;

/** Names of curves in names of files, and as cryptography calls them. */
const CURVES: Readonly<Record<string, string>> = {
  "secp256r1": "P-256",
  "prime256v1": "P-256",
  "p-256": "P-256",
  "secp384r1": "P-384",
  "p-384": "P-384",
  "secp521r1": "P-521",
  "p-521": "P-521",
};

/** A length of time in ms, with a unit (d, h, mi, s, ms) or in `unit`; undefined: it is none. */
function parseDuration(text: string, unit: "d" | "s"): number | undefined {
  const [, digits, given] = /^(\d{1,9})(d|h|mi|s|ms)?$/i.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * UNITS[given?.toLowerCase() ?? unit];
}

/** A length of time in ms. @throws ArgumentError */
export function duration(text: string, unit: "d" | "s"): number {
  const found = parseDuration(text, unit);
  if (found === undefined) throw new ArgumentError("unrecognized duration format");
  return found;
}

/** A length of time (days, if there is no unit), or a part of a certificate's life (`33%`). @throws ArgumentError */
export function timeWindow(name: string, text: string): Window {
  const ms = parseDuration(text, "d");
  if (ms !== undefined) return { ms };
  const [, percent] = /^(\d{1,9})%$/.exec(text) ?? [];
  if (percent === undefined) throw new ArgumentError(`${name} has unrecognized format`);
  if (Number(percent) >= 100) throw new ArgumentError(`${name} a length of 100% or more is not allowed.`);
  return { percent: Number(percent) };
}

/** @throws ArgumentError */
export function onOff(word: string): boolean {
  const lower = word.toLowerCase();
  if (lower === "on" || lower === "off") return lower === "on";
  throw new ArgumentError(`unknown '${word}', supported parameter values are 'on' and 'off'`);
}

/** The URL of an authority's directory, which may be said by a name. @throws ArgumentError */
export function urlOfAuthority(word: string): string {
  const known = Object.keys(KNOWN_AUTHORITIES).find((name) => name.toLowerCase() === word.toLowerCase());
  if (known !== undefined) return KNOWN_AUTHORITIES[known];
  if (/^https?:$/.test(URL.parse(word)?.protocol ?? "")) return word;
  throw new ArgumentError(
    `The CA name '${word}' is not known and it is not a URL either. Known CA names are: ${
      Object.keys(KNOWN_AUTHORITIES).join(" ")
    }.`,
  );
}

/** `Default`, `RSA [bits]`, `RSAbits` and names of curves. @throws ArgumentError */
export function keyKinds(words: readonly string[]): readonly KeyKind[] {
  const kinds: KeyKind[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i].toLowerCase();
    if (word === "default" && words.length > 1) {
      throw new ArgumentError("'Default' allows no other parameter");
    }
    const [, joined] = /^rsa(\d*)$/.exec(word) ?? [];
    if (joined !== undefined || word === "default") {
      if (kinds.some(({ type }) => type === "RSA")) {
        throw new ArgumentError("two keys of type 'RSA' are not possible.");
      }
      const digits = joined || (/^\d/.test(words[i + 1] ?? "") ? words[++i] : String(LEAST_BITS));
      kinds.push({ type: "RSA", bits: rsaBits(digits) });
      continue;
    }
    if (!Object.hasOwn(CURVES, word)) {
      throw new ArgumentError(`MDPrivateKeys: '${words[i]}' is none of RSA, secp256r1, secp384r1, secp521r1`);
    }
    const curve = CURVES[word];
    if (kinds.some((kind) => kind.type === "EC" && kind.curve === curve)) {
      throw new ArgumentError(`two keys of type '${words[i]}' are not possible.`);
    }
    kinds.push({ type: "EC", name: word, curve });
  }
  return kinds;
}

function rsaBits(digits: string): number {
  const bits = integer(digits, { name: "MDPrivateKeys: the length of an RSA key", max: 16_384 });
  if (bits < LEAST_BITS) {
    throw new ArgumentError(`must be ${LEAST_BITS} or higher in order to be considered safe.`);
  }
  return bits;
}

/** `80:8080`, `https:-`: whether it is about https, and the port here; 0: none. @throws ArgumentError */
export function portMap(word: string): { readonly https: boolean; readonly port: number } {
  const [, outside, here] = /^([^:]*):(.*)$/s.exec(word) ?? [];
  if (outside === undefined) throw new ArgumentError("no ':' after first port number");
  const https = outside === "https" || outside === "443";
  if (!https && outside !== "http" && outside !== "80") {
    throw new ArgumentError("mapped port number must be 80 or 443");
  }
  if (here === "-") return { https, port: 0 };
  if (!/^\d{1,5}$/.test(here) || Number(here) < 1 || Number(here) > 65535) {
    throw new ArgumentError("invalid number for port map, must be in ]0,65535]");
  }
  return { https, port: Number(here) };
}

/** Of two words, or of a file of JSON with `kid` and `hmac`. @throws ArgumentError */
export function bindingOf(first: string, hmac: string | undefined, path: string): AccountBinding | "none" {
  if (hmac !== undefined) return { kid: first, hmac };
  if (first.toLowerCase() === "none") return "none";
  let found: Partial<Record<"kid" | "hmac", unknown>>;
  try {
    found = JSON.parse(Deno.readTextFileSync(path));
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "file not found: " : "error reading JSON file ";
    throw new ArgumentError(`MDExternalAccountBinding: ${reason}${path}`);
  }
  for (const key of ["kid", "hmac"] as const) {
    if (typeof found?.[key] !== "string" || found[key] === "") {
      throw new ArgumentError(
        `MDExternalAccountBinding: JSON does not contain '${key}' element in file ${path}`,
      );
    }
  }
  return { kid: found.kid as string, hmac: found.hmac as string };
}
