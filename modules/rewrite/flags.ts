// What do the flags of a RewriteRule say?

import { ArgumentError } from "../../server/config/mod.ts";
import { reasonPhrase } from "../../server/http/content/mod.ts";
import { parseTemplate, type Quote, type Template } from "./template.ts";

/** A flag as written. */
interface Flag {
  readonly name: string;
  readonly value: string;
}

/** `[flag,flag=value,...]`. @throws ArgumentError */
export function splitFlags(directive: string, text: string | undefined): Flag[] {
  if (text === undefined) return [];
  if (!text.startsWith("[") || !text.endsWith("]")) {
    throw new ArgumentError(`${directive}: bad flag delimiters`);
  }
  const inner = text.slice(1, -1).trim();
  if (inner === "") return [];
  return inner.split(/\s*,\s*/).filter((flag) => flag !== "").map((flag) => {
    const equals = flag.indexOf("=");
    return equals < 0
      ? { name: flag, value: "" }
      : { name: flag.slice(0, equals), value: flag.slice(equals + 1) };
  });
}

/** The flags of one rule. */
export interface RuleFlags {
  chained: boolean;
  cookies: Template[];
  discardPathInfo: boolean;
  /** Variables: "name:value", or "!name". */
  variables: Template[];
  handler: Template | undefined;
  type: Template | undefined;
  last: boolean;
  end: boolean;
  /** Starts again: at most so many times for a request; 0: does not. */
  next: number;
  caseBlind: boolean;
  noEscape: boolean;
  noSubrequests: boolean;
  passThrough: boolean;
  /** What the rule makes is a URL of another server, which answers. */
  proxy: boolean;
  appendQuery: boolean;
  discardQuery: boolean;
  /** The query begins after the last question mark; with "none" there is none in the substitution. */
  querySplit: "first" | "last" | "none";
  /** Status of a redirect, or of the answer. */
  status: number | undefined;
  skip: number;
  /** What becomes of groups. */
  quote: Quote | undefined;
  prefixStat: boolean;
  allow3F: boolean;
}

/** Rounds of N, where it does not say how many. */
const MOST_ROUNDS = 10_000;
const STATUSES: Readonly<Record<string, number>> = { permanent: 301, temp: 302, seeother: 303 };

/** Which characters of groups are escaped: B, BNP, BNE, BCTLS. */
interface Quoting {
  on: boolean;
  /** Only these; "" for all but letters, digits and _. */
  only: string;
  not: string;
  plus: boolean;
  controls: boolean;
}

const encoder = new TextEncoder();

function quoteOf({ on, only, not, plus, controls }: Quoting): Quote | undefined {
  if (!on) return undefined;
  return (text) => {
    let quoted = "";
    for (const char of text) {
      const wanted = controls && only === ""
        ? char <= " " || char === "\x7f"
        : only !== ""
        ? only.includes(char)
        : !/\w/.test(char);
      if (!wanted || not.includes(char)) quoted += char;
      else if (char === " " && plus) quoted += "+";
      else for (const byte of encoder.encode(char)) quoted += `%${byte.toString(16).padStart(2, "0")}`;
    }
    return quoted;
  };
}

function count(name: string, value: string): number {
  if (!/^\d+$/.test(value)) {
    throw new ArgumentError(`RewriteRule: flag ${name} takes a number, not '${value}'`);
  }
  return Number(value);
}

function statusOf(value: string): number {
  if (value === "") return 302;
  const word = value.toLowerCase();
  const status = Object.hasOwn(STATUSES, word) ? STATUSES[word] : /^\d{3}$/.test(value) ? Number(value) : 0;
  if (reasonPhrase(status) === undefined) {
    throw new ArgumentError(`RewriteRule: invalid HTTP response code '${value}' for flag 'R'`);
  }
  return status;
}

type Setter = (flags: RuleFlags, value: string, quoting: Quoting) => void;

/** By name, in capitals; long names are those of httpd. */
const SETTERS: ReadonlyMap<string, Setter> = new Map(
  ([
    [["B", "ESCAPEBACKREFERENCES"], (_, value, quoting) => {
      quoting.on = true;
      quoting.only += value;
    }],
    [["BNP", "BACKREFNOPLUS"], (_, _value, quoting) => {
      quoting.on = true;
      quoting.plus = false;
    }],
    [["BNE"], (_, value, quoting) => {
      quoting.not += value;
    }],
    [["BCTLS"], (_, _value, quoting) => {
      quoting.on = true;
      quoting.controls = true;
    }],
    [["C", "CHAIN"], (flags) => flags.chained = true],
    [["CO", "COOKIE"], (flags, value) => flags.cookies.push(parseTemplate(value))],
    [["DPI", "DISCARDPATH"], (flags) => flags.discardPathInfo = true],
    [["E", "ENV"], (flags, value) => flags.variables.push(parseTemplate(value))],
    [["END"], (flags) => {
      flags.last = true;
      flags.end = true;
    }],
    [["F", "FORBIDDEN"], (flags) => flags.status = 403],
    [["G", "GONE"], (flags) => flags.status = 410],
    [["H", "HANDLER"], (flags, value) => flags.handler = parseTemplate(value)],
    [["L", "LAST"], (flags) => flags.last = true],
    [["N", "NEXT"], (flags, value) => flags.next = value === "" ? MOST_ROUNDS : count("N", value)],
    [["NC", "NOCASE"], (flags) => flags.caseBlind = true],
    [["NE", "NOESCAPE"], (flags) => flags.noEscape = true],
    [["NS", "NOSUBREQ"], (flags) => flags.noSubrequests = true],
    [["P", "PROXY"], (flags) => flags.proxy = true],
    [["PT", "PASSTHROUGH"], (flags) => flags.passThrough = true],
    [["QSA", "QSAPPEND"], (flags) => flags.appendQuery = true],
    [["QSD", "QSDISCARD"], (flags) => flags.discardQuery = true],
    [["QSL", "QSLAST"], (flags) => flags.querySplit = "last"],
    [["QSNONE"], (flags) => flags.querySplit = "none"],
    [["R", "REDIRECT"], (flags, value) => flags.status = statusOf(value)],
    [["S", "SKIP"], (flags, value) => flags.skip = count("S", value)],
    [["T", "TYPE"], (flags, value) => flags.type = parseTemplate(value)],
    [["UNSAFEPREFIXSTAT"], (flags) => flags.prefixStat = true],
    [["UNSAFEALLOW3F"], (flags) => flags.allow3F = true],
  ] satisfies (readonly [readonly string[], Setter])[]).flatMap(([names, setter]) =>
    names.map((name) => [name, setter] as const)
  ),
);

/** @throws ArgumentError */
export function parseRuleFlags(text: string | undefined): RuleFlags {
  const flags: RuleFlags = {
    chained: false,
    cookies: [],
    discardPathInfo: false,
    variables: [],
    handler: undefined,
    type: undefined,
    last: false,
    end: false,
    next: 0,
    caseBlind: false,
    noEscape: false,
    noSubrequests: false,
    passThrough: false,
    proxy: false,
    appendQuery: false,
    discardQuery: false,
    querySplit: "first",
    status: undefined,
    skip: 0,
    quote: undefined,
    prefixStat: false,
    allow3F: false,
  };
  const quoting: Quoting = { on: false, only: "", not: "", plus: true, controls: false };
  for (const { name, value } of splitFlags("RewriteRule", text)) {
    const setter = SETTERS.get(name.toUpperCase());
    if (setter === undefined) throw new ArgumentError(`RewriteRule: unknown flag '${name}'`);
    setter(flags, value, quoting);
  }
  flags.quote = quoteOf(quoting);
  return flags;
}
