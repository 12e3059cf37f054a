// What is sent as it is, its head included? mod_asis: SetHandler send-as-is.

import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";

/** The type by which such files were known before there were handlers; it is a name of the handler too. */
const TYPE = "httpd/send-as-is";

function isSentAsIs({ handler, contentType, method }: Exchange): boolean {
  if (method !== "GET" && method !== "HEAD") return false;
  return handler === undefined ? contentType === TYPE : handler === "send-as-is" || handler === TYPE;
}

function hooks(): ModuleHooks {
  let context: ThreadContext;
  let loaded: typeof import("./answer.ts") | undefined;
  return {
    threadInit(given) {
      context = given;
    },
    handler(exchange) {
      if (!isSentAsIs(exchange)) return undefined;
      if (loaded !== undefined) return loaded.answer(exchange, context);
      return import("./answer.ts").then((module) => {
        loaded = module;
        return module.answer(exchange, context);
      });
    },
  };
}

export const asis: ServerModule = {
  name: "asis_module",
  source: "mod_asis.c",
  directives: [],
  hooks,
};
