// Which fields do requests and responses have, beside those that the server gives them? mod_headers: Header and RequestHeader.

import { type Context, type Directive, dirKey } from "../../server/config/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { compileRule, type FieldTable, type Rule } from "./rules.ts";

interface HeaderRules {
  request: readonly Rule[];
  /** Of responses that a handler made. */
  success: readonly Rule[];
  /** Of all responses: to fields of their own, which no rule of `success` touches. */
  always: readonly Rule[];
}

const NONE: readonly Rule[] = [];

const headerDir = dirKey<HeaderRules>("headers", {
  create: () => ({ request: NONE, success: NONE, always: NONE }),
  merge: (base, over) => ({
    request: [...base.request, ...over.request],
    success: [...base.success, ...over.success],
    always: [...base.always, ...over.always],
  }),
});

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

const directives: readonly Directive[] = [{
  name: "Header",
  contexts: EVERYWHERE,
  args: [2, 6],
  syntax:
    "Header [onsuccess|always] add|append|echo|edit|edit*|merge|set|setifempty|unset|note field [[expr=]value [replacement] [early|env=[!]variable|expr=expression]]",
  help: "Changes fields of responses",
  override: "FileInfo",
  differs: "In values, %t, %D, %l, %{NAME}e and %% are known.",
  apply(args, to) {
    const [condition] = args;
    const always = condition.toLowerCase() === "always";
    const words = always || condition.toLowerCase() === "onsuccess" ? args.slice(1) : args;
    const rules = to.dir.get(headerDir);
    const rule = compileRule(words, true);
    if (always) rules.always = [...rules.always, rule];
    else rules.success = [...rules.success, rule];
  },
}, {
  name: "RequestHeader",
  contexts: EVERYWHERE,
  args: [2, 5],
  syntax:
    "RequestHeader add|append|edit|edit*|merge|set|setifempty|unset field [[expr=]value [replacement] [early|env=[!]variable|expr=expression]]",
  help: "Changes fields of requests, for handlers and conditions",
  override: "FileInfo",
  apply(words, to) {
    const rules = to.dir.get(headerDir);
    rules.request = [...rules.request, compileRule(words, false)];
  },
}];

/** Fields that the connection and the engine have their own mind about. */
const ENGINE_FIELDS: ReadonlySet<string> = new Set([
  "content-length",
  "date",
  "keep-alive",
  "server",
  "transfer-encoding",
]);

/** Changes the fields of the request. */
function changeRequest(exchange: Exchange, rules: readonly Rule[]): void {
  exchange.dependsOn = "request";
  const table: FieldTable = { fields: [...exchange.head.entries()] };
  for (const rule of rules) rule.apply(table, exchange);
  exchange.detach();
  exchange.head = exchange.head.withFields(table.fields);
}

function run(rules: readonly Rule[], table: FieldTable, exchange: Exchange): void {
  for (const rule of rules) {
    if (rule.varies) exchange.dependsOn = "request";
    rule.apply(table, exchange);
  }
}

/** The reply with its fields changed. */
function changed(exchange: Exchange, reply: Reply, { success, always }: HeaderRules): Reply {
  // expressions may ask for what is about to be sent.
  exchange.reply = reply;
  const { failure, contentType } = reply;
  const ofHandler: FieldTable = { fields: failure === undefined ? [...reply.fields] : [], contentType };
  const ofAll: FieldTable = { fields: failure === undefined ? [] : [...reply.fields] };
  run(always, ofAll, exchange);
  if (failure === undefined) run(success, ofHandler, exchange);
  const fields = [...ofAll.fields, ...ofHandler.fields].filter(([name]) =>
    !ENGINE_FIELDS.has(name.toLowerCase())
  );
  const close = fields.some(([name, value]) =>
    name.toLowerCase() === "connection" && /\bclose\b/i.test(value)
  );
  return {
    ...reply,
    fields: close ? fields.filter(([name]) => name.toLowerCase() !== "connection") : fields,
    contentType: ofHandler.contentType,
    close: reply.close === true || close,
  };
}

function hooks(): ModuleHooks {
  let subjectOf: ThreadContext["subjectOf"];
  return {
    threadInit(context) {
      subjectOf = context.subjectOf;
    },
    postReadRequest(exchange) {
      const { request } = exchange.dir.get(headerDir);
      if (!request.some(({ early }) => early)) return;
      subjectOf(exchange);
      changeRequest(exchange, request.filter(({ early }) => early));
    },
    fixups(exchange) {
      const { request } = exchange.dir.get(headerDir);
      if (request.every(({ early }) => early)) return undefined;
      changeRequest(exchange, request.filter(({ early }) => !early));
      return undefined;
    },
    finishReply(exchange, reply) {
      const rules = exchange.dir.get(headerDir);
      if (rules.always.length === 0 && rules.success.length === 0) return reply;
      // TRACE shows what has arrived, and no more.
      if (exchange.method === "TRACE") return reply;
      subjectOf(exchange);
      return changed(exchange, reply, rules);
    },
  };
}

export const headers: ServerModule = {
  name: "headers_module",
  source: "mod_headers.c",
  directives,
  hooks,
};
