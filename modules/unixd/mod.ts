// As whom do the children of a server run that root has started? mod_unixd: User and Group. The control process stays root: it
// binds ports below 1024, opens logs and starts children, and reads nothing that a client sends.

import { ArgumentError, type Directive, type ServerConfig, serverKey } from "../../server/config/mod.ts";
import { type Account, findGroup, findUser, type Identity, isRoot } from "../../platform/privileges.ts";
import { system } from "../../platform/detect.ts";
import type { ServerModule } from "../../server/request/module.ts";

/** What User and Group say. */
interface Unixd {
  user?: Account;
  group?: Account;
  /** The group that User has at login: what holds without Group. */
  primaryGroup?: Account;
}

const unixdServer = serverKey<Unixd>("unixd", { create: () => ({}), merge: (base) => base });

const SERVER = ["server config"] as const;

/** The account that `find` finds. @throws ArgumentError with `complaint` when there is none */
function found<T extends Account>(find: (text: string) => T | undefined, text: string, complaint: string): T {
  let account: T | undefined;
  try {
    account = find(text);
  } catch (error) {
    throw new ArgumentError(`${complaint} ${text}: ${(error as Error).message}`);
  }
  if (account === undefined) throw new ArgumentError(`${complaint} ${text}`);
  return account;
}

const directives: readonly Directive[] = [{
  name: "User",
  contexts: SERVER,
  args: 1,
  syntax: "User name|#number",
  help: "The user that children run as when root has started the server",
  differs: "Without it they run as root, where httpd refuses to start.",
  apply([text], to) {
    // Where there are no user ids it has no effect, as under httpd for whoever is not root.
    if (system === "windows") return;
    const { id, name, primaryGroup } = found(findUser, text, "AH00543: bad user name");
    const unixd = to.server.get(unixdServer);
    if (isRoot() && name === undefined) {
      throw new ArgumentError(
        `AH02155: User ${text}: no user has this number, so its groups cannot be found`,
      );
    }
    unixd.user = { id, name };
    unixd.primaryGroup = primaryGroup === undefined ? undefined : findGroup(`#${primaryGroup}`);
  },
}, {
  name: "Group",
  contexts: SERVER,
  args: 1,
  syntax: "Group name|#number",
  help: "The group that children run as when root has started the server",
  differs: "Without it, the group that User has at login; httpd's default is #-1.",
  apply([text], to) {
    if (system === "windows") return;
    to.server.get(unixdServer).group = found(findGroup, text, "AH00544: bad group name");
  },
}, {
  name: "ChrootDir",
  contexts: SERVER,
  args: 1,
  syntax: "ChrootDir directory",
  help: "Where children change their root directory to",
  differs: "Always an error: a child loads Deno and its modules when it has become User already.",
  apply() {
    throw new ArgumentError(
      "ChrootDir is not possible: a child loads Deno and its modules after it has become User; RootDirectory= of systemd or a container do it for the whole server",
    );
  },
}];

/** Whom children shall run as; undefined: as this process, which is not root's or has no User. @throws ArgumentError */
export function identityOf(config: ServerConfig, defines: readonly string[]): Identity | undefined {
  if (!isRoot()) return undefined;
  const { user, group, primaryGroup } = config.main.store.get(unixdServer);
  if (user === undefined) {
    if (group === undefined) return undefined;
    throw new ArgumentError("Group has no effect without User: children would run as root");
  }
  if (user.id === 0 && !defines.includes("BIG_SECURITY_HOLE")) {
    throw new ArgumentError(
      "User: children of a server that everybody can reach do not run as root, unless it is started with -D BIG_SECURITY_HOLE",
    );
  }
  return { user, group: group ?? primaryGroup ?? { id: user.id, name: undefined } };
}

/** User and Group as -S prints them. */
export function identityLines(config: ServerConfig): string[] {
  const { user, group, primaryGroup } = config.main.store.get(unixdServer);
  const line = (title: string, account: Account | undefined) =>
    account === undefined ? [] : [
      `${title}: name="${account.name ?? `#${account.id}`}" id=${account.id}${isRoot() ? "" : " not_used"}`,
    ];
  return [...line("User", user), ...line("Group", group ?? primaryGroup)];
}

export const unixd: ServerModule = {
  name: "unixd_module",
  source: "mod_unixd.c",
  directives,
  identity: identityOf,
  runSettings: identityLines,
};
