// Which variables does a request get by what it is like? One rule of SetEnvIf and its kin: what it looks at, and what it sets.

import {
  type Condition,
  evaluateCondition,
  explained,
  parseCondition,
} from "../../server/config/expression/mod.ts";
import { ArgumentError, compileRegex } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ExpressionSubject } from "../../server/config/expression/mod.ts";
import { substituted } from "../../server/request/pattern_text.ts";

/** A variable and its value, in which $1 stands for a group; undefined: taken away. */
type Assignment = readonly [name: string, value: string | undefined];

/** One rule. */
export interface Rule {
  /** Sets its variables if it holds. Returns whether it did. */
  apply(exchange: Exchange, subjectOf: (exchange: Exchange) => ExpressionSubject): boolean;
}

/** Attributes that are no fields. */
const SPECIAL: Readonly<Record<string, (exchange: Exchange) => string>> = {
  remote_addr: ({ client }) => client.address,
  remote_host: ({ client }) => client.address,
  server_addr: ({ transport }) => transport.local.address,
  request_method: ({ method }) => method,
  request_protocol: ({ head }) => `HTTP/${head.major}.${head.minor}`,
  request_uri: ({ path }) => path,
};

/** What the text that a rule matches comes from. */
function attribute(name: string): (exchange: Exchange, regex: RegExp) => string {
  const lower = name.toLowerCase();
  if (Object.hasOwn(SPECIAL, lower)) return SPECIAL[lower];
  if (/^[\w.-]*$/.test(name)) {
    return ({ head, environment }) => head.get(lower) ?? environment?.get(name) ?? "";
  }
  // A pattern of names: the first field with such a name whose value matches.
  const names = compileRegex(name, "i");
  return ({ head }, regex) => {
    for (const [field, value] of head.entries()) {
      if (names.test(field) && regex.test(value)) return value;
    }
    return "";
  };
}

function assignments(words: readonly string[]): Assignment[] {
  return words.map((word): Assignment => {
    const [, negated, name, value] = /^(!?)([^=]*)(?:=(.*))?$/s.exec(word)!;
    if (name === "") throw new ArgumentError(`Missing variable name in "${word}"`);
    if (negated !== "" || value?.startsWith("!")) return [name, undefined];
    return [name, value ?? "1"];
  });
}

function set(exchange: Exchange, assigned: readonly Assignment[], found: RegExpExecArray | undefined): void {
  for (const [name, value] of assigned) {
    if (value === undefined) exchange.environment?.delete(name);
    else {(exchange.environment ??= new Map()).set(
        name,
        found === undefined ? value : substituted(value, found),
      );}
  }
}

/** `attribute regex [!]variable[=value] ...`. @throws ArgumentError */
export function regexRule(name: string, source: string, words: readonly string[], caseBlind: boolean): Rule {
  const regex = compileRegex(source, caseBlind ? "i" : "");
  const textOf = attribute(name);
  const assigned = assignments(words);
  return {
    apply(exchange) {
      const found = regex.exec(textOf(exchange, regex));
      if (found === null) return false;
      set(exchange, assigned, found);
      return true;
    },
  };
}

/** `expr [!]variable[=value] ...`. @throws ArgumentError */
export function expressionRule(text: string, words: readonly string[]): Rule {
  const condition: Condition = explained("Cannot parse expression", () => parseCondition(text));
  const assigned = assignments(words);
  return {
    apply(exchange, subjectOf) {
      if (!evaluateCondition(condition, subjectOf(exchange))) return false;
      set(exchange, assigned, undefined);
      return true;
    },
  };
}
