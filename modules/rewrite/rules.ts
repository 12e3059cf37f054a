// What do the rules make of a path? A list of RewriteRules, with their conditions, applied to one request.

import { ArgumentError, compileRegex } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { ownUrl } from "../../server/request/self_name.ts";
import type { Condition } from "./condition.ts";
import { parseRuleFlags, type RuleFlags } from "./flags.ts";
import { parseTemplate, type Quote, type Scope, type Template } from "./template.ts";

/** One RewriteRule. */
export interface Rule {
  readonly conditions: readonly Condition[];
  readonly pattern: RegExp;
  readonly negated: boolean;
  /** undefined: `-`, the name stays. */
  readonly substitution: Template | undefined;
  readonly flags: RuleFlags;
}

/** @throws ArgumentError */
export function parseRule(args: readonly string[], conditions: readonly Condition[]): Rule {
  const [pattern, substitution, flags] = args;
  const negated = pattern.startsWith("!");
  const parsed = parseRuleFlags(flags);
  if (parsed.chained && parsed.next > 0) {
    throw new ArgumentError("RewriteRule: flags C and N exclude each other");
  }
  return {
    conditions,
    negated,
    pattern: compileRegex(negated ? pattern.slice(1) : pattern, parsed.caseBlind ? "i" : ""),
    substitution: substitution === "-" ? undefined : parseTemplate(substitution),
    flags: parsed,
  };
}

/** What the rules have led to. */
export interface Outcome {
  /** The name has been replaced. */
  readonly changed: boolean;
  /** Of the answer, or of the redirect that an absolute URL is. */
  readonly status: number | undefined;
  /** Nothing but the status counts. */
  readonly refused: boolean;
  readonly escape: boolean;
  readonly passThrough: boolean;
  /** The name is a URL of another server, which answers. */
  readonly proxy: boolean;
  readonly end: boolean;
  /** The last substitution. */
  readonly last: Rule | undefined;
}

/** A request on its way through the rules. */
export interface Journey extends Scope {
  /** The directory of the rules, with a slash at its end; undefined: those of a host. */
  readonly directory: string | undefined;
  pathInfo: string;
  /** Takes variables, cookies, type and handler. */
  readonly effects: Effects;
  readonly trace: (message: string) => void;
}

/** What rules do beside leading elsewhere. */
export interface Effects {
  variable(name: string, value: string | undefined): void;
  cookie(text: string): void;
  type(type: string): void;
  handler(handler: string): void;
}

const DEFAULT_REDIRECT = 302;

/** True for what begins with a scheme that has an authority, or is a known one without. */
export function isAbsoluteUrl(text: string): boolean {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/|mailto:|news:)/i.test(text);
}

function conditionsHold(rule: Rule, journey: Journey): boolean {
  const { conditions } = rule;
  for (let at = 0; at < conditions.length; at++) {
    const condition = conditions[at];
    journey.looked.clear();
    const holds = condition.holds(journey);
    if (condition.varies) {
      for (const name of journey.looked) (journey.exchange.varyOn ??= new Set()).add(name);
    }
    if (holds) {
      // The rest of the alternatives need not be asked.
      while (conditions[at]?.or === true && at + 1 < conditions.length) at++;
    } else if (!condition.or || at + 1 === conditions.length) return false;
  }
  return true;
}

/** Takes the query out of the name. */
function splitQuery(journey: Journey, { querySplit, discardQuery, appendQuery }: RuleFlags): void {
  if (discardQuery) journey.query = "";
  if (querySplit === "none") return;
  const { name } = journey;
  if (isAbsoluteUrl(name) && !/^https?:/i.test(name)) return;
  const at = querySplit === "last" ? name.lastIndexOf("?") : name.indexOf("?");
  if (at < 0) return;
  const query = name.slice(at + 1);
  const before = appendQuery && !discardQuery ? journey.query : "";
  journey.name = name.slice(0, at);
  journey.query = [query, before].filter((part) => part !== "").join("&").replace(/&$/, "");
}

/** The cookie that `text` (name:value:domain:lifetime:path:secure:httponly:samesite) sets. */
function cookie(text: string, now: number): string | undefined {
  const separator = text.startsWith(";") ? ";" : ":";
  const [name, value, domain, lifetime, path, secure, httpOnly, sameSite] =
    (separator === ";" ? text.slice(1) : text).split(separator);
  if (!name || value === undefined || domain === undefined) return undefined;
  const minutes = Number.parseInt(lifetime ?? "", 10) || 0;
  const yes = (word: string | undefined, name: string) =>
    /^(?:true|1)$/i.test(word ?? "") || word?.toLowerCase() === name;
  const date = new Date(now + minutes * 60_000).toUTCString().replace(/^(\w+, \d+) (\w+) (\d+)/, "$1-$2-$3");
  return `${name}=${value}; path=${path || "/"}; domain=${domain}` +
    (minutes === 0 ? "" : `; expires=${date}`) +
    (yes(secure, "secure") ? "; secure" : "") +
    (yes(httpOnly, "httponly") ? "; HttpOnly" : "") +
    (sameSite && !/^(?:0|false)$/i.test(sameSite) ? `; SameSite=${sameSite}` : "");
}

function sideEffects({ flags }: Rule, journey: Journey): void {
  for (const template of flags.variables) {
    const [, negated, name, value = ""] = /^(!?)([^:]*)(?::(.*))?$/s.exec(template.expand(journey))!;
    journey.effects.variable(name, negated === "" ? value : undefined);
  }
  for (const template of flags.cookies) {
    const text = cookie(template.expand(journey), journey.exchange.startTime);
    if (text !== undefined) journey.effects.cookie(text);
  }
  if (flags.type !== undefined) journey.effects.type(flags.type.expand(journey));
  if (flags.handler !== undefined) journey.effects.handler(flags.handler.expand(journey));
}

/** `http://this-host/path` is a path of this host. */
function reduced(name: string, exchange: Exchange): string {
  const own = ownUrl(exchange);
  if (!name.toLowerCase().startsWith(own.toLowerCase())) return name;
  const rest = name.slice(own.length);
  return rest.startsWith("/") ? rest : rest === "" ? "/" : name;
}

/** "no": it does not apply; "kept": it does, and the name stays; else the name is another. */
function applyRule(rule: Rule, journey: Journey): "no" | "kept" | "replaced" | "unsafe" {
  const { flags, substitution } = rule;
  const { directory, exchange, trace } = journey;
  let subject = journey.name;
  if (directory !== undefined) {
    subject += journey.pathInfo;
    if (subject.startsWith(directory)) subject = subject.slice(directory.length);
    else if (!isAbsoluteUrl(subject) && `${subject}/` === directory) subject = "";
    else if (!isAbsoluteUrl(subject)) return "no";
  }
  const found = rule.pattern.exec(subject);
  trace(`applying pattern '${rule.pattern.source}' to uri '${subject}'`);
  if ((found !== null) === rule.negated) return "no";
  journey.rule = found ?? [];
  journey.condition = [];
  if (!conditionsHold(rule, journey)) return "no";
  if (substitution === undefined) {
    sideEffects(rule, journey);
    return "kept";
  }
  const name = substitution.expand(journey, flags.quote);
  if (
    !flags.allow3F && /%3f/i.test(exchange.head.target) &&
    beginsQuery(substitution, name, journey, flags.quote)
  ) {
    trace(`refused: an escaped question mark would begin a query: ${name} (flag UnsafeAllow3F)`);
    return "unsafe";
  }
  sideEffects(rule, journey);
  trace(`rewrite '${subject}' -> '${name}'`);
  journey.name = name;
  if (directory !== undefined && flags.discardPathInfo) journey.pathInfo = "";
  splitQuery(journey, flags);
  if (directory !== undefined && !journey.name.startsWith("/") && !isAbsoluteUrl(journey.name)) {
    journey.name = directory + journey.name;
    // What follows the file's name was part of what the pattern has seen.
    trace(`add per-dir prefix: '${name}' -> '${journey.name}'`);
  }
  if (isRedirect(flags.status) || flags.proxy) {
    if (!isAbsoluteUrl(journey.name) && !/^unix:/i.test(substitution.source)) {
      journey.name = ownUrl(exchange) + (journey.name.startsWith("/") ? "" : "/") + journey.name;
    }
  } else journey.name = reduced(journey.name, exchange);
  return "replaced";
}

/**
 * Whether a question mark that the client has escaped would begin the query of `name`; behind one of the rule's own it is part of that. Where a
 * variable or a map comes first, any counts.
 */
function beginsQuery(
  { source }: Template,
  name: string,
  journey: Journey,
  quote: Quote | undefined,
): boolean {
  const [path] = /^[^?{]*(?=\?)/.exec(source) ?? [];
  return (path === undefined ? name : parseTemplate(path).expand(journey, quote)).includes("?");
}

function isRedirect(status: number | undefined): boolean {
  return status !== undefined && status >= 300 && status < 400;
}

/** Applies `rules` in turn, as their flags say. */
export function applyRules(rules: readonly Rule[], journey: Journey): Outcome {
  let changed = false;
  let status: number | undefined;
  let escape = true;
  let rounds = 0;
  let last: Rule | undefined;
  const outcome = (more: Partial<Outcome>): Outcome => ({
    changed,
    status,
    escape,
    refused: false,
    passThrough: false,
    proxy: false,
    end: false,
    last,
    ...more,
  });
  for (let at = 0; at < rules.length; at++) {
    const rule = rules[at];
    const { flags } = rule;
    const applied = applyRule(rule, journey);
    if (applied === "unsafe") return outcome({ status: 403, refused: true });
    if (applied === "no") {
      // What is chained to it is left out with it.
      while (rules[at].flags.chained && at + 1 < rules.length) at++;
      continue;
    }
    if (flags.status !== undefined && !isRedirect(flags.status)) {
      return outcome({ status: flags.status, refused: true, end: flags.end });
    }
    if (applied === "replaced") {
      changed = true;
      last = rule;
      escape = !flags.noEscape;
      if (isAbsoluteUrl(journey.name)) status = flags.status ?? DEFAULT_REDIRECT;
      if (flags.proxy) return outcome({ proxy: true, end: flags.end });
      if (flags.passThrough) return outcome({ passThrough: true, end: flags.end });
    }
    if (flags.last) return outcome({ end: flags.end });
    if (flags.next > 0) {
      if (++rounds > flags.next) {
        journey.trace(`too many rounds of flag N: ${flags.next}`);
        return outcome({ status: 500, refused: true });
      }
      at = -1;
    } else at += flags.skip;
  }
  return outcome({});
}
