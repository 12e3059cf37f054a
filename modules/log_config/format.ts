// How does a line of the access log look? A LogFormat is compiled once into a list of functions; writing a line is calling them
// and joining what they give (http-core.md 13).

import { ArgumentError } from "../../server/config/mod.ts";
import { Field } from "../../server/http/parser/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { clfTime, strftime } from "./time.ts";

/** One item: what it says of an exchange, "" or "-" where there is nothing. */
type Item = (exchange: Exchange) => string;

/** A compiled format: the line without its end. */
export type LineFormat = (exchange: Exchange) => string;

/** What of a request is quoted by backslashes: quotes, backslashes and everything that is not printable ASCII. */
// deno-lint-ignore no-control-regex -- finding control characters is the purpose
const UNSAFE = /["\\\x00-\x1f\x7f-\xff]/;
// deno-lint-ignore no-control-regex -- finding control characters is the purpose
const EACH_UNSAFE = /["\\\x00-\x1f\x7f-\xff]/g;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\b": "\\b",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** Text of a client as it may stand in a log (httpd's ap_escape_logitem). */
export function escapeItem(text: string): string {
  if (!UNSAFE.test(text)) return text;
  return text.replace(
    EACH_UNSAFE,
    (char) => ESCAPES[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

function orDash(text: string | undefined): string {
  return text === undefined || text === "" ? "-" : escapeItem(text);
}

function requestLine(exchange: Exchange): string {
  const line = exchange.head.requestLine();
  return line === "" ? "-" : escapeItem(line);
}

function responseField(exchange: Exchange, name: string): string | undefined {
  const lower = name.toLowerCase();
  if (lower === "content-type") return exchange.reply?.contentType;
  const values = exchange.reply?.fields.filter(([field]) => field.toLowerCase() === lower).map(([, value]) =>
    value
  );
  return values === undefined || values.length === 0 ? undefined : values.join(", ");
}

function cookie(exchange: Exchange, name: string): string | undefined {
  for (const part of (exchange.head.field(Field.Cookie) ?? "").split(/[;,]\s*/)) {
    const at = part.indexOf("=");
    if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1);
  }
  return undefined;
}

function duration(unit: string): Item {
  const scale = { us: 1000, ms: 1, s: 0.001 }[unit];
  if (scale === undefined) throw new ArgumentError(`%{${unit}}T: the unit must be s, ms or us`);
  return (exchange) => String(Math.floor((performance.now() - exchange.startClock) * scale));
}

function time(argument: string): Item {
  const end = argument.startsWith("end:");
  const format = argument.replace(/^(begin|end):/, "");
  const moment: (exchange: Exchange) => number = (exchange) => end ? Date.now() : exchange.startTime;
  switch (format) {
    case "sec":
      return (exchange) => String(Math.floor(moment(exchange) / 1000));
    case "msec":
      return (exchange) => String(moment(exchange));
    case "usec":
      return (exchange) => `${moment(exchange)}000`;
    case "msec_frac":
      return (exchange) => String(moment(exchange) % 1000).padStart(3, "0");
    case "usec_frac":
      return (exchange) => `${String(moment(exchange) % 1000).padStart(3, "0")}000`;
    case "":
      return (exchange) => clfTime(moment(exchange));
    default:
      return (exchange) => strftime(format, moment(exchange));
  }
}

function needed(letter: string, argument: string | undefined): string {
  if (argument === undefined) throw new ArgumentError(`%${letter} needs a name in braces`);
  return argument;
}

/** The items by letter; each gets what stands in braces. */
const ITEMS: Readonly<Record<string, (argument: string | undefined, thread: number) => Item>> = {
  a: () => ({ transport }) => transport.peer.address,
  A: () => ({ transport }) => transport.local.address,
  B: () => (exchange) => String(exchange.bytesSent),
  b: () => (exchange) => exchange.bytesSent === 0 ? "-" : String(exchange.bytesSent),
  C: (name) => (exchange) => orDash(cookie(exchange, needed("C", name))),
  D: () => duration("us"),
  e: (name) => {
    const variable = needed("e", name);
    return () => orDash(Deno.env.get(variable));
  },
  f: () => (exchange) => orDash(exchange.filename),
  h: () => ({ transport }) => transport.peer.address,
  H: () => ({ head }) => head.major === 0 ? "HTTP/0.9" : `HTTP/${head.major}.${head.minor}`,
  i: (name) => {
    const lower = needed("i", name).toLowerCase();
    return ({ head }) => orDash(head.get(lower));
  },
  k: () => (exchange) => String(exchange.keepAlives),
  l: () => () => "-",
  L: () => () => "-",
  m: () => ({ head }) => orDash(head.method),
  o: (name) => (exchange) => orDash(responseField(exchange, needed("o", name))),
  p: (kind) => ({ transport }) => String(kind === "remote" ? transport.peer.port : transport.local.port),
  P: (kind, thread) => {
    const text = kind === "tid" ? String(thread) : kind === "hextid" ? thread.toString(16) : String(Deno.pid);
    return () => text;
  },
  q: () => (exchange) => exchange.query === "" ? "" : escapeItem(`?${exchange.query}`),
  r: () => requestLine,
  R: () => (exchange) => orDash(exchange.handler),
  s: () => (exchange) => String(exchange.status),
  t: (argument) => time(argument ?? ""),
  T: (unit) => duration(unit ?? "s"),
  u: () => () => "-",
  U: () => (exchange) => orDash(exchange.path),
  v: () => ({ vhost, transport }) => vhost.names.name ?? transport.local.address,
  V: () => ({ head, vhost, transport }) => orDash(head.host ?? vhost.names.name ?? transport.local.address),
  X: () => (exchange) => exchange.connectionState,
};

/** %!200,304{Referer}i : only for (or, with !, except for) these statuses. */
function conditional(item: Item, statuses: string): Item {
  const negated = statuses.startsWith("!");
  const codes = new Set(statuses.replace("!", "").split(",").map(Number));
  return (exchange) => codes.has(exchange.status) !== negated ? item(exchange) : "-";
}

const ITEM = /%(!?\d{3}(?:,\d{3})*)?[<>]?(?:\{([^}]*)\})?(%|\^?[A-Za-z]+?)/y;

/**
 * Compiles a LogFormat.
 * @param thread index of the thread, for %{tid}P
 * @throws ArgumentError for an item that is not known
 */
export function compileFormat(format: string, thread: number): LineFormat {
  const items: Item[] = [];
  const literal = (text: string) => items.push(() => text);
  for (let at = 0; at < format.length;) {
    const percent = format.indexOf("%", at);
    if (percent < 0) {
      literal(unescape(format.slice(at)));
      break;
    }
    if (percent > at) literal(unescape(format.slice(at, percent)));
    ITEM.lastIndex = percent;
    const found = ITEM.exec(format);
    if (found === null) {
      throw new ArgumentError(`Unrecognized LogFormat directive ${format.slice(percent, percent + 10)}`);
    }
    const [whole, statuses, argument, letter] = found;
    at = percent + whole.length;
    if (letter === "%") {
      literal("%");
      continue;
    }
    const make = Object.hasOwn(ITEMS, letter) ? ITEMS[letter] : undefined;
    if (make === undefined) throw new ArgumentError(`Unrecognized LogFormat directive %${letter}`);
    const item = make(argument, thread);
    items.push(statuses === undefined ? item : conditional(item, statuses));
  }
  return (exchange) => {
    let line = "";
    for (const item of items) line += item(exchange);
    return line;
  };
}

/** \n, \t and \r of a format (quotes have been taken care of by the configuration's grammar). */
function unescape(text: string): string {
  return text.replace(/\\([nrt"\\])/g, (_, char: string) => ({ n: "\n", r: "\r", t: "\t" })[char] ?? char);
}

/** httpd's built-in format, "common". */
export const COMMON = '%h %l %u %t "%r" %>s %b';
