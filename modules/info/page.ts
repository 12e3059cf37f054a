// What does server-info show? All of it, or what the query asks for: list, server, hooks, config, or a module by its source name.

import type { Mpm } from "../../mpm/mod.ts";
import { allMpms } from "../../mpm/thread_side.ts";
import type { ServerConfig } from "../../server/config/mod.ts";
import { CORE_DEFAULTS, coreServer } from "../../server/core/config.ts";
import { listDirectives, type ListedDirective } from "../../server/directive_list.ts";
import { escapeHtmlAscii } from "../../server/http/content/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import { BUILT_IN_ELSEWHERE } from "../../server/httpd_names.ts";
import { modules } from "../../server/modules.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { selfName, selfPort } from "../../server/request/self_name.ts";
import { configurationHtml } from "./configuration.ts";
import { moduleInfo } from "./mod.ts";

/** httpd's names of the phases, in its order. */
const PHASES: readonly (readonly [title: string, hook: keyof ModuleHooks])[] = [
  ["Post-Read Request", "postReadRequest"],
  ["Quick Handler", "quickHandler"],
  ["Translate Name", "translateName"],
  ["Map to Storage", "mapToStorage"],
  ["Check Access", "accessChecker"],
  ["Verify User ID", "userChecker"],
  ["Note Authentication Failure", "challenge"],
  ["Verify User Access", "authChecker"],
  ["Check Type", "typeChecker"],
  ["Fixups", "fixups"],
  ["Insert Filters", "insertFilter"],
  ["Content Handlers", "handler"],
  ["Transaction Logging", "logTransaction"],
];
const STARTUP: readonly (readonly [title: string, key: keyof ServerModule])[] = [
  ["Check Configuration", "checkConfig"],
  ["Open Logs", "openLogs"],
  ["Drop Privileges", "identity"],
];
const CHILD_INIT = ["Child Init", "threadInit"] as const;

/** A module as it is shown. */
interface Shown {
  /** "mod_dir.c" */
  readonly source: string;
  readonly module: ServerModule | undefined;
  readonly hooks: ModuleHooks;
  readonly directives: readonly ListedDirective[];
}

const page = (body: string, signature: string): string =>
  '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" ' +
  '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n' +
  '<html xmlns="http://www.w3.org/1999/xhtml">\n<head>\n  <title>Server Information</title>\n</head>\n' +
  `<body><h1 style="text-align: center">Server Information</h1>\n${body}${signature}</body></html>\n`;

/** Answers with the page. */
export function answer(exchange: Exchange, context: ThreadContext): Reply {
  const text = page(bodyOf(exchange, context), context.signatureOf(exchange));
  return {
    status: 200,
    fields: [],
    contentType: "text/html; charset=UTF-8",
    body: { kind: "text", text },
  };
}

function bodyOf(exchange: Exchange, context: ThreadContext): string {
  const query = exchange.query.toLowerCase();
  const shown = modulesOf(context);
  if (query === "list") {
    return `<dl><dt>Server Module List</dt>${
      shown.map(({ source }) => `<dd>${source}</dd>`).join("")
    }</dl><hr />`;
  }
  if (query === "config") {
    return `<dl><dt><strong>Configuration:</strong></dt>\n${configurationHtml(context.nodes)}</dl><hr />`;
  }
  if (query === "server") return serverSettings(exchange, context);
  if (query === "hooks") return activeHooks(shown, "?");
  if (query !== "") {
    const found = shown.find(({ source }) => source.toLowerCase() === query);
    return found === undefined ? "<p><b>No such module</b></p>\n" : moduleSection(found, exchange, context);
  }
  const links = shown.map(({ source }) => `<a href="#${source}">${source}</a>`).join(", ");
  return "<dl><dt><tt>Subpages:<br />" +
    '<a href="?config">Configuration Files</a>, <a href="?server">Server Settings</a>, ' +
    '<a href="?list">Module List</a>, <a href="?hooks">Active Hooks</a></tt></dt></dl><hr />' +
    '<dl><dt><tt>Sections:<br /><a href="#modules">Loaded Modules</a>, <a href="#server">Server Settings</a>, ' +
    '<a href="#startup_hooks">Startup Hooks</a>, <a href="#request_hooks">Request Hooks</a></tt></dt></dl><hr />' +
    `<h2><a name="modules">Loaded Modules</a></h2><dl><dt><tt>${links}</tt></dt></dl><hr />` +
    serverSettings(exchange, context) + activeHooks(shown, "#") +
    shown.map((one) => moduleSection(one, exchange, context)).join("");
}

/** By their names. */
function modulesOf({ config, server }: ThreadContext): Shown[] {
  const mpm = mpmOf(server);
  const bySource = Map.groupBy(mpm === undefined ? [] : listDirectives(mpm), ({ source }) => source);
  const built = new Map(modules().map((module) => [module.source, module]));
  const sources = new Set([
    ...built.keys(),
    ...BUILT_IN_ELSEWHERE.values(),
    ...mpm === undefined ? [] : [mpm.source],
  ]);
  return [...sources].sort().map((source) => {
    const module = built.get(source);
    return { source, module, hooks: hooksOf(module, config), directives: bySource.get(source) ?? [] };
  });
}

function hooksOf(module: ServerModule | undefined, config: ServerConfig): ModuleHooks {
  return module?.hooks?.(config) ?? {};
}

function fact(name: string, value: string): string {
  return `<dt><strong>${name}:</strong> <tt>${escapeHtmlAscii(value)}</tt></dt>\n`;
}

function mpmOf({ mpm }: ThreadContext["server"]): Mpm | undefined {
  return allMpms().find(({ title }) => title === mpm);
}

function serverSettings(
  exchange: Exchange,
  { server, serverRoot, nodes, scoreboard }: ThreadContext,
): string {
  const { timeout, keepAliveTimeout } = { ...CORE_DEFAULTS, ...exchange.vhost.store.get(coreServer) };
  const mpm = mpmOf(server);
  const isYes = (text: string | undefined) => text?.startsWith("yes") === true ? "yes" : "no";
  const kinds = `Threaded: ${isYes(mpm?.threaded)} Forked: ${isYes(mpm?.forked)}`;
  return '<h2><a name="server">Server Settings</a></h2><dl>' +
    fact("Server Version", server.description) +
    fact("Server Built", server.built) +
    fact("Deno Version", `${Deno.version.deno} (V8 ${Deno.version.v8})`) +
    fact("Hostname/port", `${selfName(exchange)}:${selfPort(exchange)}`) +
    fact("Timeouts", `connection: ${timeout / 1000} keep-alive: ${keepAliveTimeout / 1000}`) +
    fact("MPM Name", server.mpm) +
    fact("MPM Information", `Max Daemons: ${scoreboard.shape.children} ${kinds}`) +
    fact("Server Architecture", "64-bit") +
    fact("Server Root", serverRoot) +
    fact("Config File", nodes[0]?.file ?? "") +
    "</dl><hr />";
}

/** Who takes part in the phases; `mark`: what a link to a module begins with. */
function activeHooks(shown: readonly Shown[], mark: "?" | "#"): string {
  const listed = (title: string, takesPart: (one: Shown) => boolean) => {
    const links = shown.filter(takesPart).map(({ source }) =>
      `&nbsp;&nbsp; <a href="${mark}${source}">${source}</a> <br/>`
    );
    return `<dt><strong>${title}:</strong>\n <br /><tt>\n${links.join("")}\n  </tt>\n</dt>\n`;
  };
  const startup = [
    ...STARTUP.map(([title, key]) => listed(title, ({ module }) => module?.[key] !== undefined)),
    listed(CHILD_INIT[0], ({ hooks }) => hooks[CHILD_INIT[1]] !== undefined),
  ];
  const request = PHASES.map(([title, hook]) => listed(title, ({ hooks }) => hooks[hook] !== undefined));
  return `<h2><a name="startup_hooks">Startup Hooks</a></h2>\n<dl>${startup.join("")}</dl>\n<hr />\n` +
    `<h2><a name="request_hooks">Request Hooks</a></h2>\n<dl>${request.join("")}</dl>\n<hr />\n`;
}

function moduleSection(
  { source, hooks, directives }: Shown,
  exchange: Exchange,
  { nodes }: ThreadContext,
): string {
  const none = "<tt> <em>none</em></tt>";
  const phases = PHASES.filter(([, hook]) => hooks[hook] !== undefined);
  let html = `<dl><dt><a name="${source}"><strong>Module Name:</strong></a> ` +
    `<font size="+1"><tt><a href="?${source}">${source}</a></tt></font></dt>\n` +
    `<dt><strong>Content handlers:</strong> ${
      hooks.handler === undefined ? none : "<tt> <em>yes</em></tt>"
    }</dt>` +
    `<dt><strong>Request Phase Participation:</strong>\n${
      phases.length === 0 ? none : phases.map(([title]) => `<tt>${title}</tt>`).join(", ")
    }</dt>\n`;
  if (directives.length === 0) html += "<dt><strong>Module Directives:</strong> <tt>none</tt></dt>";
  else {
    html += "<dt><strong>Module Directives:</strong></dt>";
    for (const { name, help } of directives) {
      html += `<dd><tt>${escapeHtmlAscii(name)} - <i>${escapeHtmlAscii(help)}</i></tt></dd>\n`;
    }
    // Of sections nodes have the name alone.
    const names = new Set(directives.map(({ name }) => name.toLowerCase().replace(/^<|>$/g, "")));
    html += `<dt><strong>Current Configuration:</strong></dt>\n${configurationHtml(nodes, names)}`;
  }
  const more = exchange.vhost.store.get(moduleInfo).texts.find(([module]) => module === source);
  if (more !== undefined) {
    html += `<dt><strong>Additional Information:</strong>\n</dt><dd>${more[1]}</dd>`;
  }
  return `${html}</dl><hr />\n`;
}
