// How does a line of the access log look? A LogFormat is compiled once, when the configuration is read, into a list of
// functions; writing a line is calling them and joining what they give (http-core.md 13).

import { FormatError, type Item, ITEMS } from "./items.ts";
import type { LogRecord } from "./record.ts";
import { jsonValue, ownValue, plainValue } from "./value.ts";

export { FormatError } from "./items.ts";

/** A compiled format: the line without its end. */
export type LineFormat = (record: LogRecord) => string;

/** A format that begins with this is a list of `name=item`, and its lines are JSON objects (mpmd only). */
const JSON_MARK = "json:";

/** Between `%` and the letter: `!`, `<`, `>`, `{argument}` and statuses with commas, in any order, as httpd takes them. */
interface Modifiers {
  negated: boolean;
  from: "original" | "final" | undefined;
  argument: string | undefined;
  readonly statuses: number[];
}

/** Reads the item behind the percent sign at `start`; returns it and where it ends. */
function readItem(format: string, start: number): { item: Item; own: boolean; end: number } {
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
  const chosen = statuses.length === 0 ? item : conditional(item, new Set(statuses), negated);
  return { item: chosen, own: row.own === true, end };
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
  if (letter === "s") return (record) => record.originalStatus;
  return (record) => item(record.original());
}

/** %200,304{Referer}i: only for these final statuses; with `!`, only for others. */
function conditional(item: Item, statuses: ReadonlySet<number>, negated: boolean): Item {
  return (record) => statuses.has(record.status) !== negated ? item(record) : undefined;
}

/** \n, \r and \t of a format, quotes and backslashes. */
function unescape(text: string): string {
  return text.replace(/\\([nrt"\\])/g, (_, char: string) => ({ n: "\n", r: "\r", t: "\t" })[char] ?? char);
}

/** Compiles a LogFormat. @throws FormatError for an item that is not known, or lacks what it needs */
export function compileFormat(format: string): LineFormat {
  return format.startsWith(JSON_MARK) ? compileJson(format) : compilePlain(format);
}

function compilePlain(format: string): LineFormat {
  const items: ((record: LogRecord) => string | number)[] = [];
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
    const { item, own, end } = readItem(format, percent);
    // An empty name is not nobody's: httpd shows it as a pair of quotation marks.
    if (own) items.push((record) => ownValue(item(record)));
    else if (format[end - 1] === "u") {
      items.push((record) => item(record) === "" ? '""' : plainValue(item(record)));
    } else items.push((record) => plainValue(item(record)));
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

/** `json: name=%item name=%item ...`: every item is a member, with its name. */
function compileJson(format: string): LineFormat {
  const items: Item[] = [];
  const names: string[] = [];
  const member = /\s*([^\s=%]+)=(?=%)/y;
  let at = JSON_MARK.length;
  while (format.slice(at).trim() !== "") {
    member.lastIndex = at;
    const found = member.exec(format);
    if (found === null) {
      throw new FormatError(
        `${JSON_MARK} takes members such as status=%>s, not "${format.slice(at).trim()}"`,
      );
    }
    const { item, end } = readItem(format, member.lastIndex);
    if (end < format.length && !/\s/.test(format[end])) {
      throw new FormatError(
        `${JSON_MARK} a member is one item: ${found[1]}=${format.slice(member.lastIndex)}`,
      );
    }
    names.push(`${names.length === 0 ? "{" : ","}${JSON.stringify(found[1])}:`);
    items.push(item);
    at = end;
  }
  if (items.length === 0) throw new FormatError(`${JSON_MARK} needs members such as status=%>s`);
  const count = items.length;
  return (record) => {
    let line = "";
    for (let i = 0; i < count; i++) line += names[i] + jsonValue(items[i](record));
    return line + "}";
  };
}
