// What can `Require` ask without further modules? Everybody or nobody, the method, a variable, an expression.

import { ArgumentError } from "../../server/config/mod.ts";
import { evaluateCondition, explained, parseCondition } from "../../server/config/expression/mod.ts";
import { type AuthzProvider, NO_USER } from "./requirement.ts";

/** The providers of mod_authz_core. */
export const coreProviders: readonly AuthzProvider[] = [{
  name: "all",
  parse([word = "", ...more]) {
    const lower = word.toLowerCase();
    if (more.length > 0 || (lower !== "granted" && lower !== "denied")) {
      throw new ArgumentError("Argument for 'Require all' must be 'granted' or 'denied'");
    }
    return { constant: true, test: () => lower === "granted" };
  },
}, {
  name: "method",
  parse(methods) {
    if (methods.length === 0) throw new ArgumentError("'Require method' needs at least one method");
    if (methods.includes("TRACE")) {
      throw new ArgumentError("TRACE cannot be controlled by Require, see TraceEnable");
    }
    const known = new Set(methods.map((method) => method === "HEAD" ? "GET" : method));
    return {
      constant: true,
      test: ({ head: { method } }) => known.has(method === "HEAD" ? "GET" : method),
    };
  },
}, {
  name: "env",
  parse(names) {
    if (names.length === 0) throw new ArgumentError("'Require env' needs at least one variable");
    return { constant: false, test: ({ environment }) => names.some((name) => environment?.has(name)) };
  },
}, {
  name: "expr",
  parse(args, rest) {
    // The whole expression may stand in quotes.
    const text = args.length === 1 ? args[0] : rest;
    const condition = explained("Cannot parse expression in require line", () => parseCondition(text));
    // What asks for the user may hold for another one, who can still come.
    const refused = /\bREMOTE_USER\b/i.test(text) ? NO_USER : false;
    return {
      constant: false,
      test: (exchange) => evaluateCondition(condition, exchange.subject) || refused,
    };
  },
}];
