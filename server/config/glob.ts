// Does a name match a pattern with wildcards? fnmatch(3) with `*`, `?`, `[...]` and backslash, in at most length of pattern
// times length of text steps: host names and paths come from clients.

/** How a pattern is read. */
export interface GlobOptions {
  /** Wildcards do not match a slash (FNM_PATHNAME). */
  readonly pathname?: boolean;
}

/** One character of the text: does it match? "star" takes any number of them. */
type Token = "star" | "any" | { readonly char: string } | CharacterClass;

interface CharacterClass {
  readonly negated: boolean;
  readonly ranges: readonly (readonly [from: string, to: string])[];
}

/** True when `pattern` has wildcards (apr_fnmatch_test). */
export function isGlob(pattern: string): boolean {
  let bracket = false;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === "*" || char === "?" || (char === "]" && bracket)) return true;
    if (char === "\\") at++;
    else if (char === "[") bracket = true;
  }
  return false;
}

/** Makes a test of a pattern; the whole text has to match. */
export function compileGlob(pattern: string, options: GlobOptions = {}): (text: string) => boolean {
  const tokens = tokensOf(pattern);
  return (text) => matches(tokens, text, options.pathname === true);
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  // Without a closing bracket ahead, an opening one stands for itself; searched once, not once per bracket.
  const lastClose = pattern.lastIndexOf("]");
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === "*") {
      if (tokens.at(-1) !== "star") tokens.push("star");
    } else if (char === "?") {
      tokens.push("any");
    } else if (char === "[" && at + 1 < lastClose) {
      const found = classAt(pattern, at + 1);
      tokens.push(found?.token ?? { char });
      at = found?.end ?? at;
    } else if (char === "\\" && at + 1 < pattern.length) {
      tokens.push({ char: pattern[++at] });
    } else {
      tokens.push({ char });
    }
  }
  return tokens;
}

function classAt(pattern: string, start: number): { token: CharacterClass; end: number } | undefined {
  let at = start;
  const negated = pattern[at] === "!" || pattern[at] === "^";
  if (negated) at++;
  const ranges: [string, string][] = [];
  // A closing bracket that comes first is a member.
  for (const first = at; at < pattern.length && (pattern[at] !== "]" || at === first); at++) {
    if (pattern[at] === "\\" && at + 1 < pattern.length) at++;
    const from = pattern[at];
    const isRange = pattern[at + 1] === "-" && at + 2 < pattern.length && pattern[at + 2] !== "]";
    if (isRange) at += 2;
    ranges.push([from, pattern[at]]);
  }
  return at < pattern.length ? { token: { negated, ranges }, end: at } : undefined;
}

function matches(tokens: readonly Token[], text: string, pathname: boolean): boolean {
  let token = 0;
  let at = 0;
  // Only the last star can need more characters: what stands before it has been matched as early as possible.
  let star = -1;
  let starAt = 0;
  while (at < text.length || token < tokens.length) {
    if (tokens[token] === "star") {
      star = token++;
      starAt = at;
    } else if (at < text.length && token < tokens.length && matchesOne(tokens[token], text[at], pathname)) {
      token++;
      at++;
    } else if (star >= 0 && starAt < text.length && !(pathname && text[starAt] === "/")) {
      at = ++starAt;
      token = star + 1;
    } else {
      return false;
    }
  }
  return true;
}

function matchesOne(token: Token, char: string, pathname: boolean): boolean {
  if (token === "star") return false;
  if (token !== "any" && "char" in token) return token.char === char;
  if (pathname && char === "/") return false;
  if (token === "any") return true;
  return token.ranges.some(([from, to]) => char >= from && char <= to) !== token.negated;
}
