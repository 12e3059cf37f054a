// How is this server put together, and what does its configuration say? mod_info: SetHandler server-info.

import { type Directive, type ServerConfig, serverKey } from "../../server/config/mod.ts";
import { usesHandler } from "../../server/core/uses_handler.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";

const HANDLER = "server-info";

/** What AddModuleInfo says of modules, by their source names, as HTML. */
export const moduleInfo = serverKey<{ texts: readonly (readonly [module: string, html: string])[] }>("info", {
  create: () => ({ texts: [] }),
  merge: (base, over) => ({ texts: [...over.texts, ...base.texts] }),
});

const directives: readonly Directive[] = [{
  name: "AddModuleInfo",
  contexts: ["server config", "virtual host"],
  args: 2,
  syntax: "AddModuleInfo module-name string",
  help: "What server-info says of a module (mod_name.c) beside what it finds itself, as HTML",
  apply([module, html], to) {
    const info = to.server.get(moduleInfo);
    info.texts = [...info.texts, [module, html]];
  },
}];

function mayBeAsked(config: ServerConfig): boolean {
  return usesHandler(config, HANDLER) ||
    [config.main, ...config.hosts].some(({ resolver }) => resolver.readsOverrides);
}

function hooks(config: ServerConfig): ModuleHooks {
  if (!mayBeAsked(config)) return {};
  let context: ThreadContext;
  let loaded: typeof import("./page.ts") | undefined;
  return {
    threadInit(given) {
      context = given;
    },
    handler(exchange) {
      const { handler, method } = exchange;
      if (handler !== HANDLER || (method !== "GET" && method !== "HEAD")) return undefined;
      if (loaded !== undefined) return loaded.answer(exchange, context);
      return import("./page.ts").then((module) => {
        loaded = module;
        return module.answer(exchange, context);
      });
    },
  };
}

export const info: ServerModule = {
  name: "info_module",
  source: "mod_info.c",
  directives,
  hooks,
};
