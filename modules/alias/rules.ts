// Does a rule of mod_alias apply to a path, and where does it lead? Alias, Redirect and their forms with regular expressions.

import { substituted } from "../../server/request/pattern_text.ts";

/** One Alias, AliasMatch, Redirect or RedirectMatch. */
export interface Rule {
  /** What leads a path elsewhere: its beginning, or a regular expression. */
  readonly from: string | RegExp;
  /** Directory, file, URL, or path of this server; undefined for redirects without a target (410, say). */
  readonly to: string | undefined;
  /** Of redirects; 200 for aliases. */
  readonly status: number;
  /** ScriptAlias. */
  readonly handler?: string;
}

/** Characters of `path` that `prefix` covers, whole components of it, slashes counting once; 0: it does not. */
export function covered(path: string, prefix: string): number {
  let at = 0;
  let of = 0;
  while (of < prefix.length) {
    if (prefix[of] === "/") {
      if (path[at] !== "/") return 0;
      while (prefix[of] === "/") of++;
      while (path[at] === "/") at++;
    } else if (prefix[of++] !== path[at++]) return 0;
  }
  // The prefix has to end where a component does.
  return prefix.endsWith("/") || at === path.length || path[at] === "/" ? at : 0;
}

/** Characters that may stand in a path as they are, beside letters and digits (RFC 3986 §3.3). */
const IN_PATH = /[^A-Za-z0-9$\-_.+!*'(),:@&=/~;]/gu;
const encoder = new TextEncoder();

/** What cannot stand in a field at all. */
const IN_FIELD = /[^\x21-\x7e]/gu;

function percentEncoded(char: string): string {
  return Array.from(encoder.encode(char), (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}

/** `path` with escapes where a path of a URL needs them. */
export function escapedPath(path: string): string {
  return path.replace(IN_PATH, percentEncoded);
}

/** The file that `rule` makes of `path`; undefined: it does not apply. */
export function aliased({ from, to = "" }: Rule, path: string): string | undefined {
  if (typeof from !== "string") {
    const found = from.exec(path);
    return found === null ? undefined : substituted(to, found);
  }
  const length = covered(path, from);
  return length === 0 ? undefined : to + path.slice(length);
}

/** Where `rule` sends `path`, escaped; "" without a target; undefined: it does not apply. */
export function redirected({ from, to }: Rule, path: string): string | undefined {
  if (typeof from === "string") {
    const length = covered(path, from);
    return length === 0 ? undefined : to === undefined ? "" : to + escapedPath(path.slice(length));
  }
  const found = from.exec(path);
  if (found === null) return undefined;
  if (to === undefined) return "";
  // Query and fragment are as the configuration has them, but for what no field may have; what a path is made of is escaped.
  const [, place, rest] = /^([^?#]*)(.*)$/s.exec(substituted(to, found))!;
  const [, host = "", target] = /^([a-z][a-z0-9+.-]*:\/\/[^/]*)?(.*)$/is.exec(place)!;
  return host + escapedPath(target) + rest.replace(IN_FIELD, percentEncoded);
}
