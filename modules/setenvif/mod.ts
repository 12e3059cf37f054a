// Which variables does a request get by what it is like? mod_setenvif: SetEnvIf, BrowserMatch and their kin.

import { type Context, type Directive, dirKey, serverKey, type Target } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { expressionRule, regexRule, type Rule } from "./rules.ts";

interface Rules {
  rules: readonly Rule[];
}

const merge = (base: Rules, over: Rules): Rules => ({ rules: [...base.rules, ...over.rules] });
/** Asked when a request has been read, before anything is known of its place. */
const hostRules = serverKey<Rules>("setenvif", { create: () => ({ rules: [] }), merge });
/** Asked when the place is known. */
const placeRules = dirKey<Rules>("setenvif", { create: () => ({ rules: [] }), merge });

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

function add(to: Target, rule: Rule): void {
  const ofHost = to.context === "server config" || to.context === "virtual host";
  const values = ofHost ? to.server.get(hostRules) : to.dir.get(placeRules);
  values.rules = [...values.rules, rule];
}

function row(name: string, attribute: string | undefined, caseBlind: boolean, help: string): Directive {
  const fixed = attribute === undefined ? 0 : 1;
  return {
    name,
    contexts: EVERYWHERE,
    args: [3 - fixed, Infinity],
    syntax: `${name} ${fixed === 0 ? "attribute " : ""}regex [!]variable[=value] [[!]variable[=value]] ...`,
    help,
    override: "FileInfo",
    apply(args, to) {
      const [name, regex, ...words] = attribute === undefined ? args : [attribute, ...args];
      add(to, regexRule(name, regex, words, caseBlind));
    },
  };
}

const directives: readonly Directive[] = [
  row("SetEnvIf", undefined, false, "Sets variables by a field or another attribute of the request"),
  row("SetEnvIfNoCase", undefined, true, "As SetEnvIf, whatever the case of letters"),
  row("BrowserMatch", "User-Agent", false, "Sets variables by the name of the client's program"),
  row("BrowserMatchNoCase", "User-Agent", true, "As BrowserMatch, whatever the case of letters"),
  {
    name: "SetEnvIfExpr",
    contexts: EVERYWHERE,
    args: [2, Infinity],
    syntax: "SetEnvIfExpr expr [!]variable[=value] [[!]variable[=value]] ...",
    help: "Sets variables by an expression",
    override: "FileInfo",
    apply: ([text, ...words], to) => add(to, expressionRule(text, words)),
  },
];

function hooks(): ModuleHooks {
  let subjectOf: ThreadContext["subjectOf"];
  function apply(exchange: Exchange, rules: readonly Rule[]): void {
    for (const rule of rules) if (rule.apply(exchange, subjectOf)) exchange.dependsOn = "request";
  }
  return {
    threadInit(context) {
      subjectOf = context.subjectOf;
    },
    postReadRequest(exchange) {
      const { rules } = exchange.vhost.store.get(hostRules);
      if (rules.length > 0) apply(exchange, rules);
    },
    accessChecker(exchange) {
      const { rules } = exchange.dir.get(placeRules);
      if (rules.length === 0) return undefined;
      // Of another client they may not hold.
      exchange.dependsOn = "request";
      apply(exchange, rules);
      return undefined;
    },
  };
}

export const setEnvIf: ServerModule = {
  name: "setenvif_module",
  source: "mod_setenvif.c",
  directives,
  hooks,
};
