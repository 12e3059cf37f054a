// How does an application answer requests? mod_app: a module with `export default { fetch }`, loaded once by every server
// thread, in the places that the Application directive names.

import { resolve, toFileUrl } from "@std/path";
import {
  ArgumentError,
  ConfigError,
  type Directive,
  dirKey,
  type ServerConfig,
  type Where,
} from "../../server/config/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import type { Application, FetchInfo } from "./application.ts";
import { checkPermissions, denoPermissions, threadPermissions } from "./permissions.ts";
import { requestOf, RequestOverError } from "./lazy_request.ts";
import { useOwnResponse } from "./response.ts";
import { replyOf } from "./response_reply.ts";
import { serveWebSockets, upgradeReply } from "./web_socket_upgrade.ts";

export { keepsFfi } from "./permissions.ts";

/** Specifiers of applications that a configuration names, in order; the threads load each of them once. */
const appDir = dirKey<{ specifier: string | undefined; where?: Where }>("app", {
  create: () => ({ specifier: undefined }),
  merge: (base, over) => over.specifier === undefined ? base : over,
});

/** A module that is no application. */
export class ApplicationError extends Error {
  override readonly name = "ApplicationError";
}

const directives: readonly Directive[] = [{
  name: "Application",
  contexts: ["server config", "virtual host", "directory"],
  args: 1,
  syntax: "Application module|None",
  help: "The module whose default export's fetch() answers requests here",
  apply([specifier], to, where) {
    if (specifier === "") throw new ArgumentError("Application must name a module");
    const named = to.dir.get(appDir);
    named.specifier = specifier.toLowerCase() === "none" ? "" : specifier;
    named.where = where;
  },
}, denoPermissions];

/** The URL of an application: a URL as it is, anything else a file below ServerRoot. */
function applicationUrl(specifier: string, serverRoot: string): string {
  return /^(?:file|https?|data|jsr|npm):/.test(specifier)
    ? specifier
    : toFileUrl(resolve(serverRoot, specifier)).href;
}

async function load(specifier: string, serverRoot: string): Promise<Application> {
  const url = applicationUrl(specifier, serverRoot);
  const { default: application } = await import(url) as { default?: Partial<Application> };
  if (typeof application?.fetch !== "function") {
    throw new ApplicationError(`${url} has no "export default { fetch }"`);
  }
  return application as Application;
}

/** Request() takes them in any case of letters. */
const BODILESS = /^(?:get|head)$/i;

function hooks(): ModuleHooks {
  const applications = new Map<string, Application>();
  const applicationOf = (exchange: Exchange) => {
    const { specifier } = exchange.dir.get(appDir);
    // TRACE is the core's: it asks what arrives at the server.
    return specifier && exchange.method !== "TRACE" ? applications.get(specifier) : undefined;
  };
  return {
    async threadInit({ config, serverRoot }: ThreadContext) {
      const wanted = specifiers(config);
      if (wanted.size > 0) {
        useOwnResponse();
        serveWebSockets();
        // What applications log through LogTape belongs to the error log.
        await import("../../server/log/mod.ts");
      }
      for (const specifier of wanted.keys()) {
        applications.set(specifier, await load(specifier, serverRoot));
      }
    },
    skipsFiles: (exchange) => applicationOf(exchange) !== undefined,
    // A Request with one of these methods has no body: the engine reads what came nevertheless.
    readsBody: (exchange) => !BODILESS.test(exchange.method) && applicationOf(exchange) !== undefined,
    handler(exchange) {
      const application = applicationOf(exchange);
      return application === undefined ? undefined : answer(application, exchange);
    },
  };
}

class Info implements FetchInfo {
  readonly #exchange: Exchange;
  #remoteAddr: FetchInfo["remoteAddr"] | undefined = undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get remoteAddr(): FetchInfo["remoteAddr"] {
    if (this.#remoteAddr === undefined) {
      if (this.#exchange.over) throw new RequestOverError("client's address");
      const { address, port } = this.#exchange.transport.peer;
      this.#remoteAddr = { transport: "tcp", hostname: address, port };
    }
    return this.#remoteAddr;
  }

  get completed(): Promise<void> {
    if (!this.#exchange.over) {
      // Whoever waits for the end may want to say then who asked for what.
      this.#exchange.detach();
      this.#remoteAddr = this.remoteAddr;
    }
    return this.#exchange.completed;
  }
}

function answer(application: Application, exchange: Exchange): Reply | Promise<Reply> {
  const headOnly = exchange.method === "HEAD";
  const response = application.fetch(requestOf(exchange), new Info(exchange));
  const reply = (made: Response) => upgradeReply(made, exchange) ?? replyOf(made, headOnly);
  return response instanceof Promise ? response.then(reply) : reply(response);
}

/** All applications that some place of a configuration names, each with the first line that does. */
function specifiers(config: ServerConfig): Map<string, Where | undefined> {
  const found = new Map<string, Where | undefined>();
  for (const store of config.allDirStores()) {
    const { specifier, where } = store.get(appDir);
    if (specifier && !found.has(specifier)) found.set(specifier, where);
  }
  return found;
}

/** The URLs of all applications of a configuration. */
export function applicationUrls(config: ServerConfig, serverRoot: string): string[] {
  return [...specifiers(config).keys()].map((specifier) => applicationUrl(specifier, serverRoot));
}

/** The permissions with which a server thread starts; undefined: all. @throws ArgumentError when they are none */
export function startPermissions(
  config: ServerConfig,
  serverRoot: string,
): Deno.PermissionOptionsObject | undefined {
  const urls = applicationUrls(config, serverRoot).map((url) => new URL(url));
  const permissions = threadPermissions(config, urls);
  if (permissions !== undefined) checkPermissions(permissions);
  return permissions;
}

/** Modules of this machine have to be there; what is on others, or wrong within, shows when a thread loads them. */
function checkConfig(config: ServerConfig, serverRoot: string): void {
  for (const [specifier, where] of specifiers(config)) {
    const url = applicationUrl(specifier, serverRoot);
    if (where === undefined || !url.startsWith("file:")) continue;
    try {
      if (Deno.statSync(new URL(url)).isFile) continue;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new ConfigError(where, `Application ${specifier}: ${error.message}`, "Application");
    }
    throw new ConfigError(where, `Application ${specifier} is not a file`, "Application");
  }
}

export const app: ServerModule = {
  name: "app_module",
  source: "mod_app.c",
  directives,
  checkConfig,
  hooks,
  usesEventLoop: (config) => specifiers(config).size > 0,
};
