// What do the directives of mod_substitute say? Patterns with what is put in their place, and how long a line may be.

import {
  ArgumentError,
  compileRegex,
  type Context,
  type Directive,
  dirKey,
  flag,
} from "../../server/config/mod.ts";

/** One Substitute. */
export interface Substitution {
  /** Global. For bytes as characters: text of the configuration is UTF-8. */
  readonly pattern: RegExp;
  /** Texts, and numbers of groups. */
  readonly replacement: readonly (string | number)[];
}

/** The values of a place. */
export interface SubstituteSettings {
  rules: readonly Substitution[];
  maxLineLength: number | undefined;
  /** The rules around come first. */
  inheritBefore: boolean | undefined;
}

/** The longest line (bytes) where nothing is said. */
export const MAX_LINE_LENGTH = 1_048_576;

/** The key of the values of a place. */
export const substituteDir = dirKey<SubstituteSettings>("substitute", {
  create: () => ({ rules: [], maxLineLength: undefined, inheritBefore: undefined }),
  merge(base, over) {
    const inheritBefore = over.inheritBefore ?? base.inheritBefore;
    return {
      rules: inheritBefore === true ? [...base.rules, ...over.rules] : [...over.rules, ...base.rules],
      maxLineLength: over.maxLineLength ?? base.maxLineLength,
      inheritBefore,
    };
  },
});

/** The bytes of `text` in UTF-8, a character each. */
function bytesOf(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
}

/** `s/pattern/replacement/flags`, with any character instead of the slash. @throws ArgumentError */
export function parseSubstitution(text: string): Substitution {
  const delimiter = text[1];
  if (!/^s./i.test(text)) throw new ArgumentError("Bad Substitute format, must be an s/// pattern");
  // A delimiter with a backslash before it is part of what it stands in.
  const parts: string[] = [""];
  for (let at = 2; at < text.length; at++) {
    if (text[at] === "\\" && text[at + 1] === delimiter) parts[parts.length - 1] += text[++at];
    else if (text[at] === delimiter && parts.length < 3) parts.push("");
    else parts[parts.length - 1] += text[at];
  }
  if (parts.length < 3) throw new ArgumentError("Bad Substitute format, must be a complete s/// pattern");
  const [from, to, letters] = parts;
  if (from === "") throw new ArgumentError("Bad Substitute format: the pattern is empty");
  const unknown = /[^infq]/i.exec(letters);
  if (unknown !== null) {
    throw new ArgumentError(`Bad Substitute flag "${unknown[0]}", only s///[infq] are supported`);
  }
  const flags = letters.toLowerCase().includes("i") ? "gi" : "g";
  const fixed = letters.toLowerCase().includes("n");
  const pattern = fixed
    ? new RegExp(bytesOf(from).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&"), flags)
    : compileRegex(bytesOf(from), flags);
  return { pattern, replacement: fixed ? [bytesOf(to)] : parsedReplacement(bytesOf(to)) };
}

/** `$0` to `$9` are what was found and its groups; a backslash takes the next character as it is. */
function parsedReplacement(text: string): (string | number)[] {
  const parts: (string | number)[] = [];
  let plain = "";
  for (let at = 0; at < text.length; at++) {
    const next = text[at + 1];
    if (text[at] === "$" && next >= "0" && next <= "9") {
      parts.push(plain, Number(next));
      plain = "";
      at++;
    } else if (text[at] === "\\" && next !== undefined) plain += text[++at];
    else plain += text[at];
  }
  return [...parts, plain];
}

/** A size with an optional unit: b or B, k or K, m or M, g or G. */
function size(text: string): number {
  const found = /^(\d{1,12})([bkmg]?)$/i.exec(text);
  const unit = { "": 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[found?.[2].toLowerCase() ?? ""] ?? 1;
  if (found === null) throw new ArgumentError("must be a number of bytes such as 8190, 64K or 1M", true);
  return Number(found[1]) * unit;
}

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

/** The rows. */
export const substituteRows: readonly Directive[] = [{
  name: "Substitute",
  contexts: ["directory", ".htaccess", "server config", "virtual host"],
  args: 1,
  syntax: "Substitute s/pattern/substitution/[infq]",
  help: "What the filter SUBSTITUTE puts in place of a pattern, line by line",
  override: "FileInfo",
  differs:
    "Regular expressions are JavaScript's. The flags f and q change nothing: a rule sees what those before it have made.",
  apply([text], to) {
    const settings = to.dir.get(substituteDir);
    settings.rules = [...settings.rules, parseSubstitution(text)];
  },
}, {
  name: "SubstituteInheritBefore",
  contexts: EVERYWHERE,
  args: 1,
  syntax: "SubstituteInheritBefore On|Off",
  help: "Whether the rules around a place come before its own",
  default: "Off",
  override: "FileInfo",
  apply([word], to) {
    to.dir.get(substituteDir).inheritBefore = flag(word);
  },
}, {
  name: "SubstituteMaxLineLength",
  contexts: EVERYWHERE,
  args: 1,
  syntax: "SubstituteMaxLineLength bytes",
  help: "The longest line that SUBSTITUTE takes; a longer one is an error",
  default: "1M",
  override: "FileInfo",
  apply([text], to) {
    to.dir.get(substituteDir).maxLineLength = size(text);
  },
}];
