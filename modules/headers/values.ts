// What does the value of a Header directive stand for? A format with items such as %t and %{NAME}e, or an expression.

import { evaluateString, explained, parseString } from "../../server/config/expression/mod.ts";
import { ArgumentError } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { requestVariable } from "../../server/request/request_variables.ts";

/** The text of a value for one request. */
export type Value = (exchange: Exchange) => string;

/** A compiled value. */
export interface CompiledValue {
  readonly text: Value;
  /** Equal for all requests. */
  readonly constant: boolean;
}

const ITEMS: Readonly<Record<string, (name: string | undefined) => Value>> = {
  "%": () => () => "%",
  t: () => ({ startTime }) => `t=${Math.floor(startTime * 1000)}`,
  D: () => ({ startClock }) => `D=${Math.round((performance.now() - startClock) * 1000)}`,
  l: () => () => `l=${Deno.loadavg().map((load) => load.toFixed(2)).join("/")}`,
  e: (name) => {
    if (name === undefined) throw new ArgumentError("%e needs a name in braces");
    return (exchange) => requestVariable(exchange, name) ?? "(null)";
  },
};

/** @throws ArgumentError */
export function compileValue(text: string): CompiledValue {
  if (text.startsWith("expr=")) {
    const word = explained("Can't parse value expression", () => parseString(text.slice("expr=".length)));
    if (word.kind === "text") return { text: () => word.text, constant: true };
    return { text: (exchange) => evaluateString(word, exchange.subject), constant: false };
  }
  const parts: (string | Value)[] = [];
  let constant = true;
  let at = 0;
  for (const found of text.matchAll(/%(?:\{([^}]*)\})?(.?)/gs)) {
    const [whole, name, letter] = found;
    if (!Object.hasOwn(ITEMS, letter)) throw new ArgumentError(`Unrecognized header format ${whole}`);
    parts.push(text.slice(at, found.index), ITEMS[letter](name));
    constant &&= letter === "%";
    at = found.index + whole.length;
  }
  parts.push(text.slice(at));
  const value: Value = (exchange) =>
    parts.map((part) => typeof part === "string" ? part : part(exchange)).join("");
  return { text: value, constant };
}
