// What happens to a request? mod_log_debug: messages of the configuration in the error log, at the phases that it names.

import {
  evaluateCondition,
  evaluateString,
  explained,
  parseCondition,
  parseString,
} from "../../server/config/expression/mod.ts";
import {
  ArgumentError,
  type Directive,
  dirKey,
  type DirStore,
  type ServerConfig,
  type Where,
} from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";

const HOOKS = [
  "log_transaction",
  "quick_handler",
  "handler",
  "translate_name",
  "map_to_storage",
  "fixups",
  "type_checker",
  "check_access",
  "check_access_ex",
  "check_authn",
  "check_authz",
  "insert_filter",
  "pre_translate_name",
] as const;
type Hook = typeof HOOKS[number];

interface Entry {
  readonly message: ReturnType<typeof parseString>;
  readonly condition: ReturnType<typeof parseCondition> | undefined;
  readonly hook: Hook | "all";
  readonly where: Where;
}

const messagesDir = dirKey<{ entries: readonly Entry[] }>("log_debug", {
  create: () => ({ entries: [] }),
  merge: (base, over) => ({ entries: [...base.entries, ...over.entries] }),
});

/** @throws ArgumentError */
function hookOf(name: string): Hook | "all" {
  if (/^(?:\*|all)$/i.test(name)) return "all";
  const found = HOOKS.find((known) => known === name.toLowerCase());
  if (found === undefined) throw new ArgumentError(`Invalid hook name: ${name}`);
  return found;
}

const directives: readonly Directive[] = [{
  name: "LogMessage",
  contexts: ["server config", "virtual host", "directory"],
  args: [1, 3],
  syntax: "LogMessage message [hook=hook] [expr=expression]",
  help: "Writes a message to the error log when a request passes a phase, by default when it is logged",
  differs: "At map_to_storage the sections for directories hold already.",
  apply([text, ...options], to, where) {
    const message = explained(`Could not parse message expression '${text}'`, () => parseString(text));
    let hook: Hook | "all" = "log_transaction";
    let condition: Entry["condition"];
    for (const option of options) {
      const [, name, value] = /^(hook|expr)=(.*)$/is.exec(option) ?? [];
      if (name === undefined) throw new ArgumentError(`Invalid argument ${option}`);
      if (name.toLowerCase() === "hook") hook = hookOf(value);
      else condition = explained(`Could not parse expression '${value}'`, () => parseCondition(value));
    }
    const messages = to.dir.get(messagesDir);
    messages.entries = [...messages.entries, { message, condition, hook, where }];
  },
}];

/** What is read for a message changes nothing of the answer: caches need not know of it. */
function unvaried<T>(exchange: Exchange, read: () => T): T {
  const { varyOn } = exchange;
  exchange.varyOn = new Set(varyOn);
  try {
    return read();
  } finally {
    exchange.varyOn = varyOn;
  }
}

function hooks(config: ServerConfig): ModuleHooks {
  if (!config.allDirStores().some((store) => store.get(messagesDir).entries.length > 0)) return {};
  let context: ThreadContext;

  function write({ message, where }: Entry, hook: Hook, exchange: Exchange): void {
    const text = evaluateString(message, context.subjectOf(exchange));
    const place = context.wouldLog("debug", exchange) ? ` (${hook} hook, ${where.file}:${where.line})` : "";
    context.log("info", undefined, text + place, exchange);
  }

  function pass(hook: Hook, exchange: Exchange, dir: DirStore = exchange.dir): undefined {
    const { entries } = dir.get(messagesDir);
    if (entries.length === 0) return;
    // The next one for the same target is to pass the phases too.
    if (entries.some((entry) => entry.hook !== "log_transaction")) exchange.dependsOn = "request";
    for (const entry of entries) {
      if (entry.hook !== "all" && entry.hook !== hook) continue;
      unvaried(exchange, () => {
        const { condition } = entry;
        if (condition !== undefined && !evaluateCondition(condition, context.subjectOf(exchange))) return;
        write(entry, hook, exchange);
      });
    }
  }

  return {
    threadInit(given) {
      context = given;
    },
    translateName(exchange) {
      // Here the place is known, which httpd does not look at for the first of them.
      if (exchange.main === undefined) pass("quick_handler", exchange, exchange.vhost.dirDefaults);
      pass("pre_translate_name", exchange);
      pass("translate_name", exchange);
      return false;
    },
    mapToStorage: (exchange) => pass("map_to_storage", exchange),
    accessChecker(exchange) {
      pass("check_access", exchange);
      return pass("check_access_ex", exchange);
    },
    userChecker: (exchange) => pass("check_authn", exchange),
    // Without a user it is the access that is checked.
    authChecker: (exchange) => exchange.user === undefined ? undefined : pass("check_authz", exchange),
    typeChecker: (exchange) => pass("type_checker", exchange),
    fixups: (exchange) => pass("fixups", exchange),
    insertFilter: (exchange) => pass("insert_filter", exchange),
    handler: (exchange) => pass("handler", exchange),
    logTransaction: (exchange) => pass("log_transaction", exchange),
  };
}

export const logDebug: ServerModule = {
  name: "log_debug_module",
  source: "mod_log_debug.c",
  directives,
  hooks,
};
