// What do the characters of a configuration file mean? Lines, words and variables, as httpd's configuration reader takes
// them. Everything here is linear in the length of the text.

import { ArgumentError } from "./errors.ts";

/** One directive, or one section with its children: plain data that can be posted to another thread or process. */
export interface ConfigNode {
  /** As written; of `<Name args>` only `Name`. */
  readonly name: string;
  readonly args: readonly string[];
  /** The argument text as written, after variables; of a section without its `>`. */
  readonly raw: string;
  readonly file: string;
  readonly line: number;
  /** Present for a section. */
  readonly children?: readonly ConfigNode[];
}

/** A line after continuation, without the blanks around it. */
export interface Line {
  readonly text: string;
  readonly line: number;
}

/** What variables and macros may make of one line, in characters: repeated doubling would otherwise use up the memory. */
const LONGEST_LINE = 1 << 20;

const BACKSLASH = "\\";

/** isspace() of C. */
function isBlank(char: string): boolean {
  return char === " " || (char >= "\t" && char <= "\r");
}

function stripped(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text[from])) from++;
  while (to > from && isBlank(text[to - 1])) to--;
  return text.slice(from, to);
}

/** The lines that mean something: continued ones joined, without comments and empty ones. */
export function* logicalLines(text: string): Generator<Line> {
  const physical = text.split("\n");
  for (let index = 0; index < physical.length; index++) {
    const line = index + 1;
    const parts: string[] = [];
    for (;; index++) {
      const part = physical[index].endsWith("\r") ? physical[index].slice(0, -1) : physical[index];
      const goesOn = part.endsWith(BACKSLASH);
      parts.push(goesOn ? part.slice(0, -1) : part);
      if (!goesOn || index + 1 === physical.length) break;
    }
    const joined = stripped(parts.join(""));
    if (joined !== "" && joined[0] !== "#") yield { text: joined, line };
  }
}

/**
 * The first word of `text`, unquoted, and what follows it (blanks skipped). Quotes are " and ' at the beginning of a word; within
 * them a backslash protects the quote and itself, without quotes only itself. A quote that is not closed ends with the line.
 */
export function getWord(text: string): { word: string; rest: string } {
  const start = skipBlanks(text, 0);
  const { word, end } = wordAt(text, start);
  return { word, rest: text.slice(end) };
}

/** All words of `text`. */
export function words(text: string): string[] {
  const found: string[] = [];
  for (let at = skipBlanks(text, 0); at < text.length;) {
    const { word, end } = wordAt(text, at);
    found.push(word);
    at = end;
  }
  return found;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBlank(text[at])) at++;
  return at;
}

function wordAt(text: string, start: number): { word: string; end: number } {
  const quote = text[start] === '"' || text[start] === "'" ? text[start] : undefined;
  const parts: string[] = [];
  let at = quote === undefined ? start : start + 1;
  let copied = at;
  while (at < text.length && (quote === undefined ? !isBlank(text[at]) : text[at] !== quote)) {
    const next = text[at + 1];
    if (text[at] === BACKSLASH && next !== undefined && (next === BACKSLASH || next === quote)) {
      parts.push(text.slice(copied, at));
      copied = at + 1;
      at++;
    }
    at++;
  }
  const word = parts.join("") + text.slice(copied, at);
  if (quote !== undefined && at < text.length) at++;
  return { word, end: skipBlanks(text, at) };
}

/**
 * Replaces `${NAME}`. What `valueOf` does not know stays as written and is reported, unless the name has a colon in it: that
 * is another syntax (`${map:key}`). Values are not looked through again. @throws ArgumentError if the line gets too long
 */
export function expandVariables(
  text: string,
  valueOf: (name: string) => string | undefined,
  unknown: (name: string) => void,
): string {
  let start = text.indexOf("${");
  if (start < 0) return text;
  const parts: string[] = [];
  let length = 0;
  let copied = 0;
  const push = (part: string) => {
    parts.push(part);
    length = checkedLength(length + part.length);
  };
  while (start >= 0) {
    const end = text.indexOf("}", start + 2);
    // No brace from here on means none for any later `${` either.
    if (end < 0) break;
    const name = text.slice(start + 2, end);
    const value = valueOf(name);
    if (value !== undefined) {
      push(text.slice(copied, start));
      push(value);
      copied = end + 1;
    } else if (!name.includes(":")) {
      unknown(name);
    }
    start = text.indexOf("${", end);
  }
  push(text.slice(copied));
  return parts.join("");
}

/** Guards against lines that grow without bound. @throws ArgumentError */
export function checkedLength(length: number): number {
  if (length > LONGEST_LINE) {
    throw new ArgumentError(
      `The line is longer than ${LONGEST_LINE} characters once variables and macros are replaced`,
    );
  }
  return length;
}
