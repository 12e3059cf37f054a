// Which programs change answers, or bodies of requests, on their way? mod_ext_filter.

import type { Reply } from "../../server/http/engine/reply.ts";
import { NO_BODY } from "../../server/http/engine/reply.ts";
import { discardReply } from "../../server/http/engine/body_sender.ts";
import { Field } from "../../server/http/parser/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import {
  filterBody,
  filterRequestBody,
  type InputFilter,
  type OutputFilter,
} from "../../server/request/filters/mod.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { requestVariable } from "../../server/request/request_variables.ts";
import { type ExternalFilter, externalFilters, externalRows } from "./settings.ts";

type Runner = typeof import("./run.ts");

/** Whether content of this type passes through it for this request. */
function concerns(filter: ExternalFilter, exchange: Exchange, type: string | undefined): boolean {
  const { inType, enabledBy, disabledBy } = filter;
  if (enabledBy !== undefined && requestVariable(exchange, enabledBy) === undefined) return false;
  if (disabledBy !== undefined && requestVariable(exchange, disabledBy) !== undefined) return false;
  return inType === undefined || type?.split(";", 1)[0].trim().toLowerCase() === inType.toLowerCase();
}

function outputFilter(filter: ExternalFilter, context: ThreadContext, runner: Runner): OutputFilter {
  return {
    name: filter.name,
    type: filter.type,
    needsWhole: () => true,
    filter(exchange, reply): Reply | Promise<Reply> {
      if (!concerns(filter, exchange, reply.contentType)) return reply;
      const { body } = reply;
      const length = filter.keepsLength && "length" in body ? body.length : undefined;
      const filtered = { ...reply, contentType: filter.outType ?? reply.contentType };
      if (body.kind === "none" || exchange.method === "HEAD") {
        discardReply(reply);
        return { ...filtered, body: NO_BODY, declaredLength: length };
      }
      const program = runner.startFilter(filter, exchange, context);
      if (program === undefined) return reply;
      return filterBody(filtered, (pieces) => runner.through(program, exchange, pieces), { length });
    },
  };
}

function inputFilter(filter: ExternalFilter, context: ThreadContext, runner: Runner): InputFilter {
  return {
    name: filter.name,
    type: filter.type,
    filter(exchange, body) {
      if (!concerns(filter, exchange, exchange.head.field(Field.ContentType))) return body;
      const program = runner.startFilter(filter, exchange, context);
      if (program === undefined) return body;
      return filterRequestBody(body, (pieces) => runner.through(program, exchange, pieces));
    },
  };
}

function hooks(): ModuleHooks {
  const outputFilters: OutputFilter[] = [];
  const inputFilters: InputFilter[] = [];
  let runner: Runner | undefined;
  return {
    outputFilters,
    inputFilters,
    async threadInit(context) {
      const { filters } = context.config.main.store.get(externalFilters);
      if (filters.size === 0) return;
      runner = await import("./run.ts");
      for (const filter of filters.values()) {
        if (filter.mode === "output") outputFilters.push(outputFilter(filter, context, runner));
        else inputFilters.push(inputFilter(filter, context, runner));
      }
    },
    threadEnd: () => runner?.killPrograms(),
  };
}

export const extFilter: ServerModule = {
  name: "ext_filter_module",
  source: "mod_ext_filter.c",
  directives: externalRows,
  hooks,
};
