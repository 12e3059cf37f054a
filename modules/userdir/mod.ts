// Where are the pages of a user, /~name? mod_userdir: in a directory of the user's home, or of one for all users, or at another server.

import { isAbsolute } from "@std/path";
import { homeDirectory, loadAccounts } from "../../platform/privileges.ts";
import {
  ArgumentError,
  type Directive,
  type ServerConfig,
  serverKey,
  words,
} from "../../server/config/mod.ts";
import { lookUp } from "../../server/core/translate.ts";
import { clock } from "../../server/http/engine/clock.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule } from "../../server/request/module.ts";
import { escapedPath } from "../alias/rules.ts";

interface UserDirs {
  /** In turn; undefined: there are no users' pages. */
  patterns: readonly string[] | undefined;
  /** False: of those of `enabled` only. */
  everybody: boolean | undefined;
  /** Of this host alone. */
  enabled: ReadonlySet<string>;
  disabled: ReadonlySet<string>;
}

const userDirs = serverKey<UserDirs>("userdir", {
  create: () => ({ patterns: undefined, everybody: undefined, enabled: new Set(), disabled: new Set() }),
  merge: (base, over) => ({
    patterns: over.patterns ?? base.patterns,
    everybody: over.everybody ?? base.everybody,
    enabled: over.enabled,
    disabled: over.disabled,
  }),
});

const directives: readonly Directive[] = [{
  name: "UserDir",
  contexts: ["server config", "virtual host"],
  args: "raw",
  syntax: "UserDir directory-filename [directory-filename] ... | enabled|disabled [username] ...",
  help:
    "Where /~name leads: below the user's home, below a directory for all users (* is the name), or to a URL",
  apply([raw], to) {
    const [first, ...rest] = words(raw);
    if (first === undefined) throw new ArgumentError("UserDir requires an argument.");
    const settings = to.server.get(userDirs);
    const isOn = /^enabled?$/i.test(first);
    if (!isOn && !/^disabled?$/i.test(first)) settings.patterns = [first, ...rest];
    else if (rest.length === 0) settings.everybody = isOn;
    else if (isOn) settings.enabled = new Set([...settings.enabled, ...rest]);
    else settings.disabled = new Set([...settings.disabled, ...rest]);
  },
}];

/** Below homes, which the system has to be asked for. */
function isInHome(pattern: string): boolean {
  return !isAbsolute(pattern) && !pattern.includes("*");
}

/** Where `pattern` leads for `user`: a directory, or a URL that `rest` is appended to. */
function placeOf(
  pattern: string,
  user: string,
  rest: string,
): { url: string } | { directory: string } | undefined {
  const star = pattern.indexOf("*");
  const prefix = pattern.slice(0, Math.max(star, 0));
  const suffix = star < 0 ? pattern : pattern.slice(star + 1);
  if (isAbsolute(pattern)) return { directory: star < 0 ? `${pattern}/${user}` : prefix + user + suffix };
  if (prefix.includes(":")) return { url: `${prefix}${user}${escapedPath(rest)}` };
  if (star >= 0 && suffix === "") return { directory: prefix + user };
  const home = homeDirectory(user);
  return home === undefined ? undefined : { directory: `${home}/${suffix}` };
}

function translateName(exchange: Exchange): boolean | Reply {
  const { path, vhost } = exchange;
  if (!path.startsWith("/~")) return false;
  const { patterns, everybody, enabled, disabled } = vhost.store.get(userDirs);
  if (patterns === undefined) return false;
  const slash = path.indexOf("/", 2);
  const end = slash < 0 ? path.length : slash;
  const user = path.slice(2, end);
  const rest = path.slice(end);
  if (user === "" || user === "." || user === ".." || disabled.has(user)) return false;
  if (everybody === false && !enabled.has(user)) return false;
  // Which of several it is, is the file system's to say, each time.
  if (patterns.length > 1) exchange.dependsOn = "request";
  for (const [at, pattern] of patterns.entries()) {
    const place = placeOf(pattern, user, rest);
    if (place === undefined) continue;
    if ("url" in place) return errorReply(302, { location: place.url });
    const { directory } = place;
    if (at < patterns.length - 1) {
      const found = lookUp(directory, clock.look);
      if (found === undefined || found instanceof Error) continue;
    }
    exchange.filename = directory + rest;
    exchange.alias = { prefix: path.slice(0, end), root: directory };
    return true;
  }
  return false;
}

function hooks({ main, hosts }: ServerConfig): ModuleHooks {
  if (![main, ...hosts].some(({ store }) => store.get(userDirs).patterns !== undefined)) return {};
  return {
    loadLibraries(shared) {
      if (shared === true) loadAccounts();
    },
    translateName,
  };
}

function usesHomes({ main, hosts }: ServerConfig): boolean {
  return [main, ...hosts].some(({ store }) => store.get(userDirs).patterns?.some(isInHome));
}

export const userdir: ServerModule = {
  name: "userdir_module",
  source: "mod_userdir.c",
  directives,
  material: (config) => usesHomes(config) || undefined,
  beginProcess: (used) => ({ shared: used, end() {} }),
  hooks,
};
