// May somebody come in who has no account? mod_authn_anon: names that everybody may use, with an address as the password.

import { type Directive, dirKey, flag } from "../../server/config/mod.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import type { AuthnProvider } from "../authn_core/settings.ts";

interface Anonymous {
  /** In lower case; "*" is everybody. */
  users: readonly string[];
  anyName: boolean | undefined;
  mustGiveEmail: boolean | undefined;
  verifyEmail: boolean | undefined;
  logEmail: boolean | undefined;
}

const anonDir = dirKey<Anonymous>("authn_anon", {
  create: () => ({
    users: [],
    anyName: undefined,
    mustGiveEmail: undefined,
    verifyEmail: undefined,
    logEmail: undefined,
  }),
  merge: (base, over) => ({
    users: over.users.length > 0 ? over.users : base.users,
    anyName: over.anyName ?? base.anyName,
    mustGiveEmail: over.mustGiveEmail ?? base.mustGiveEmail,
    verifyEmail: over.verifyEmail ?? base.verifyEmail,
    logEmail: over.logEmail ?? base.logEmail,
  }),
});

function switchRow(
  name: string,
  key: "anyName" | "mustGiveEmail" | "verifyEmail" | "logEmail",
  by: string,
  help: string,
): Directive {
  return {
    name,
    contexts: ["directory", ".htaccess"],
    args: 1,
    syntax: `${name} On|Off`,
    help,
    default: by,
    override: "AuthConfig",
    apply([word], to) {
      to.dir.get(anonDir)[key] = flag(word);
    },
  };
}

const directives: readonly Directive[] = [
  {
    name: "Anonymous",
    contexts: ["directory", ".htaccess"],
    args: [1, Infinity],
    syntax: "Anonymous user [user] ...",
    help: "Names that may be used without an account",
    override: "AuthConfig",
    apply(users, to) {
      const settings = to.dir.get(anonDir);
      settings.users = [...settings.users, ...users.map((user) => user.toLowerCase())];
    },
  },
  switchRow("Anonymous_NoUserID", "anyName", "Off", "Whether the name may be empty"),
  switchRow("Anonymous_MustGiveEmail", "mustGiveEmail", "On", "Whether the password may not be empty"),
  switchRow(
    "Anonymous_VerifyEmail",
    "verifyEmail",
    "Off",
    "Whether the password has to look like an address",
  ),
  switchRow("Anonymous_LogEmail", "logEmail", "On", "Whether the password goes to the error log"),
];

let log: ThreadContext["log"];

/** The provider "anon". */
export const anonProvider: AuthnProvider = {
  name: "anon",
  check(user, password, dir, exchange) {
    const { users, anyName, mustGiveEmail, verifyEmail, logEmail } = dir.get(anonDir);
    if (user === "" && anyName !== true) return "unknown";
    if (user !== "" && !users.includes("*") && !users.includes(user.toLowerCase())) return "unknown";
    if (password === "" && mustGiveEmail !== false) return "denied";
    if (verifyEmail === true && !/@.*\./.test(password)) return "denied";
    if (logEmail !== false) {
      log("info", "AH01672", `Anonymous: Passwd <${password}> Accepted`, exchange);
    }
    return "granted";
  },
};

export const authnAnon: ServerModule = {
  name: "authn_anon_module",
  source: "mod_authn_anon.c",
  directives,
  hooks: () => ({
    threadInit(context) {
      log = context.log;
    },
  }),
};
