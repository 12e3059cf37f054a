// What is in a directory, as a listing shows it? Entries with icons and descriptions, filtered and sorted.

import { compileGlob } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { nameFacts } from "../mime/mod.ts";
import { type IconRule, IndexOption, type IndexSettings, type SortKey } from "./settings.ts";

/** One line of a listing. */
export interface Entry {
  /** A directory's ends with a slash. */
  readonly name: string;
  readonly isParent: boolean;
  readonly isDirectory: boolean;
  /** Bytes; -1: not shown. */
  readonly size: number;
  /** Milliseconds since 1970; -1: not shown. */
  readonly modified: number;
  readonly icon: string | undefined;
  readonly alt: string | undefined;
  readonly description: string | undefined;
}

/** What a client may ask for in the query, as a listing's own links do. */
export interface Sorting {
  readonly key: SortKey;
  readonly descending: boolean;
}

/** As much of a page is searched for its title. */
const TITLE_WITHIN = 4096;

const globs = new Map<string, (text: string) => boolean>();

function glob(pattern: string, text: string): boolean {
  let matches = globs.get(pattern);
  if (matches === undefined) globs.set(pattern, matches = compileGlob(pattern));
  return matches(text);
}

/** The value of the first rule for a file; `type` undefined: only its path counts (a directory). */
function ruleFor(
  rules: readonly IconRule[],
  path: string,
  type: string | undefined,
  encoding: string | undefined,
): string | undefined {
  const found = rules.find(({ by, pattern }) => {
    if (by === "path") return glob(pattern, path);
    const subject = by === "encoding" ? encoding : encoding === undefined ? type : undefined;
    return subject !== undefined && glob(pattern.toLowerCase(), subject.toLowerCase());
  });
  return found?.value;
}

/** The icon of ^^DIRECTORY^^ and ^^BLANKICON^^. */
export function specialIcon({ icons }: IndexSettings, name: string): string | undefined {
  return icons.find(({ pattern }) => pattern === name)?.value;
}

function descriptionOf({ descriptions }: IndexSettings, path: string): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return descriptions.find(({ pattern }) => {
    const subject = pattern.includes("/") ? path : name;
    return /[*?[]/.test(pattern) ? glob(pattern, subject) : subject.includes(pattern);
  })?.text;
}

function isIgnored({ ignored }: IndexSettings, name: string): boolean {
  return ignored.some((pattern) => glob(pattern, name));
}

function parentEntry(settings: IndexSettings, directory: string): Entry | undefined {
  if (isIgnored(settings, "..")) return undefined;
  const path = `${directory}..`;
  return {
    name: "../",
    isParent: true,
    isDirectory: true,
    size: -1,
    modified: -1,
    icon: ruleFor(settings.icons, path, undefined, undefined) ?? specialIcon(settings, "^^DIRECTORY^^"),
    alt: ruleFor(settings.alts, path, undefined, undefined) ?? "PARENTDIR",
    description: descriptionOf(settings, path),
  };
}

/** The title of a page, for its description. */
function titleOf(path: string): string | undefined {
  using file = Deno.openSync(path);
  const start = new Uint8Array(TITLE_WITHIN);
  const length = file.readSync(start) ?? 0;
  const text = new TextDecoder().decode(start.subarray(0, length));
  return /<title[^>]*>([^<]*)/i.exec(text)?.[1].replace(/\s+/g, " ").trim();
}

function entryOf(
  exchange: Exchange,
  settings: IndexSettings,
  options: number,
  directory: string,
  name: string,
) {
  const path = directory + name;
  const state = seen(() => Deno.statSync(path));
  if (state === undefined || (!state.isFile && !state.isDirectory)) return undefined;
  // What the client would be refused is not shown either.
  if ((options & IndexOption.ShowForbidden) === 0 && !exchange.subject.isReachable("file", path)) {
    return undefined;
  }
  const { isDirectory } = state;
  const facts = isDirectory ? undefined : nameFacts(exchange, name);
  const icon = ruleFor(settings.icons, path, facts?.type, facts?.encoding);
  const alt = ruleFor(settings.alts, path, facts?.type, facts?.encoding);
  const scans = (options & IndexOption.ScanHTMLTitles) !== 0 && facts?.encoding === undefined &&
    /^(?:text\/html|application\/xhtml\+xml)$/.test(facts?.type ?? "");
  const entry: Entry = {
    name: isDirectory ? `${name}/` : name,
    isParent: false,
    isDirectory,
    size: isDirectory ? -1 : state.size,
    modified: state.mtime?.getTime() ?? -1,
    icon: icon ?? (isDirectory ? specialIcon(settings, "^^DIRECTORY^^") : undefined),
    alt: alt ?? (isDirectory ? "DIR" : undefined),
    description: descriptionOf(settings, path) ?? (scans ? seen(() => titleOf(path)) : undefined),
  };
  return entry;
}

/** What cannot be looked at is not listed. */
function seen<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/**
 * The entries of the directory that `exchange` means; `pattern` is what the client filters by. @throws the system's error when it cannot
 * be read
 */
export function readEntries(
  exchange: Exchange,
  settings: IndexSettings,
  options: number,
  pattern: string | undefined,
): Entry[] {
  const directory = exchange.filename.endsWith("/") ? exchange.filename : `${exchange.filename}/`;
  const parent = exchange.path === "/" ? undefined : parentEntry(settings, directory);
  const entries: Entry[] = parent === undefined ? [] : [parent];
  for (const { name } of Deno.readDirSync(directory)) {
    if (isIgnored(settings, name) || (pattern !== undefined && !glob(pattern, name))) continue;
    const entry = entryOf(exchange, settings, options, directory, name);
    if (entry !== undefined) entries.push(entry);
  }
  // Patterns of clients are theirs to choose: they are not kept.
  if (pattern !== undefined) globs.delete(pattern);
  return entries;
}

const byText = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0;

/** Runs of digits count as numbers; one with a leading zero as a fraction. */
function byVersion(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.match(/\d+|\D+/g) ?? []);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [one, other] = [left[i], right[i]];
    const numbers = /^\d/.test(one) && /^\d/.test(other) && !one.startsWith("0") && !other.startsWith("0");
    const order = numbers && one.length !== other.length ? one.length - other.length : byText(one, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/**
 * Sorts in place: the parent first, with FoldersFirst directories then, the rest by `key`, and equal ones by name. A list that is not fancy
 * shows names only, and knows no other key, as httpd's does.
 */
export function sortEntries(entries: Entry[], { key: wanted, descending }: Sorting, options: number): void {
  const key = (options & IndexOption.FancyIndexing) === 0 ? "N" : wanted;
  const compared = (a: Entry, b: Entry): number => {
    const order = key === "M"
      ? a.modified - b.modified
      : key === "S"
      ? a.size - b.size
      : key === "D"
      ? byText(a.description ?? "", b.description ?? "")
      : 0;
    if (order !== 0) return order;
    const blind = (options & IndexOption.IgnoreCase) !== 0;
    const [left, right] = blind ? [a.name.toLowerCase(), b.name.toLowerCase()] : [a.name, b.name];
    const named = (options & IndexOption.VersionSort) !== 0 ? byVersion(left, right) : byText(left, right);
    return named !== 0 ? named : byText(a.name, b.name);
  };
  entries.sort((a, b) => {
    if (a.isParent !== b.isParent) return a.isParent ? -1 : 1;
    if ((options & IndexOption.FoldersFirst) !== 0 && a.isDirectory !== b.isDirectory) {
      return a.isDirectory ? -1 : 1;
    }
    return descending ? compared(b, a) : compared(a, b);
  });
}
