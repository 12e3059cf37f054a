// How does an application answer requests? mod_app: a program, loaded once by every server thread, in the places that the
// Application directive names.

import { resolve, toFileUrl } from "@std/path";
import {
  ArgumentError,
  ConfigError,
  type Directive,
  dirKey,
  type ServerConfig,
  type Where,
} from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { denoPermissions } from "../../server/core/permissions.ts";
import { Capture } from "./program/capture.ts";
import { captureListening } from "./program/listening.ts";
import type { Program } from "./program/load.ts";
import { useOwnResponse } from "./own_response.ts";
import { serveWebSockets } from "./web_socket_upgrade.ts";

/** Specifiers of applications that a configuration names, in order; the threads load each of them once. */
const appDir = dirKey<{ specifier: string | undefined; where?: Where }>("app", {
  create: () => ({ specifier: undefined }),
  merge: (base, over) => over.specifier === undefined ? base : over,
});

const directives: readonly Directive[] = [{
  name: "Application",
  contexts: ["server config", "virtual host", "directory"],
  args: 1,
  syntax: "Application module|None",
  help:
    "The program that answers requests here: it exports a handler, or calls Deno.serve() or listen() of node:http",
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

/** Request() takes them in any case of letters. */
const BODILESS = /^(?:get|head)$/i;

function hooks(): ModuleHooks {
  const programs = new Map<string, Program>();
  let endCron = () => {};
  const programOf = (exchange: Exchange) => {
    const { specifier } = exchange.dir.get(appDir);
    // TRACE is the core's: it asks what arrives at the server.
    return specifier && exchange.method !== "TRACE" ? programs.get(specifier) : undefined;
  };
  return {
    async threadInit(thread: ThreadContext) {
      const { config, serverRoot, listen, args, inspect, log } = thread;
      const wanted = specifiers(config);
      if (wanted.size === 0) return;
      useOwnResponse();
      serveWebSockets();
      // What applications log through LogTape belongs to the error log.
      await import("../../server/log/mod.ts");
      // What it takes of Node is 3 MB that a thread without an application has no use for.
      const { loadProgram } = await import("./program/load.ts");
      const capture = new Capture(listen);
      captureListening(capture);
      if (typeof Deno.cron === "function") endCron = await captureJobs(thread);
      const waited = inspect !== undefined && (await import("./inspector.ts")).openInspector(inspect, log);
      for (const specifier of wanted.keys()) {
        const url = applicationUrl(specifier, serverRoot);
        const stops = waited && inspect?.mode === "brk";
        programs.set(specifier, await loadProgram({ url, args, stops }, capture));
      }
    },
    threadEnd() {
      endCron();
      for (const { servers } of programs.values()) for (const { end } of servers) end();
      // A process says it itself when it ends, and so does Deno.exit(); a worker that has come to its end does not.
      if (programs.size > 0 && typeof WorkerGlobalScope === "function") dispatchEvent(new Event("unload"));
    },
    skipsFiles: (exchange) => programOf(exchange) !== undefined,
    // A Request with one of these methods has no body: the engine reads what came nevertheless.
    readsBody: (exchange) => !BODILESS.test(exchange.method) && programOf(exchange) !== undefined,
    handler: (exchange) => programOf(exchange)?.answer(exchange),
  };
}

/** Jobs of Deno.cron(), which is there with --unstable-cron, run once per server. */
async function captureJobs({ scoreboard, ending, waitUntil, log }: ThreadContext): Promise<() => void> {
  return (await import("./program/cron.ts")).captureCron({
    area: scoreboard.moduleWords,
    ending,
    waitUntil,
    log: (message) => log("error", undefined, message),
  });
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
function applicationUrls(config: ServerConfig, serverRoot: string): string[] {
  return [...specifiers(config).keys()].map((specifier) => applicationUrl(specifier, serverRoot));
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
  programUrls: applicationUrls,
  usesEventLoop: (config) => specifiers(config).size > 0,
};
