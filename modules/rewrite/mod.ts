// Which paths become others by rules? mod_rewrite: for a host before its files are looked for, for a directory afterwards.

import {
  ArgumentError,
  ConfigError,
  type Context,
  type Directive,
  dirKey,
  flag,
  type ServerConfig,
  serverKey,
  type Target,
  type Where,
} from "../../server/config/mod.ts";
import { keepsFfi } from "../../server/core/permissions.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule } from "../../server/request/module.ts";
import { parseRewriteCondition } from "./condition.ts";
import { parseMap, type RewriteMap } from "./maps.ts";
import { mergeRules, newRules, OPTIONS, type RewriteRules } from "./settings.ts";
import { parseRule } from "./rules.ts";
import { rewriteHooks } from "./phases.ts";

/** Rules and maps of a host. */
export interface HostRewriting extends RewriteRules {
  maps: ReadonlyMap<string, RewriteMap>;
  /** The first map that is a program. */
  programAt: Where | undefined;
  /** A virtual host has directives of its own; without any it does not take part. */
  ofVirtualHost: boolean;
}

const hostRewriting = serverKey<HostRewriting>("rewrite", {
  create: () => ({ ...newRules(), maps: new Map(), programAt: undefined, ofVirtualHost: false }),
  merge: (base, over) => ({
    ...mergeRules(base, over),
    maps: new Map([...base.maps, ...over.maps]),
    programAt: over.programAt ?? base.programAt,
    ofVirtualHost: over.ofVirtualHost,
  }),
});

const placeRewriting = dirKey<RewriteRules>("rewrite", { create: newRules, merge: mergeRules });

const HOST: readonly Context[] = ["server config", "virtual host"];
const EVERYWHERE: readonly Context[] = [...HOST, "directory", ".htaccess"];

/**
 * Two or three arguments as httpd splits them for these directives: a blank behind a backslash separates nothing, and the backslash stays
 * for the pattern. @throws ArgumentError
 */
function argumentsOf(name: string, raw: string): string[] {
  const found: string[] = [];
  const word = /\s*(?:"((?:\\\s|[^"])*)"|'((?:\\\s|[^'])*)'|((?:\\\s|\S)+))(?=\s|$)/gy;
  const text = raw.trim();
  while (word.lastIndex < text.length) {
    const part = word.exec(text);
    if (part === null) throw new ArgumentError(`${name}: bad argument line '${raw}'`);
    found.push(part[1] ?? part[2] ?? part[3]);
  }
  if (found.length < 2 || found.length > 3) throw new ArgumentError(`${name} takes two or three arguments`);
  return found;
}

/** What the directives of this place write to. */
function rewritingOf(to: Target): RewriteRules {
  if (to.context === "server config") return to.server.get(hostRewriting);
  if (to.context === "virtual host") {
    const values = to.server.get(hostRewriting);
    values.ofVirtualHost = true;
    return values;
  }
  const values = to.dir.get(placeRewriting);
  if (to.directory !== undefined) values.directory = to.directory;
  return values;
}

const directives: readonly Directive[] = [{
  name: "RewriteEngine",
  contexts: EVERYWHERE,
  args: 1,
  syntax: "RewriteEngine on|off",
  help: "Whether the rules here are applied",
  default: "off",
  override: "FileInfo",
  apply([on], to) {
    rewritingOf(to).engine = flag(on);
  },
}, {
  name: "RewriteOptions",
  contexts: EVERYWHERE,
  args: [1, Infinity],
  syntax: "RewriteOptions Option [Option] ...",
  help: "How rules are inherited, and what they apply to",
  override: "FileInfo",
  apply(words, to) {
    const values = rewritingOf(to);
    for (const word of words) {
      const option = OPTIONS.get(word.toLowerCase());
      if (option === undefined) throw new ArgumentError(`RewriteOptions: unknown option '${word}'`);
      values.options = new Set([...values.options, option]);
    }
  },
}, {
  name: "RewriteBase",
  contexts: ["directory", ".htaccess"],
  args: 1,
  syntax: "RewriteBase URL-path",
  help: "The path by which clients know the directory",
  override: "FileInfo",
  apply([base], to) {
    if (!base.startsWith("/")) throw new ArgumentError("RewriteBase: argument is not a valid URL");
    rewritingOf(to).base = base.endsWith("/") ? base : `${base}/`;
  },
}, {
  name: "RewriteMap",
  contexts: HOST,
  args: [2, 3],
  syntax: "RewriteMap MapName MapType:MapSource",
  help: "Names a table, function or program for substitutions: txt, rnd, int, prg",
  differs:
    "There are no maps of type dbm and dbd. Of a program (prg) each server thread that asks starts one, as the user of the children: a third " +
    "argument is an error. Virtual hosts have the maps of the main server.",
  apply([name, source, user], to, where) {
    const values = to.server.get(hostRewriting);
    if (source.startsWith("prg:")) {
      if (user !== undefined) {
        throw new ArgumentError(`no program runs as ${user}, but as the children do`, true);
      }
      values.programAt ??= where;
    }
    values.maps = new Map([...values.maps, [name, parseMap(name, source, to.serverRoot)]]);
  },
}, {
  name: "RewriteCond",
  contexts: EVERYWHERE,
  args: "raw",
  syntax: "RewriteCond TestString CondPattern [flags]",
  help: "A condition of the next RewriteRule",
  override: "FileInfo",
  differs: "There are no %{LA-U:...} and %{LA-F:...}.",
  apply([raw], to) {
    const [test, pattern, flags] = argumentsOf("RewriteCond", raw);
    const values = rewritingOf(to);
    values.pending = [...values.pending, parseRewriteCondition(test, pattern, flags)];
  },
}, {
  name: "RewriteRule",
  contexts: EVERYWHERE,
  args: "raw",
  syntax: "RewriteRule Pattern Substitution [flags]",
  help: "Makes paths that a regular expression matches others",
  override: "FileInfo",
  differs:
    "There is no flag P. Regular expressions are JavaScript's. A redirect to a relative name in a directory without RewriteBase leads to " +
    "the path of the directory below DocumentRoot, where httpd's leads to its file name.",
  apply([raw], to) {
    const args = argumentsOf("RewriteRule", raw);
    const values = rewritingOf(to);
    values.rules = [...values.rules, parseRule(args, values.pending)];
    values.pending = [];
  },
}];

/** The rules of the host, if it takes part. */
function ofHost(exchange: Exchange, main: Exchange["vhost"]): HostRewriting | undefined {
  const values = exchange.vhost.store.get(hostRewriting);
  return exchange.vhost === main || values.ofVirtualHost ? values : undefined;
}

function hooks(): ModuleHooks {
  return rewriteHooks({
    ofHost,
    ofPlace: ({ dir }) => dir.get(placeRewriting),
    mapsOf: ({ vhost }) => vhost.store.get(hostRewriting).maps,
  });
}

/** True when some rule names a handler. */
export function givesHandlers(config: ServerConfig): boolean {
  return [
    ...[config.main, ...config.hosts].map(({ store }): RewriteRules => store.get(hostRewriting)),
    ...[...config.allDirStores()].map((store) => store.get(placeRewriting)),
  ].some(({ rules }) => rules.some(({ flags }) => flags.handler !== undefined));
}

/** A thread that has given FFI up starts no program. */
function checkConfig(config: ServerConfig): void {
  if (keepsFfi(config)) return;
  const at = [config.main, ...config.hosts].flatMap(({ store }) => store.get(hostRewriting).programAt ?? []);
  if (at.length === 0) return;
  throw new ConfigError(at[0], "a map of type prg needs DenoPermissions ffi", "RewriteMap");
}

export const rewrite: ServerModule = {
  name: "rewrite_module",
  source: "mod_rewrite.c",
  directives,
  checkConfig,
  hooks,
};
