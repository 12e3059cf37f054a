// How does a line of the error log look? ErrorLogFormat, compiled once; without one, httpd's default for MPMs with threads.

import { ArgumentError } from "../config/mod.ts";
import { type HttpdLevel, severity } from "./levels.ts";
import { strftime } from "./strftime.ts";

/** What a line may tell of the connection and the request that it is about. */
export interface LogSubject {
  /** "address:port"; `peer` is who is connected, the client's proxy for example. */
  readonly client: string;
  readonly peer: string;
  readonly local: string;
  /** Requests on the connection before this one. */
  readonly keepAlives: number;
  /** The numbers of request and connection in the logs. */
  readonly requestId: string;
  readonly connectionId: string;
  /** The canonical name of the virtual host, and the one that UseCanonicalName gives. */
  readonly serverName: string;
  readonly requestedName: string;
  env(name: string): string | undefined;
  note(name: string): string | undefined;
  /** `name` is in lower case. */
  requestHeader(name: string): string | undefined;
}

/** What may stand in a line besides its message. */
export interface LogFields {
  /** What the operating system said; `code` is errno. */
  readonly errno?: { readonly code: number; readonly text: string };
  /** Where in the source. */
  readonly file?: string;
  readonly line?: number;
  readonly about?: LogSubject;
}

/** Everything that a line tells. */
export interface ErrorEntry extends LogFields {
  /** Milliseconds since 1970; the fraction gives the microseconds. */
  readonly time: number;
  readonly level: HttpdLevel;
  /** Short name: "core", "mpm_event". */
  readonly module: string;
  /** httpd's number of the message: "AH00489". */
  readonly ah?: string;
  readonly message: string;
  readonly pid: number;
  /** undefined: the MPM has no threads. */
  readonly tid?: number;
  /** A message of the start: nothing but the message is shown. */
  readonly startup?: boolean;
}

/** httpd's default. The parts that do not concern a message are left out of its line. */
const TIME = "[%{u}t] ";
const HEAD = "[%-m:%l] [pid %P:tid %T] ";
const REST = "%7F: %E: [client\\ %a] %M% ,\\ referer:\\ %{Referer}i";

// deno-lint-ignore no-control-regex -- finding control characters is the purpose
const CONTROL = /[\x00-\x1f\\\x7f-\x9f]/g;
const SHORT: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\b": "\\b",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

const encoder = new TextEncoder();

/** Control characters would let a client make lines of its own, or command a terminal. */
function visible(text: string): string {
  return text.replace(
    CONTROL,
    (char) =>
      SHORT[char] ??
        Array.from(encoder.encode(char), (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}

const shown = (text: string | undefined): string => text === undefined ? "" : visible(text);

/** The text of an item; "": there is none. */
type Item = (entry: ErrorEntry) => string;

const micros = (ms: number): string =>
  String(Math.floor((ms - Math.floor(ms / 1000) * 1000) * 1000)).padStart(6, "0");

/** Times in httpd's ways: u microseconds, c compact (ISO 8601), z with the time zone; else a format of strftime(3). */
function time(argument: string | undefined): Item {
  if (argument === undefined || /^[ucz]*$/.test(argument)) {
    const has = (letter: string) => argument?.includes(letter) === true;
    const [date, year] = has("c") ? ["%F %T", ""] : ["%a %b %d %T", " %Y"];
    const zone = has("c") && has("z") ? " %z" : "";
    return ({ time: ms }) =>
      strftime(date, ms) + (has("u") ? `.${micros(ms)}` : "") + strftime(year + zone, ms);
  }
  return ({ time: ms }) => strftime(argument, ms);
}

/** The items by letter (http-core.md 14). `argument` is what stands in braces. */
const ITEMS: Readonly<Record<string, (argument: string | undefined) => Item>> = {
  a: (argument) => argument === "c" ? ({ about }) => shown(about?.peer) : ({ about }) => shown(about?.client),
  A: () => ({ about }) => shown(about?.local),
  e: (name) => ({ about }) => shown(about?.env(required("e", name))),
  E: () => ({ errno }) => errno === undefined ? "" : `(${errno.code})${visible(errno.text)}`,
  F: () => ({ file, line }) => file === undefined ? "" : `${visible(file)}(${line ?? 0})`,
  i: (name) => {
    const lower = required("i", name).toLowerCase();
    return ({ about }) => shown(about?.requestHeader(lower));
  },
  k: () => ({ about }) => about === undefined ? "" : String(about.keepAlives),
  l: () => ({ level }) => level,
  L: (which) => {
    if (which === undefined) return ({ about }) => about?.requestId ?? "";
    return ({ about }) => about?.connectionId ?? "";
  },
  m: () => ({ module }) => module,
  M: () => ({ ah, message }) => (ah === undefined ? "" : `${ah}: `) + visible(message),
  n: (name) => ({ about }) => shown(about?.note(required("n", name))),
  P: () => ({ pid }) => String(pid),
  T: () => ({ tid }) => tid === undefined ? "" : String(tid),
  t: time,
  v: () => ({ about }) => shown(about?.serverName),
  V: () => ({ about }) => shown(about?.requestedName),
};

function required(letter: string, name: string | undefined): string {
  if (name === undefined || name === "") {
    throw new ArgumentError(`ErrorLogFormat: %${letter} needs a name in braces`);
  }
  return name;
}

/** A piece of a format: text, or an item with what its modifiers say. */
interface Piece {
  readonly item: Item;
  /** A field begins here: what is without a value is left out from its begin. */
  readonly field: boolean;
  /** Shown from this severity on (0 to 15): less important messages only. */
  readonly from: number;
  /** What stands for no value: `leave` the field out, a hyphen, or no line at all. */
  readonly absent: "leave" | "hyphen" | "no line";
}

const text = (value: string, field: boolean): Piece => ({
  item: () => value,
  field,
  from: 0,
  absent: "leave",
});

function pieces(format: string): Piece[] {
  const found: Piece[] = [];
  // A blank begins a field, with a backslash it is one like others; "% " begins one without a blank.
  const grammar =
    /(% )|%%|%([-+]|\d{1,2})*(?:\{([^}]*)\})?([A-Za-z])|(\s+)|((?:\\[\s\S]|[^%\s\\])+)|([\s\S])/g;
  for (const match of format.matchAll(grammar)) {
    const [whole, separator, , argument, letter, blank, plain, other] = match;
    if (separator !== undefined) found.push(text("", true));
    else if (whole === "%%") found.push(text("%", false));
    else if (blank !== undefined) found.push(text(blank, true));
    else if (plain !== undefined) found.push(text(plain.replace(/\\([\s\S])/g, unescaped), false));
    else if (letter === undefined || other !== undefined) {
      throw new ArgumentError(`Unrecognized error log format directive ${format.slice(match.index)}`);
    } else found.push(itemPiece(whole, letter, argument));
  }
  return found;
}

function unescaped(_: string, char: string): string {
  return { n: "\n", r: "\r", t: "\t" }[char] ?? char;
}

function itemPiece(whole: string, letter: string, argument: string | undefined): Piece {
  const make = Object.hasOwn(ITEMS, letter) ? ITEMS[letter] : undefined;
  if (make === undefined) throw new ArgumentError(`Unrecognized error log format directive %${letter}`);
  if ("en".includes(letter)) required(letter, argument);
  const [, modifiers] = /^%([-+\d]*)/.exec(whole)!;
  const from = Number(/\d+/.exec(modifiers)?.[0] ?? 0);
  if (from > 15) throw new ArgumentError(`ErrorLogFormat: ${whole}: levels go from 1 to 15`);
  const absent = modifiers.includes("+") ? "no line" : modifiers.includes("-") ? "hyphen" : "leave";
  return { item: make(argument), field: false, from, absent };
}

/** Makes the line of an entry, without its line feed; undefined: it is left out (`+`). */
export type ErrorFormat = (entry: ErrorEntry) => string | undefined;

/** Compiles an ErrorLogFormat. @throws ArgumentError */
export function compileErrorFormat(format: string): ErrorFormat {
  const list = pieces(format);
  return (entry) => {
    const rank = severity(entry.level);
    let line = "";
    let fieldStart = 0;
    let skipping = false;
    for (const { item, field, from, absent } of list) {
      if (field) {
        if (!skipping) fieldStart = line.length;
        skipping = false;
      }
      if (skipping) continue;
      const value = from > rank ? "" : item(entry);
      line += value;
      if (value !== "" || field) continue;
      if (from <= rank && absent === "no line") return undefined;
      if (from <= rank && absent === "hyphen") line += "-";
      else {
        line = line.slice(0, fieldStart);
        skipping = true;
      }
    }
    return line;
  };
}

/** `format`, where an MPM has no threads without their numbers. */
function byThreads(format: string): ErrorFormat {
  const full = compileErrorFormat(format);
  const without = compileErrorFormat(format.replace(":tid %T", ""));
  return (entry) => entry.tid === undefined ? without(entry) : full(entry);
}

/** httpd's layout. */
export const defaultErrorFormat: ErrorFormat = byThreads(TIME + HEAD + REST);
/** The same for a receiver that notes the time itself (syslog, the journal). */
export const untimedErrorFormat: ErrorFormat = byThreads(HEAD + REST);
