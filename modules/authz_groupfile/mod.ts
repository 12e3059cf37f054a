// Is the user in one of these groups? mod_authz_groupfile: AuthGroupFile, lines "group: user user", and Require group.

import { resolve } from "@std/path";
import { ArgumentError, type Directive, dirKey, words } from "../../server/config/mod.ts";
import { evaluateString, explained, parseString } from "../../server/config/expression/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { lineFile, reasonOf } from "../authn_file/line_file.ts";
import { type AuthzProvider, NO_USER, type Tested } from "../authz_core/requirement.ts";
import { ownerOf } from "../authz_owner/owner.ts";

const groupDir = dirKey<{ path: string | undefined }>("authz_groupfile", {
  create: () => ({ path: undefined }),
  merge: (base, over) => over.path === undefined ? base : over,
});

const directives: readonly Directive[] = [{
  name: "AuthGroupFile",
  contexts: ["directory", ".htaccess"],
  args: 1,
  syntax: "AuthGroupFile file-path",
  help: "The file of groups and who is in them",
  override: "AuthConfig",
  apply([path], to) {
    if (path === "") throw new ArgumentError("AuthGroupFile must name a file");
    to.dir.get(groupDir).path = resolve(to.serverRoot, path);
  },
}];

let log: ThreadContext["log"];

/** Whether `user` is in a group that `wanted` says yes to. */
function inGroup(exchange: Exchange, user: string, wanted: (group: string) => boolean): boolean {
  const { path } = exchange.dir.get(groupDir);
  if (path === undefined) {
    log("error", "AH01664", "No group file was specified in the configuration", exchange);
    return false;
  }
  try {
    return lineFile(path).lines().some((line) => {
      const colon = line.indexOf(":");
      return colon > 0 && wanted(line.slice(0, colon).trim()) && words(line.slice(colon + 1)).includes(user);
    });
  } catch (error) {
    log("error", "AH01665", `Could not open group file: ${path} (${reasonOf(error)})`, exchange);
    return false;
  }
}

function notInGroup(exchange: Exchange): false {
  log(
    "error",
    "AH01667",
    `Authorization of user ${exchange.user} to access ${exchange.path} failed, ` +
      "reason: user is not part of the 'require'ed group(s).",
    exchange,
  );
  return false;
}

export const groupProviders: readonly AuthzProvider[] = [{
  name: "group",
  parse(_args, rest) {
    if (rest === "") throw new ArgumentError("'Require group' requires an argument");
    const text = explained("Cannot parse expression in require line", () => parseString(rest));
    return {
      constant: false,
      test(exchange): Tested {
        const { user } = exchange;
        if (user === undefined) return NO_USER;
        const groups = words(evaluateString(text, exchange.subject));
        return inGroup(exchange, user, (group) => groups.includes(group)) || notInGroup(exchange);
      },
    };
  },
}, {
  name: "file-group",
  parse: () => ({
    constant: false,
    test(exchange): Tested {
      const { user } = exchange;
      if (user === undefined) return NO_USER;
      const owner = ownerOf(exchange)?.group;
      return (owner !== undefined && inGroup(exchange, user, (group) => group === owner)) ||
        notInGroup(exchange);
    },
  }),
}];

export const authzGroupfile: ServerModule = {
  name: "authz_groupfile_module",
  source: "mod_authz_groupfile.c",
  directives,
  hooks: () => ({
    threadInit(context) {
      log = context.log;
    },
  }),
};
