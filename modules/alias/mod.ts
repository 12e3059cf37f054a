// Which paths lead out of DocumentRoot, and which to another URL? mod_alias.

import { isAbsolute, join } from "@std/path";
import {
  ArgumentError,
  compileRegex,
  type Context,
  type Directive,
  dirKey,
  flag,
  type ServerConfig,
  serverKey,
  type Target,
  type Where,
} from "../../server/config/mod.ts";
import { evaluateString, explained, parseString, type Word } from "../../server/config/expression/mod.ts";
import { reasonPhrase } from "../../server/http/content/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import { isUrl } from "../../server/request/error_document.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { ownUrl } from "../../server/request/self_name.ts";
import { aliased, covered, redirected, type Rule } from "./rules.ts";

/** Rules of a host: its own come before those of the main server. */
const hostRules = serverKey<{ aliases: readonly Rule[]; redirects: readonly Rule[] }>("alias", {
  create: () => ({ aliases: [], redirects: [] }),
  merge: (base, over) => ({
    aliases: [...over.aliases, ...base.aliases],
    redirects: [...over.redirects, ...base.redirects],
  }),
});

/** Rules of a place. In a <Location> the place itself is what leads elsewhere. */
interface PlaceRules {
  redirects: readonly Rule[];
  alias: { readonly to: Word; readonly handler?: string } | undefined;
  redirect: { readonly status: number; readonly to: Word | undefined } | undefined;
  relative: boolean | undefined;
}

const placeRules = dirKey<PlaceRules>("alias", {
  create: () => ({
    redirects: [],
    alias: undefined,
    redirect: undefined,
    relative: undefined,
  }),
  merge: (base, over) => ({
    redirects: [...over.redirects, ...base.redirects],
    alias: over.alias ?? base.alias,
    redirect: over.redirect ?? base.redirect,
    relative: over.relative ?? base.relative,
  }),
});

const HOST: readonly Context[] = ["server config", "virtual host"];
const IN_HOST: readonly Context[] = [...HOST, "directory"];
const EVERYWHERE: readonly Context[] = [...IN_HOST, ".htaccess"];
const SCRIPT = "cgi-script";

/** True in a <Location> or <LocationMatch>. */
function inLocation({ section }: Target): boolean {
  return section === "Location" || section === "LocationMatch";
}

function aliasRow(name: string, regex: boolean, handler: string | undefined, help: string): Directive {
  return {
    name,
    contexts: IN_HOST,
    args: [1, 2],
    syntax: regex ? `${name} regex file-path` : `${name} [URL-path] file-path`,
    help,
    apply(args, to, where) {
      if (args.length === 1) return addPlaceAlias(name, args[0], to, regex, handler);
      if (to.context === "directory") {
        throw new ArgumentError(`${name} in a section takes the file path alone, in a <Location>`);
      }
      const [from, path] = args;
      const rules = to.server.get(hostRules);
      const whole = isAbsolute(path) || path === "" || regex && path.startsWith("$")
        ? path
        : join(to.serverRoot, path);
      const rule: Rule = { from: regex ? compileRegex(from) : from, to: whole, status: 200, handler };
      if (!regex) warnOverlap(name, from, rules.aliases, to, where);
      rules.aliases = [...rules.aliases, rule];
    },
  };
}

function addPlaceAlias(name: string, path: string, to: Target, regex: boolean, handler?: string): void {
  if (regex || !inLocation(to)) {
    throw new ArgumentError(`${name} takes two arguments${regex ? "" : " outside of <Location>"}`);
  }
  const parsed = explained("Cannot parse expression", () => parseString(path));
  to.dir.get(placeRules).alias = { to: parsed, handler };
}

/** The first rule that applies wins: one that an earlier one covers never does. */
function warnOverlap(name: string, from: string, before: readonly Rule[], to: Target, where: Where): void {
  const hidden = before.find((rule) => typeof rule.from === "string" && covered(from, rule.from) > 0);
  if (hidden === undefined) return;
  to.warnings.push({
    ...where,
    message:
      `AH00671: The ${name} directive for ${from} will probably never match because it overlaps an earlier ` +
      `Alias for ${hidden.from}.`,
  });
}

const STATUSES: Readonly<Record<string, number>> = { permanent: 301, temp: 302, seeother: 303, gone: 410 };

/** `[status] [URL-path] [URL]`. @throws ArgumentError */
function redirectArguments(args: readonly string[], fixed: number | undefined, to: Target) {
  const [first] = args;
  const word = first.toLowerCase();
  const given = fixed ??
    (Object.hasOwn(STATUSES, word) ? STATUSES[word] : /^\d/.test(first) ? Number(first) : undefined);
  const status = given ?? 302;
  const rest = fixed === undefined && given !== undefined ? args.slice(1) : args;
  if (rest.length > 2) throw new ArgumentError(`invalid first argument "${first}" of three`, true);
  const leads = status >= 300 && status < 400;
  if (!leads && reasonPhrase(status) === undefined) throw new ArgumentError(`${first} is no status`);
  const ofPlace = inLocation(to) && rest.length === (leads ? 1 : 0);
  const [from, url] = ofPlace ? [undefined, rest[0]] : rest;
  if (from === undefined && !ofPlace) throw new ArgumentError("the path to redirect is missing", true);
  if (leads && url === undefined) throw new ArgumentError("URL to redirect to is missing", true);
  if (!leads && url !== undefined) throw new ArgumentError("Redirect URL not valid for this status", true);
  return { status, from, url };
}

function redirectRow(name: string, regex: boolean, fixed: number | undefined, help: string): Directive {
  return {
    name,
    contexts: EVERYWHERE,
    args: [1, 3],
    syntax: fixed === undefined
      ? `${name} [status] ${regex ? "regex" : "[URL-path]"} [URL]`
      : `${name} URL-path URL`,
    help,
    override: "FileInfo",
    apply(args, to) {
      const { status, from, url } = redirectArguments(args, fixed, to);
      if (from === undefined) {
        const word = url === undefined
          ? undefined
          : explained("Cannot parse expression", () => parseString(url));
        to.dir.get(placeRules).redirect = { status, to: word };
        return;
      }
      if (!regex && url !== undefined && !isUrl(url) && !url.startsWith("/")) {
        throw new ArgumentError(`Redirect to non-URL "${url}"`);
      }
      const rule: Rule = { from: regex ? compileRegex(from) : from, to: url, status };
      const ofHost = to.context === "server config" || to.context === "virtual host";
      const rules = ofHost ? to.server.get(hostRules) : to.dir.get(placeRules);
      rules.redirects = [...rules.redirects, rule];
    },
  };
}

const directives: readonly Directive[] = [
  aliasRow("Alias", false, undefined, "Leads a path, with all below it, to a directory or file"),
  aliasRow("AliasMatch", true, undefined, "Leads paths that a regular expression matches to files"),
  aliasRow("ScriptAlias", false, SCRIPT, "As Alias, for a directory of CGI scripts"),
  aliasRow("ScriptAliasMatch", true, SCRIPT, "As AliasMatch, for CGI scripts"),
  redirectRow("Redirect", false, undefined, "Sends clients from a path, with all below it, to another URL"),
  redirectRow(
    "RedirectMatch",
    true,
    undefined,
    "Sends clients from paths that a regular expression matches to another URL",
  ),
  redirectRow("RedirectPermanent", false, 301, "As Redirect, with status 301"),
  redirectRow("RedirectTemp", false, 302, "As Redirect, with status 302"),
  {
    name: "RedirectRelative",
    contexts: IN_HOST,
    args: 1,
    syntax: "RedirectRelative On|Off",
    help: "Whether Location may be a path, without scheme and host",
    default: "Off",
    apply([word], to) {
      to.dir.get(placeRules).relative = flag(word);
    },
  },
];

/** The reply of a redirect; `target` "" for a status without one. */
function redirectReply(exchange: Exchange, status: number, target: string): Reply {
  if (status < 300 || status >= 400) return errorReply(status);
  const { query } = exchange;
  const relative = exchange.dir.get(placeRules).relative === true;
  const absolute = target.startsWith("/") && !relative ? ownUrl(exchange) + target : target;
  // A target with a query of its own keeps it.
  const location = query === "" || absolute.includes("?") ? absolute : `${absolute}?${query}`;
  return errorReply(status, { location });
}

function firstRedirect(exchange: Exchange, rules: readonly Rule[]): Reply | undefined {
  for (const rule of rules) {
    const target = redirected(rule, exchange.path);
    if (target !== undefined) return redirectReply(exchange, rule.status, target);
  }
  return undefined;
}

function translateName(exchange: Exchange, subjectOf: ThreadContext["subjectOf"]): boolean | Reply {
  const { path, vhost, dir } = exchange;
  const { aliases, redirects } = vhost.store.get(hostRules);
  const redirect = redirects.length === 0 ? undefined : firstRedirect(exchange, redirects);
  if (redirect !== undefined) return redirect;
  const { alias } = dir.get(placeRules);
  if (alias !== undefined) {
    exchange.dependsOn = "request";
    const file = evaluateString(alias.to, subjectOf(exchange));
    if (file !== "") return found(exchange, file, alias.handler);
  }
  for (const rule of aliases) {
    const file = aliased(rule, path);
    if (file === undefined) continue;
    if (typeof rule.from === "string") exchange.alias = { prefix: rule.from, root: rule.to ?? "" };
    return found(exchange, file, rule.handler);
  }
  return false;
}

function found(exchange: Exchange, file: string, handler: string | undefined): true {
  exchange.filename = file;
  if (handler === undefined) return true;
  exchange.handler = handler;
  // As httpd's modules tell each other that no Options are asked for here.
  (exchange.notes ??= new Map()).set("alias-forced-type", handler);
  return true;
}

/** True when some ScriptAlias makes scripts of files. */
export function hasScriptAlias(config: ServerConfig): boolean {
  return [config.main, ...config.hosts].some(({ store }) =>
    store.get(hostRules).aliases.some(({ handler }) => handler !== undefined)
  ) || [...config.allDirStores()].some((store) => store.get(placeRules).alias?.handler !== undefined);
}

export const alias: ServerModule = {
  name: "alias_module",
  source: "mod_alias.c",
  directives,
  hooks,
};

function hooks(): ModuleHooks {
  let subjectOf: ThreadContext["subjectOf"];
  return {
    threadInit(context) {
      subjectOf = context.subjectOf;
    },
    translateName: (exchange) => translateName(exchange, subjectOf),
    fixups(exchange) {
      const { redirects, redirect } = exchange.dir.get(placeRules);
      if (redirect !== undefined) {
        const { status, to } = redirect;
        if (to === undefined) return errorReply(status);
        const target = evaluateString(to, exchange.subject);
        // An empty target: the expression has nothing to say about this request.
        if (target !== "") {
          exchange.dependsOn = "request";
          return redirectReply(exchange, status, target);
        }
      }
      return redirects.length === 0 ? undefined : firstRedirect(exchange, redirects);
    },
  };
}
