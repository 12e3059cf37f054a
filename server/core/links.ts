// May the symbolic links on the way to a file be followed? Options FollowSymLinks and SymLinksIfOwnerMatch, asked for every name on the
// way; what was found is believed as long as an open file is (OpenFileCacheValid).

import type { VirtualServer } from "../config/mod.ts";
import type { Exchange } from "../request/exchange.ts";
import type { ExchangeSubject } from "../request/expression_subject.ts";
import { clock } from "../http/engine/clock.ts";
import { openFiles } from "./open_files.ts";
import { Option, optionsOf, restrictsLinks } from "./place_options.ts";

/** Names per host of which is known whether they may be used; clients choose names, so there is a limit. */
const KEPT_NAMES = 4096;

interface Known {
  readonly checkedAt: number;
  /** The first link on the way that may not be followed. */
  readonly refused: string | undefined;
  /** Whether a name on the way is a link was asked: there its place does not follow all of them. */
  readonly asked: boolean;
}

const kept = new WeakMap<VirtualServer, Map<string, Known> | "unrestricted">();

function keptOf(host: VirtualServer): Map<string, Known> | "unrestricted" {
  let known = kept.get(host);
  if (known === undefined) {
    const stores = [host.dirDefaults, ...host.sections.directories.map(({ dir }) => dir)];
    known = host.resolver.readsOverrides || stores.some(restrictsLinks) ? new Map() : "unrestricted";
    kept.set(host, known);
  }
  return known;
}

/** True when links are followed everywhere below `host`: nothing is looked at. */
export function followsAllLinks(host: VirtualServer): boolean {
  return keptOf(host) === "unrestricted";
}

/**
 * The first link on the way to `filename` that may not be followed; undefined: none. What the exchange makes of this file depends on it
 * from now on. @throws OverrideError
 */
export function refusedLink(exchange: Exchange, filename: string): string | undefined {
  const { vhost, subject } = exchange;
  const known = keptOf(vhost);
  if (known === "unrestricted") return undefined;
  const { refused, asked } = look(vhost, known, filename, subject, clock.look);
  if (!asked) return refused;
  // Where .htaccess files say what is followed it is asked with each request.
  if (vhost.resolver.readsOverrides) exchange.dependsOn = "request";
  // The exchange must not be kept: it would be as long as its answer is.
  else exchange.holdsWhile((now) => look(vhost, known, filename, undefined, now).refused === undefined);
  return refused;
}

function look(
  host: VirtualServer,
  known: Map<string, Known>,
  name: string,
  subject: ExchangeSubject | undefined,
  now: number,
): Known {
  const before = known.get(name);
  if (before !== undefined && now - before.checkedAt <= openFiles.settings.valid) return before;
  const slash = name.lastIndexOf("/");
  const above = slash > 0 ? look(host, known, name.slice(0, slash), subject, now) : undefined;
  const followed = slash === name.length - 1 || followsAt(host, name, slash, subject);
  const refused = above?.refused ?? (followed || mayUse(host, name, slash, subject) ? undefined : name);
  const found = { checkedAt: now, refused, asked: above?.asked === true || !followed };
  if (known.size >= KEPT_NAMES) known.clear();
  known.set(name, found);
  return found;
}

/** True where every link is followed: nobody needs to know whether this is one. */
function followsAt(
  host: VirtualServer,
  name: string,
  slash: number,
  subject: ExchangeSubject | undefined,
): boolean {
  return (optionsOf(host.resolver.onTheWay(name.slice(0, slash + 1), subject)) & Option.FollowSymLinks) !== 0;
}

/** False for a link that may not be followed where it is, or that leads nowhere. */
function mayUse(
  host: VirtualServer,
  name: string,
  slash: number,
  subject: ExchangeSubject | undefined,
): boolean {
  const link = lstat(name);
  if (link?.isSymlink !== true) return true;
  const options = optionsOf(host.resolver.onTheWay(name.slice(0, slash + 1), subject));
  if ((options & Option.SymLinksIfOwnerMatch) === 0) return false;
  const owner = stat(name)?.uid;
  // Where files have no owners, nothing matches.
  return owner !== undefined && owner !== null && owner === link.uid;
}

/** True for a link to nothing. */
export function isDangling(name: string): boolean {
  return lstat(name)?.isSymlink === true;
}

function lstat(name: string): Deno.FileInfo | undefined {
  return looked(() => Deno.lstatSync(name));
}

function stat(name: string): Deno.FileInfo | undefined {
  return looked(() => Deno.statSync(name));
}

/** What cannot be looked at is no link: the look at the file itself says why. */
function looked(look: () => Deno.FileInfo): Deno.FileInfo | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
