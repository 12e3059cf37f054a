// Which users are in a file? mod_authn_file: AuthUserFile, lines "user:hash" as htpasswd writes them, or "user:realm:hash" of htdigest.

import { resolve } from "@std/path";
import { ArgumentError, type Directive, dirKey, type DirStore } from "../../server/config/mod.ts";
import { loadCrypt } from "../../platform/crypt.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { AuthnProvider, Verdict } from "../authn_core/settings.ts";
import { lineFile, reasonOf } from "./line_file.ts";

const fileDir = dirKey<{ path: string | undefined }>("authn_file", {
  create: () => ({ path: undefined }),
  merge: (base, over) => over.path === undefined ? base : over,
});

const directives: readonly Directive[] = [{
  name: "AuthUserFile",
  contexts: ["directory", ".htaccess"],
  args: 1,
  syntax: "AuthUserFile file-path",
  help: "The file of users and their passwords",
  override: "AuthConfig",
  apply([path], to) {
    if (path === "") throw new ArgumentError("AuthUserFile must name a file");
    to.dir.get(fileDir).path = resolve(to.serverRoot, path);
  },
}];

/** What compares passwords. Threads that never do have not loaded what it takes. */
const passwords = () => import("./passwords.ts");
let loaded: Awaited<ReturnType<typeof passwords>> | undefined;

/** Set when the thread begins. */
let log: ThreadContext["log"];

/** The lines of the file that `dir` names; undefined, which is in the log then: there is none, or it cannot be read. */
function linesOf(dir: DirStore, exchange: Exchange): readonly string[] | undefined {
  const { path } = dir.get(fileDir);
  if (path === undefined) {
    log("error", "AH01619", "AuthUserFile not specified in the configuration", exchange);
    return undefined;
  }
  try {
    return lineFile(path).lines();
  } catch (error) {
    log("error", "AH01620", `Could not open password file: ${path} (${reasonOf(error)})`, exchange);
    return undefined;
  }
}

function compare(
  user: string,
  password: string,
  hash: string,
  exchange: Exchange,
): Verdict | Promise<Verdict> {
  const matched = loaded!.matches(password, hash);
  if (typeof matched === "boolean") return matched ? "granted" : "denied";
  return matched.then((right) => right ? "granted" : "denied", (error) => {
    if (!(error instanceof loaded!.UnknownHashError)) throw error;
    log("error", undefined, `user ${user}: ${error.message}`, exchange);
    return "error";
  });
}

async function compareLater(
  user: string,
  password: string,
  hash: string,
  exchange: Exchange,
): Promise<Verdict> {
  loaded = await passwords();
  return await compare(user, password, hash, exchange);
}

/** The provider "file". */
export const fileProvider: AuthnProvider = {
  name: "file",
  check(user, password, dir, exchange) {
    const lines = linesOf(dir, exchange);
    if (lines === undefined) return "error";
    const line = lines.find((text) => text.startsWith(`${user}:`));
    if (line === undefined) return "unknown";
    const hash = line.slice(user.length + 1).split(":", 1)[0];
    return loaded === undefined
      ? compareLater(user, password, hash, exchange)
      : compare(user, password, hash, exchange);
  },
  realmHash(user, realm, dir, exchange) {
    const lines = linesOf(dir, exchange);
    if (lines === undefined) return "error";
    const start = `${user}:${realm}:`;
    return lines.find((line) => line.startsWith(start))?.slice(start.length) ?? "unknown";
  },
};

export const authnFile: ServerModule = {
  name: "authn_file_module",
  source: "mod_authn_file.c",
  directives,
  material: (config) => config.allDirStores().some((store) => store.get(fileDir).path !== undefined),
  beginProcess: (used) => ({ shared: used, end() {} }),
  hooks: () => ({
    loadLibraries(used) {
      // Where only .htaccess files name such a file it is loaded when one does.
      if (used === true) loadCrypt();
    },
    async threadInit(context) {
      log = context.log;
      // Later on it may not be allowed to.
      if (context.shared === true) loaded = await passwords();
    },
  }),
};
