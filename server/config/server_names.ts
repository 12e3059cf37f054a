// What is a virtual host called? ServerName, ServerAlias and ServerPath: the values and their rows.

import { canonicalAddress } from "./addresses.ts";
import { flag } from "./arguments.ts";
import type { Context, Directive } from "./directives.ts";
import { ArgumentError } from "./errors.ts";
import { serverKey } from "./stores.ts";

/** The names of a virtual host. Host names are in lower case, without final dot. */
export interface ServerNames {
  /** From ServerName; undefined where the configuration is silent. */
  scheme: string | undefined;
  name: string | undefined;
  port: number | undefined;
  /** From ServerAlias; those with `*` or `?` are patterns. */
  aliases: readonly string[];
  /** From ServerPath: the host for requests without a Host field whose path begins so. */
  path: string | undefined;
}

/** The key of the names. In a virtual host without a ServerName the merged store has the main server's. */
export const serverNames = serverKey<ServerNames>("server names", {
  create: () => ({ scheme: undefined, name: undefined, port: undefined, aliases: [], path: undefined }),
  merge: (base, over) => {
    const { scheme, name, port } = over.name === undefined ? base : over;
    return { scheme, name, port, aliases: over.aliases, path: over.path };
  },
});

/** StrictHostCheck: a request for a name that no host on its address has is refused. */
export const strictHostCheck = serverKey<{ on: boolean | undefined }>("strict host check", {
  create: () => ({ on: undefined }),
  merge: (base, over) => over.on === undefined ? base : over,
});

const HOST: readonly Context[] = ["server config", "virtual host"];

/** The rows of the three directives. */
export const serverNameRows: readonly Directive[] = [
  {
    name: "ServerName",
    contexts: HOST,
    args: 1,
    syntax: "ServerName [scheme://]domain-name|ip-address[:port]",
    help: "The name and port that the server uses to identify itself",
    apply([arg], to) {
      Object.assign(to.server.get(serverNames), parseServerName(arg));
    },
  },
  {
    name: "ServerAlias",
    contexts: ["virtual host"],
    args: [1, Infinity],
    syntax: "ServerAlias hostname [hostname] ...",
    help: "Further names of a virtual host, with the wildcards * and ?",
    apply(args, to) {
      const names = to.server.get(serverNames);
      names.aliases = [...names.aliases, ...args.map((arg) => arg.toLowerCase())];
    },
  },
  {
    name: "ServerPath",
    contexts: ["virtual host"],
    args: 1,
    syntax: "ServerPath URL-path",
    help: "The beginning of the paths that select this virtual host for clients that send no Host field",
    apply([path], to) {
      if (!path.startsWith("/")) throw new ArgumentError(`ServerPath must begin with a slash, not "${path}"`);
      to.server.get(serverNames).path = path;
    },
  },
  {
    name: "StrictHostCheck",
    contexts: HOST,
    args: 1,
    syntax: "StrictHostCheck On|Off",
    help: "Whether a request for a host name that is not configured is answered with 400",
    default: "Off",
    apply([word], to) {
      to.server.get(strictHostCheck).on = flag(word);
    },
  },
];

function parseServerName(arg: string): Pick<ServerNames, "scheme" | "name" | "port"> {
  const found = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(\[[^\]]*\]|[^:/\s[\]]+)(?::(\d{1,5}))?$/i.exec(arg);
  const [, scheme, name = "", portText] = found ?? [];
  const port = portText === undefined ? undefined : Number(portText);
  const isLiteral = name.startsWith("[");
  const isValid = found !== null && (!isLiteral || canonicalAddress(name.slice(1, -1)) !== undefined);
  if (!isValid || (port !== undefined && (port < 1 || port > 65535))) {
    throw new ArgumentError(
      `ServerName must be [scheme://]name[:port] with a port from 1 to 65535, not "${arg}"`,
    );
  }
  return { scheme: scheme?.toLowerCase(), name: name.toLowerCase().replace(/\.$/, ""), port };
}
