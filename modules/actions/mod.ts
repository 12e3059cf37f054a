// Which program answers for a type, a handler or a method? mod_actions: Action and Script lead to it by an internal redirect.

import { ArgumentError, type Directive, dirKey } from "../../server/config/mod.ts";
import { coreServer } from "../../server/core/config.ts";
import { escapedPath } from "../alias/rules.ts";
import { KNOWN_METHODS } from "../../server/http/parser/mod.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import {
  InternalRedirect,
  type ModuleHooks,
  type ServerModule,
  type ThreadContext,
} from "../../server/request/module.ts";

interface Action {
  /** A path of URLs. */
  readonly script: string;
  /** Also where there is no file. */
  readonly virtual: boolean;
}

interface Actions {
  /** By type or handler, in lower case. */
  byType: ReadonlyMap<string, Action>;
  /** By method, HEAD with GET. */
  byMethod: ReadonlyMap<string, string>;
}

const actionDir = dirKey<Actions>("actions", {
  create: () => ({ byType: new Map(), byMethod: new Map() }),
  merge: (base, over) => ({
    byType: new Map([...base.byType, ...over.byType]),
    byMethod: new Map([...base.byMethod, ...over.byMethod]),
  }),
});

const directives: readonly Directive[] = [{
  name: "Action",
  contexts: ["server config", "virtual host", "directory", ".htaccess"],
  args: [2, 3],
  syntax: "Action action-type cgi-script [virtual]",
  help: "The program for files of a type, or for a handler",
  override: "FileInfo",
  apply([type, script, option], to) {
    if (option !== undefined && option.toLowerCase() !== "virtual") {
      throw new ArgumentError(`unrecognized option '${option}'`);
    }
    const actions = to.dir.get(actionDir);
    const action = { script, virtual: option !== undefined };
    actions.byType = new Map([...actions.byType, [type.toLowerCase(), action]]);
  },
}, {
  name: "Script",
  contexts: ["server config", "virtual host", "directory"],
  args: 2,
  syntax: "Script method cgi-script",
  help: "The program for a method; for GET where there is a query",
  apply([method, script], to) {
    if (method === "TRACE") throw new ArgumentError("TRACE not allowed for Script");
    if (!KNOWN_METHODS.has(method)) {
      const core = to.server.get(coreServer);
      core.registeredMethods = new Set([...core.registeredMethods ?? [], method]);
    }
    const actions = to.dir.get(actionDir);
    actions.byMethod = new Map([...actions.byMethod, [methodOf(method), script]]);
  },
}];

/** HEAD goes with GET. */
function methodOf(method: string): string {
  return method === "HEAD" ? "GET" : method;
}

/** The program for the method; none for what it has led to itself. */
function scriptOf({ byMethod }: Actions, { method, query, redirected }: Exchange): string | undefined {
  if (byMethod.size === 0 || (redirected?.depth ?? 0) >= 2) return undefined;
  const kind = methodOf(method);
  return kind === "GET" && query === "" ? undefined : byMethod.get(kind);
}

function hooks(): ModuleHooks {
  let log: ThreadContext["log"];
  let possible = false;
  return {
    threadInit(context) {
      const { config } = context;
      log = context.log;
      possible = [config.main, ...config.hosts].some(({ resolver }) => resolver.readsOverrides) ||
        config.allDirStores().some((store) => {
          const { byType, byMethod } = store.get(actionDir);
          return byType.size + byMethod.size > 0;
        });
    },
    readsBody: () => possible,
    handler(exchange) {
      const actions = exchange.dir.get(actionDir);
      if (actions.byType.size + actions.byMethod.size === 0) return undefined;
      const { handler, contentType, file, filename, path, query } = exchange;
      let script = scriptOf(actions, exchange);
      const type = handler ?? contentType?.split(";", 1)[0].trim();
      const action = type === undefined ? undefined : actions.byType.get(type.toLowerCase());
      if (action !== undefined) {
        if (!action.virtual && file === undefined) {
          log("info", "AH00652", `File does not exist: ${filename}`, exchange);
          return errorReply(404);
        }
        script = action.script;
        (exchange.environment ??= new Map()).set("HANDLER", type!);
      }
      if (script === undefined) return undefined;
      return new InternalRedirect(`${script}${escapedPath(path)}${query === "" ? "" : `?${query}`}`);
    },
  };
}

export const actions: ServerModule = {
  name: "actions_module",
  source: "mod_actions.c",
  directives,
  hooks,
};
