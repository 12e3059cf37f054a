// How does a line of the access log look? A LogFormat is compiled once, when the configuration is read, into a list of
// functions; writing a line is calling them and joining what they give (http-core.md 13).

import { ABSENT, FormatError, type Item, ITEMS } from "./items.ts";
import type { LogRecord } from "./record.ts";

export { FormatError } from "./items.ts";

/** A compiled format: the line without its end. */
export type LineFormat = (record: LogRecord) => string;

/** Between `%` and the letter: `!`, `<`, `>`, `{argument}` and statuses with commas, in any order, as httpd takes them. */
interface Modifiers {
  negated: boolean;
  from: "original" | "final" | undefined;
  argument: string | undefined;
  readonly statuses: number[];
}

/** Reads the item behind the percent sign at `start`; returns it and where it ends. */
function readItem(format: string, start: number): { item: Item; end: number } {
  const modifiers: Modifiers = { negated: false, from: undefined, argument: undefined, statuses: [] };
  const at = readModifiers(format, start + 1, modifiers);
  // %^FB, %^ti and %^to are two letters behind their circumflex.
  const end = at + (format[at] === "^" ? 3 : 1);
  const letter = format.slice(at, end);
  const row = ITEMS.get(letter);
  if (row === undefined) {
    throw new FormatError(`Unrecognized LogFormat directive ${letter === "" ? "%" : `%${letter}`}`);
  }
  const { from, argument, statuses, negated } = modifiers;
  const plain = row.make(argument);
  const item = (from ?? (row.original && "original")) === "original" ? ofOriginal(letter, plain) : plain;
  return { item: statuses.length === 0 ? item : conditional(item, new Set(statuses), negated), end };
}

/** Returns where the letter is. */
function readModifiers(format: string, start: number, modifiers: Modifiers): number {
  for (let at = start;; at++) {
    const char = format[at];
    if (char === "!") modifiers.negated = true;
    else if (char === "<") modifiers.from = "original";
    else if (char === ">") modifiers.from = "final";
    else if (char === "{") {
      const close = format.indexOf("}", at);
      if (close < 0) throw new FormatError("missing closing brace in LogFormat");
      modifiers.argument = format.slice(at + 1, close);
      at = close;
    } else if (char >= "0" && char <= "9") {
      const [digits] = /^\d+/.exec(format.slice(at))!;
      modifiers.statuses.push(Number(digits));
      at += digits.length - 1;
    } else if (char !== ",") return at;
  }
}

function ofOriginal(letter: string, item: Item): Item {
  if (letter === "s") return (record) => String(record.originalStatus);
  return (record) => item(record.original());
}

/** %200,304{Referer}i: only for these final statuses; with `!`, only for others. */
function conditional(item: Item, statuses: ReadonlySet<number>, negated: boolean): Item {
  return (record) => statuses.has(record.status) !== negated ? item(record) : ABSENT;
}

/** \n, \r and \t of a format, quotes and backslashes. */
function unescape(text: string): string {
  return text.replace(/\\([nrt"\\])/g, (_, char: string) => ({ n: "\n", r: "\r", t: "\t" })[char] ?? char);
}

/** Compiles a LogFormat. @throws FormatError for an item that is not known, or lacks what it needs */
export function compileFormat(format: string): LineFormat {
  const items: Item[] = [];
  /** literals[i] stands before items[i], the last one at the end. */
  const literals: string[] = [""];
  const literal = (text: string) => literals[literals.length - 1] += text;
  for (let at = 0; at < format.length;) {
    const percent = format.indexOf("%", at);
    if (percent !== at) literal(unescape(format.slice(at, percent < 0 ? undefined : percent)));
    if (percent < 0) break;
    if (format[percent + 1] === "%") {
      literal("%");
      at = percent + 2;
      continue;
    }
    const { item, end } = readItem(format, percent);
    items.push(item);
    literals.push("");
    at = end;
  }
  const count = items.length;
  return (record) => {
    let line = literals[0];
    for (let i = 0; i < count; i++) line += items[i](record) + literals[i + 1];
    return line;
  };
}
