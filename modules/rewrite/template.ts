// What do $1, %1, %{NAME} and ${map:key} in a substitution or a test string stand for? Parsed once, expanded for every request.

import { evaluateString, type ExpressionSubject, parseString } from "../../server/config/expression/mod.ts";
import { ArgumentError } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { requestVariable } from "../../server/request/request_variables.ts";
import type { RewriteMap } from "./maps.ts";

/** What templates see of the request, as far as the rules have changed it. */
export interface Scope {
  readonly exchange: Exchange;
  readonly subject: ExpressionSubject;
  readonly maps: ReadonlyMap<string, RewriteMap>;
  /** Path or file name as the rules have it. */
  name: string;
  query: string;
  /** Of the pattern of the rule ($), and of the last condition (%). */
  rule: readonly (string | undefined)[];
  condition: readonly (string | undefined)[];
  /** Fields that were looked at, in lower case. */
  readonly looked: Set<string>;
}

/** A part of a template. */
type Part = (scope: Scope, quote: Quote) => string;
/** What becomes of a group before it is put in (flag B). */
export type Quote = (text: string) => string;

/** A parsed text. */
export interface Template {
  readonly source: string;
  expand(scope: Scope, quote?: Quote): string;
}

/** Variables that the evaluator of expressions would not know, or would know otherwise. */
const OWN: Readonly<Record<string, (scope: Scope) => string>> = {
  REQUEST_FILENAME: ({ name }) => name,
  SCRIPT_FILENAME: ({ name }) => name,
  QUERY_STRING: ({ query }) => query,
};

const FIELD_OF: Readonly<Record<string, string>> = {
  HTTP_USER_AGENT: "user-agent",
  HTTP_REFERER: "referer",
  HTTP_COOKIE: "cookie",
  HTTP_FORWARDED: "forwarded",
  HTTP_HOST: "host",
  HTTP_PROXY_CONNECTION: "proxy-connection",
  HTTP_ACCEPT: "accept",
};

function field(name: string): Part {
  return ({ exchange, looked }) => {
    const value = exchange.head.get(name);
    if (value !== undefined) looked.add(name);
    return value ?? "";
  };
}

function variable(name: string): Part {
  const upper = name.toUpperCase();
  if (Object.hasOwn(OWN, upper)) return OWN[upper];
  if (Object.hasOwn(FIELD_OF, upper)) return field(FIELD_OF[upper]);
  const [, kind, rest] = /^([A-Z-]+):(.*)$/is.exec(name) ?? [];
  switch (kind?.toUpperCase()) {
    case "ENV":
      return ({ subject }) => subject.environment(rest) ?? subject.osEnvironment(rest) ?? "";
    case "HTTP":
      return field(rest.toLowerCase());
    case "SSL":
      return ({ exchange }) => requestVariable(exchange, rest) ?? "";
    case "LA-U":
    case "LA-F":
      throw new ArgumentError(`%{${name}} is not supported: what a later phase finds out is not known ahead`);
  }
  try {
    const word = parseString(`%{${name}}`);
    return ({ subject }) => evaluateString(word, subject);
  } catch (error) {
    // What nobody knows is empty, as in httpd.
    if (error instanceof Error) return () => "";
    throw error;
  }
}

/** The index of what closes the brace at `open`. @throws ArgumentError */
function closing(source: string, open: number): number {
  let depth = 0;
  for (let at = open; at < source.length; at++) {
    if (source[at] === "{") depth++;
    else if (source[at] === "}" && --depth === 0) return at;
  }
  throw new ArgumentError(`a brace of "${source}" is not closed`);
}

function lookUp(text: string): Part {
  const colon = text.indexOf(":");
  if (colon < 0) throw new ArgumentError(`"\${${text}}" has no colon between map and key`);
  const name = text.slice(0, colon);
  let bar = colon + 1;
  for (let depth = 0; bar < text.length && (depth > 0 || text[bar] !== "|"); bar++) {
    if (text[bar] === "{") depth++;
    else if (text[bar] === "}") depth--;
  }
  const key = parts(text.slice(colon + 1, bar));
  const otherwise = parts(text.slice(bar + 1));
  return (scope, quote) => {
    const value = scope.maps.get(name)?.(joined(key, scope, quote));
    return value === undefined || value === "" ? joined(otherwise, scope, quote) : value;
  };
}

function parts(source: string): Part[] {
  const found: Part[] = [];
  let plain = "";
  const add = (part: Part) => {
    const text = plain;
    if (text !== "") found.push(() => text);
    plain = "";
    found.push(part);
  };
  for (let at = 0; at < source.length; at++) {
    const char = source[at];
    const next = source[at + 1] ?? "";
    if (char === "\\" && next !== "") {
      plain += next;
      at++;
    } else if (char !== "$" && char !== "%") plain += char;
    else if (next === "{") {
      const end = closing(source, at + 1);
      const inner = source.slice(at + 2, end);
      add(char === "$" ? lookUp(inner) : variable(inner));
      at = end;
    } else if (/\d/.test(next)) {
      const group = Number(next);
      add(({ rule, condition }, quote) => quote((char === "$" ? rule : condition)[group] ?? ""));
      at++;
    } else plain += char;
  }
  const rest = plain;
  if (rest !== "") found.push(() => rest);
  return found;
}

function joined(list: readonly Part[], scope: Scope, quote: Quote): string {
  let text = "";
  for (const part of list) text += part(scope, quote);
  return text;
}

const asItIs: Quote = (text) => text;

/** @throws ArgumentError */
export function parseTemplate(source: string): Template {
  const list = parts(source);
  return { source, expand: (scope, quote = asItIs) => joined(list, scope, quote) };
}
