// Which filter does an answer get because of what it is? mod_filter: a declared filter looks at the head of each answer, and hands it to
// the first of its providers that suits.

import { evaluateCondition } from "../../server/config/expression/mod.ts";
import { ConfigError, type DirStore } from "../../server/config/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import { modules } from "../../server/modules.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { OutputFilter } from "../../server/request/filters/mod.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { requestVariable } from "../../server/request/request_variables.ts";
import { merged, withField, without } from "../../server/http/content/mod.ts";
import { type Declared, filterDir, filterDirectives, type Protocol, type Provider } from "./settings.ts";

function hooks(): ModuleHooks {
  let context: ThreadContext;
  /** Per place, for as long as its values are in use. */
  const chains = new WeakMap<DirStore, readonly OutputFilter[]>();

  function chainOf({ dir }: Exchange, exchange: Exchange): readonly OutputFilter[] {
    const { chain, filters, trace } = dir.get(filterDir);
    return chain.flatMap((name) => {
      const declared = filters.get(name.toLowerCase());
      if (declared !== undefined) {
        return [harness(name, declared, context, trace.get(name.toLowerCase()) ?? 0)];
      }
      context.log("error", "AH01378", `Unknown filter ${name} not added`, exchange);
      return [];
    });
  }

  return {
    threadInit(given) {
      context = given;
    },
    insertFilter(exchange) {
      const { dir } = exchange;
      if (dir.get(filterDir).chain.length === 0) return undefined;
      const known = chains.get(dir);
      if (known !== undefined) return known;
      const made = chainOf(exchange, exchange);
      chains.set(dir, made);
      return made;
    },
  };
}

/** The filter that stands in the chain for a declared one. */
function harness(name: string, declared: Declared, context: ThreadContext, trace: number): OutputFilter {
  const providers = declared.providers.flatMap((provider) => {
    const filter = context.outputFilter(provider.name);
    return filter === undefined ? [] : [{ provider, filter }];
  });
  return {
    name,
    type: declared.type,
    // What an expression says of a request it need not say of the next.
    keepable: providers.every(({ provider, filter }) =>
      "types" in provider.suits && filter.keepable === true
    ),
    needsWhole: (exchange) =>
      providers.some(({ provider, filter }) =>
        filter.needsWhole?.(exchange) === true &&
        (!("types" in provider.suits) || isOf(provider.suits.types, exchange.contentType))
      ),
    filter(exchange, reply) {
      const whole = reply.status === 200 || reply.status === 206;
      if (!whole && requestVariable(exchange, "filter-errordocs") === undefined) return reply;
      for (const { provider, filter } of providers) {
        if (!suits(provider, exchange, reply, context)) continue;
        if (trace > 0) context.log("debug", "AH01375", `${name}: the provider is ${provider.name}`, exchange);
        const protocol = provider.protocol ?? declared.protocol;
        if (protocol === undefined) return filter.filter(exchange, reply);
        if (protocol.transforms && forbidsTransforming(reply)) return reply;
        return filter.filter(exchange, told(reply, protocol));
      }
      if (trace > 0) context.log("debug", "AH01376", `${name}: no provider suits`, exchange);
      return reply;
    },
  };
}

function suits(
  { suits }: Provider,
  exchange: Exchange,
  { contentType }: Reply,
  { subjectOf }: ThreadContext,
): boolean {
  if ("types" in suits) return isOf(suits.types, contentType);
  return evaluateCondition(suits.condition, subjectOf(exchange));
}

/** True when a media type, without its parameters, is one of `types`. */
function isOf(types: readonly string[], contentType: string | undefined): boolean {
  return contentType !== undefined && types.includes(contentType.split(/[; \t]/, 1)[0]);
}

function forbidsTransforming({ fields }: Reply): boolean {
  return fields.some(([name, value]) =>
    name.toLowerCase() === "cache-control" && /\bno-transform\b/i.test(value)
  );
}

/** What the head says of it (FilterProtocol). */
function told(reply: Reply, { changes, noRanges, noCache }: Protocol): Reply {
  let { fields } = reply;
  if (changes) fields = without(without(fields, "etag"), "content-md5");
  if (noRanges) fields = withField(fields, "Accept-Ranges", "none");
  if (noCache) fields = merged(fields, "Cache-Control", "no-cache");
  return { ...reply, fields };
}

export const filter: ServerModule = {
  name: "filter_module",
  source: "mod_filter.c",
  directives: filterDirectives,
  checkConfig(config) {
    const known = new Set(
      modules().flatMap((module) =>
        module.hooks?.(config).outputFilters?.map(({ name }) => name.toLowerCase()) ?? []
      ),
    );
    for (const store of config.allDirStores()) {
      for (const { providers } of store.get(filterDir).filters.values()) {
        const unknown = providers.find(({ name }) => !known.has(name.toLowerCase()));
        if (unknown === undefined) continue;
        throw new ConfigError(unknown.where, `Unknown filter provider ${unknown.name}`, "FilterProvider");
      }
    }
  },
  hooks,
};
