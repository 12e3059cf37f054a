// What does a regular expression of a configuration mean? Those files are written for PCRE: what JavaScript spells otherwise is
// translated, and what it has not is refused rather than taken for something else.

import { ArgumentError } from "./errors.ts";

/** POSIX classes within brackets. */
const POSIX_CLASSES: Readonly<Record<string, string>> = {
  alnum: "A-Za-z0-9",
  alpha: "A-Za-z",
  ascii: "\\x00-\\x7f",
  blank: " \\t",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "\\x21-\\x7e",
  lower: "a-z",
  print: "\\x20-\\x7e",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\s",
  upper: "A-Z",
  word: "\\w",
  xdigit: "0-9A-Fa-f",
};

/** Escapes of PCRE, outside of brackets; undefined stands for none that JavaScript has. */
const ESCAPES: Readonly<Record<string, string | undefined>> = {
  A: "(?<![^])",
  z: "(?![^])",
  Z: "(?=\\n?(?![^]))",
  a: "\\x07",
  e: "\\x1b",
  h: "[\\t ]",
  H: "[^\\t ]",
  N: "[^\\n]",
  R: "(?:\\r\\n|[\\n\\v\\f\\r])",
  C: undefined,
  E: undefined,
  G: undefined,
  K: undefined,
  Q: undefined,
  X: undefined,
};

/**
 * Compiles `source`. `flags` are JavaScript's; a dot matches line ends too (httpd's RegexDefaultOptions). A leading `(?ims)` adds to
 * them. @throws ArgumentError
 */
export function compileRegex(source: string, flags: string = ""): RegExp {
  const [, letters = "", rest] = /^(?:\(\?([ims]+)\))?(.*)$/s.exec(source)!;
  const all = new Set([...flags, ...letters, "s"]);
  try {
    return new RegExp(translated(rest), [...all].join(""));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ArgumentError(`Regular expression "${source}" does not compile: ${error.message}`);
  }
}

function translated(source: string): string {
  const parts: string[] = [];
  for (let at = 0; at < source.length;) {
    const taken = source[at] === "["
      ? bracket(source, at)
      : source[at] === "\\"
      ? escape(source, at)
      : source.startsWith("(?", at)
      ? group(source, at)
      : { text: source[at], length: 1 };
    parts.push(taken.text);
    at += taken.length;
  }
  return parts.join("");
}

interface Taken {
  readonly text: string;
  /** Characters of the source. */
  readonly length: number;
}

function escape(source: string, at: number): Taken {
  const char = source[at + 1] ?? "";
  if (!Object.hasOwn(ESCAPES, char)) return { text: source.slice(at, at + 2), length: 2 };
  const text = ESCAPES[char];
  if (text === undefined) throw new ArgumentError(`\\${char} is not supported`);
  return { text, length: 2 };
}

function group(source: string, at: number): Taken {
  if (source.startsWith("(?P<", at)) return { text: "(?<", length: 4 };
  if (source.startsWith("(?#", at)) {
    const end = source.indexOf(")", at);
    if (end < 0) throw new ArgumentError("a comment is not closed");
    return { text: "", length: end + 1 - at };
  }
  return { text: "(?", length: 2 };
}

/** A bracket expression: a `]` that comes first is a member, and POSIX classes are known. */
function bracket(source: string, start: number): Taken {
  let at = start + 1;
  let text = "[";
  if (source[at] === "^") text += source[at++];
  if (source[at] === "]") {
    text += "\\]";
    at++;
  }
  for (; at < source.length && source[at] !== "]"; at++) {
    const posix = /\[:(\^?)(\w+):\]/y;
    posix.lastIndex = at;
    const found = posix.exec(source);
    if (found !== null) {
      const members = Object.hasOwn(POSIX_CLASSES, found[2]) ? POSIX_CLASSES[found[2]] : undefined;
      if (members === undefined || found[1] !== "") {
        throw new ArgumentError(`the class ${found[0]} is not supported`);
      }
      text += members;
      at += found[0].length - 1;
    } else if (source[at] === "\\" && at + 1 < source.length) {
      text += source.slice(at, at + 2);
      at++;
    } else {
      text += source[at] === "[" ? "\\[" : source[at];
    }
  }
  return { text: text + (source[at] ?? ""), length: at + 1 - start };
}
