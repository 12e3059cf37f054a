// What may applications do? DenoPermissions: the permissions that a server thread keeps when it loads them, in the words of
// Deno's command line. Without it they may do whatever the user may that the server runs as.

import { dirname, fromFileUrl, resolve } from "@std/path";
import { ArgumentError, type Directive, type ServerConfig, serverKey } from "../config/mod.ts";
import { coreServer } from "./config.ts";

/** Kinds of permission; a list narrows all but ffi, of which a thread has everything or nothing. */
const KINDS = ["read", "write", "net", "env", "run", "ffi", "sys", "import"] as const;
type Kind = typeof KINDS[number];

/** What is granted, by kind: everything, or a list. Kinds that are not there are denied. */
type Granted = ReadonlyMap<Kind, true | readonly string[]>;

const permissionsServer = serverKey<{ granted: Granted | undefined }>("permissions", {
  create: () => ({ granted: undefined }),
  merge: (base) => base,
});

/** "kind" or "kind=a,b", with files made absolute. @throws ArgumentError */
function parseGrant(text: string, serverRoot: string): [Kind, true | readonly string[]] {
  const [, name, list] = /^([^=]*)(?:=(.*))?$/s.exec(text)!;
  const kind = KINDS.find((known) => known === name.toLowerCase());
  if (kind === undefined) {
    throw new ArgumentError(`DenoPermissions: "${name}" is none of all, none, ${KINDS.join(", ")}`);
  }
  if (list === undefined) return [kind, true];
  const items = list.split(",").filter((item) => item !== "");
  if (items.length === 0) throw new ArgumentError(`DenoPermissions: the list of ${kind}= is empty`);
  if (kind === "ffi") {
    throw new ArgumentError("DenoPermissions: ffi has no list: a thread has all of it or nothing");
  }
  const values = kind === "read" || kind === "write" ? items.map((item) => resolve(serverRoot, item)) : items;
  return [kind, values];
}

export const denoPermissions: Directive = {
  name: "DenoPermissions",
  contexts: ["server config"],
  args: [1, 32],
  syntax: "DenoPermissions all|none|kind[=item,...] ...",
  help: "What applications may do: read, write, net, env, run, ffi, sys, import, as on Deno's command line",
  default: "all",
  apply(args, to) {
    const value = to.server.get(permissionsServer);
    const [word] = args.map((arg) => arg.toLowerCase());
    if (args.length === 1 && word === "all") {
      value.granted = undefined;
      return;
    }
    const grants = args.length === 1 && word === "none"
      ? []
      : args.map((arg) => parseGrant(arg, to.serverRoot));
    const granted = new Map(value.granted ?? []);
    for (const [kind, items] of grants) {
      const before = granted.get(kind) ?? [];
      granted.set(kind, before === true || items === true ? true : [...before, ...items]);
    }
    value.granted = granted;
  },
};

/** Read by npm:ws when it is loaded, for the first WebSocket; both would only keep it from looking for native code. */
const WEB_SOCKET_VARIABLES = ["WS_NO_BUFFER_UTIL", "WS_NO_UTF_8_VALIDATE"];

/**
 * The permissions with which a server thread starts; undefined: all. What it needs itself is among them: FFI, which it gives up
 * before it loads applications (see keepsFfi), files of the document roots and beside the applications, and sys for mod_status.
 */
function threadPermissions(
  config: ServerConfig,
  applications: readonly URL[],
): Deno.PermissionOptionsObject | undefined {
  const { granted } = config.main.store.get(permissionsServer);
  if (granted === undefined) return undefined;
  const needed = [
    ...[config.main, ...config.hosts].flatMap(({ store }) => store.get(coreServer).documentRoot ?? []),
    ...applications.filter(({ protocol }) => protocol === "file:").map((url) => dirname(fromFileUrl(url))),
  ];
  const read = granted.get("read") ?? [];
  const given = (kind: Kind): true | string[] => {
    const items = granted.get(kind) ?? [];
    return items === true || [...items];
  };
  const sys = given("sys");
  const env = given("env");
  return {
    read: read === true || [...read, ...needed],
    write: given("write"),
    net: given("net"),
    env: env === true || [...env, ...WEB_SOCKET_VARIABLES],
    run: given("run"),
    ffi: true,
    sys: sys === true || [...sys, "loadavg"],
    import: given("import"),
  };
}

/** The permissions with which a server thread starts that loads programs; undefined: all. @throws ArgumentError when they are none */
export function startPermissions(
  config: ServerConfig,
  applications: readonly string[],
): Deno.PermissionOptionsObject | undefined {
  const permissions = threadPermissions(config, applications.map((url) => new URL(url)));
  if (permissions !== undefined) checkPermissions(permissions);
  return permissions;
}

/** Has Deno look at the items: hosts have a form, kinds of sys have names. @throws ArgumentError with what it says of one */
function checkPermissions(permissions: Deno.PermissionOptionsObject): void {
  try {
    // A query would say "granted" to anything, as long as this process may do everything.
    new Worker("data:application/javascript,", { type: "module", deno: { permissions } }).terminate();
  } catch (error) {
    throw new ArgumentError(`DenoPermissions: ${(error as Error).message}`);
  }
}

/** False when threads have to give up FFI before they load applications. */
export function keepsFfi(config: ServerConfig): boolean {
  const { granted } = config.main.store.get(permissionsServer);
  return granted === undefined || granted.has("ffi");
}
