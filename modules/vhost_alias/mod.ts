// Where are the files of hosts that the configuration does not name? mod_vhost_alias: in directories that are called as they are.

import { isAbsolute } from "@std/path";
import { ArgumentError, type Directive, type ServerConfig, serverKey } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { selfName, selfPort } from "../../server/request/self_name.ts";

/** Where to look, by the host's name or by its address. */
export interface Pattern {
  readonly parts: readonly Part[];
  readonly by: "name" | "ip";
}

/** Text; the port; or a piece of the name: of its labels (0: the whole), then of the letters of that. */
export type Part = string | "port" | { readonly label: Selection; readonly letter: Selection };

export interface Selection {
  /** From 1; 0: all. */
  readonly number: number;
  readonly fromEnd: boolean;
  /** And all after it, or before it where it counts from the end. */
  readonly andMore: boolean;
}

interface VhostAlias {
  documents: Pattern | "none" | undefined;
  scripts: Pattern | "none" | undefined;
}

const vhostAliases = serverKey<VhostAlias>("vhost_alias", {
  create: () => ({ documents: undefined, scripts: undefined }),
  merge: (base, over) => ({
    documents: over.documents ?? base.documents,
    scripts: over.scripts ?? base.scripts,
  }),
});

const ALL: Selection = { number: 0, fromEnd: false, andMore: false };

function selection(text: string | undefined): Selection {
  if (text === undefined) return ALL;
  return { number: Number(/\d/.exec(text)![0]), fromEnd: text.startsWith("-"), andMore: text.endsWith("+") };
}

/** What a directive says: a path with `%0`, `%-2+`, `%1.1`, `%p`, `%%` in it, or `none`. @throws ArgumentError */
export function parsePattern(text: string, by: "name" | "ip"): Pattern | "none" {
  if (!isAbsolute(text)) {
    if (text.toLowerCase() === "none") return "none";
    throw new ArgumentError("format string must be an absolute path, or 'none'");
  }
  const parts: Part[] = [];
  const specifier = /%(?:(%)|(p)|(-?\d\+?)(?:\.(-?\d\+?))?(?!\.))|[^%]+|%/gy;
  for (const [whole, percent, port, label, letter] of text.matchAll(specifier)) {
    if (whole === "%") throw new ArgumentError("syntax error in format string");
    if (percent !== undefined) parts.push("%");
    else if (port !== undefined) parts.push("port");
    else if (label !== undefined) parts.push({ label: selection(label), letter: selection(letter) });
    else parts.push(whole);
  }
  return { parts, by };
}

/** What `which` takes of `items`; undefined: there is no such one. */
function selected<T>(items: readonly T[], { number, fromEnd, andMore }: Selection): readonly T[] | undefined {
  if (number === 0) return items;
  if (number > items.length) return undefined;
  const at = fromEnd ? items.length - number : number - 1;
  if (!andMore) return [items[at]];
  return fromEnd ? items.slice(0, at + 1) : items.slice(at);
}

/** The directory for a host. */
export function directoryOf({ parts }: Pattern, name: string, port: () => number): string {
  const labels = name.toLowerCase().split(".");
  const text = parts.map((part) => {
    if (part === "port") return String(port());
    if (typeof part === "string") return part;
    const letters = selected(labels, part.label)?.join(".") ?? "_";
    return selected(Array.from(letters), part.letter)?.join("") ?? "_";
  }).join("");
  return text.replace(/\/$/, "");
}

function row(name: string, key: keyof VhostAlias, by: "name" | "ip", help: string): Directive {
  return {
    name,
    contexts: ["server config", "virtual host"],
    args: 1,
    syntax: `${name} interpolated-directory|none`,
    help,
    default: "none",
    apply([text], to) {
      to.server.get(vhostAliases)[key] = parsePattern(text, by);
    },
  };
}

const directives: readonly Directive[] = [
  row("VirtualDocumentRoot", "documents", "name", "The DocumentRoot of each host, made of its name"),
  row("VirtualDocumentRootIP", "documents", "ip", "The DocumentRoot of each address, made of it"),
  row("VirtualScriptAlias", "scripts", "name", "The directory of /cgi-bin/ of each host, made of its name"),
  row("VirtualScriptAliasIP", "scripts", "ip", "The directory of /cgi-bin/ of each address, made of it"),
];

const SCRIPTS = "/cgi-bin";

function translateName(exchange: Exchange): boolean {
  const { documents, scripts } = exchange.vhost.store.get(vhostAliases);
  if (documents === undefined && scripts === undefined) return false;
  const { path } = exchange;
  const isScript = typeof scripts === "object" && path.startsWith(`${SCRIPTS}/`);
  const pattern = isScript ? scripts : documents;
  if (typeof pattern !== "object" || !path.startsWith("/")) return false;
  exchange.dependsOn = "request";
  const name = pattern.by === "name" ? selfName(exchange) : exchange.transport.local.address;
  // No name leads out of where the names are.
  if (/^\.|\.\.|\//.test(name)) return false;
  const directory = directoryOf(pattern, name, () => selfPort(exchange));
  exchange.documentRoot = directory;
  exchange.alias = { prefix: isScript ? SCRIPTS : "", root: directory };
  exchange.filename = directory + (isScript ? path.slice(SCRIPTS.length) : path);
  if (isScript) {
    exchange.handler = "cgi-script";
    // As mod_alias says that no Options are asked for here.
    (exchange.notes ??= new Map()).set("alias-forced-type", "cgi-script");
  }
  return true;
}

/** True when some VirtualScriptAlias makes scripts of files. */
export function hasVirtualScripts({ main, hosts }: ServerConfig): boolean {
  return [main, ...hosts].some(({ store }) => typeof store.get(vhostAliases).scripts === "object");
}

export const vhostAlias: ServerModule = {
  name: "vhost_alias_module",
  source: "mod_vhost_alias.c",
  directives,
  hooks: ({ main, hosts }) =>
    [main, ...hosts].some(({ store }) => {
        const { documents, scripts } = store.get(vhostAliases);
        return documents !== undefined || scripts !== undefined;
      })
      ? { translateName }
      : {},
};
