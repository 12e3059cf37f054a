// How are programs run that answer requests? mod_cgi and mod_cgid: SetHandler cgi-script, ScriptAlias. A server thread starts each one itself,
// whatever the MPM.

import { type ServerConfig } from "../../server/config/mod.ts";
import { coreDir } from "../../server/core/config.ts";
import { isOpen } from "../../platform/posix.ts";
import { loadProgramLimits } from "../../platform/program_limits.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { hasScriptAlias } from "../alias/mod.ts";
import { mimeDir } from "../mime/settings.ts";
import { givesHandlers } from "../rewrite/mod.ts";
import { hasVirtualScripts } from "../vhost_alias/mod.ts";
import { cgidRows, cgiRows } from "./settings.ts";

const HANDLER = "cgi-script";
/** The type that scripts had before there were handlers. */
const TYPE = "application/x-httpd-cgi";

function isScript({ handler, contentType }: Exchange): boolean {
  return handler === HANDLER || handler === TYPE || (handler === undefined && contentType === TYPE);
}

/** Whether there may be scripts; what .htaccess files say is not known ahead. */
function mayHaveScripts(config: ServerConfig): boolean {
  if ([config.main, ...config.hosts].some(({ resolver }) => resolver.readsOverrides)) return true;
  if (hasScriptAlias(config) || hasVirtualScripts(config) || givesHandlers(config)) return true;
  return [...config.allDirStores()].some((store) => {
    const { handler, forceType } = store.get(coreDir);
    const facts = [...store.get(mimeDir).extensions.values()];
    return [handler, forceType].some((each) => each === HANDLER || each === TYPE) ||
      facts.some((each) => each.handler === HANDLER || each.type === TYPE);
  });
}

function hooks(): ModuleHooks {
  let context: ThreadContext;
  let possible = false;
  let loaded: typeof import("./answer.ts") | undefined;
  return {
    loadLibraries() {
      if (isOpen()) loadProgramLimits();
    },
    threadInit(given) {
      context = given;
      possible = mayHaveScripts(given.config);
    },
    readsBody: () => possible,
    handler(exchange) {
      if (!isScript(exchange)) return undefined;
      if (loaded !== undefined) return loaded.answer(exchange, context);
      return import("./answer.ts").then((module) => {
        loaded = module;
        return module.answer(exchange, context);
      });
    },
    threadEnd: () => loaded?.killPrograms(),
  };
}

export const cgi: ServerModule = {
  name: "cgi_module",
  source: "mod_cgi.c",
  directives: cgiRows,
  hooks,
};

export const cgid: ServerModule = {
  name: "cgid_module",
  source: "mod_cgid.c",
  directives: cgidRows,
};
