// What answers a request for a directory, or for what is not there? mod_dir: a redirect to the name with a slash, the index file, and
// FallbackResource.

import {
  ArgumentError,
  type Context,
  type Directive,
  dirKey,
  type DirStore,
  flag,
} from "../../server/config/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import { clock } from "../../server/http/engine/clock.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { InternalRedirect, type ServerModule } from "../../server/request/module.ts";
import { ownUrl } from "../../server/request/self_name.ts";
import { escapedPath } from "../alias/rules.ts";
import { fileErrorReply } from "../../server/core/default_handler.ts";
import { refusedLink } from "../../server/core/links.ts";
import { FileError } from "../../server/core/open_files.ts";
import { lookUp } from "../../server/core/translate.ts";
import { negotiate } from "../negotiation/mod.ts";

interface DirSettings {
  index: readonly string[] | undefined;
  slash: boolean | undefined;
  /** "disabled": none. */
  fallback: string | undefined;
  /** Clients are sent to the index file with this status; 0: it is sent in the place of the directory. */
  indexRedirect: number | undefined;
  /** A handler for the directory answers, and no index file. */
  checkHandler: boolean | undefined;
}

const dirDir = dirKey<DirSettings>("dir", {
  create: () => ({
    index: undefined,
    slash: undefined,
    fallback: undefined,
    indexRedirect: undefined,
    checkHandler: undefined,
  }),
  merge: (base, over) => ({
    index: over.index ?? base.index,
    slash: over.slash ?? base.slash,
    fallback: over.fallback ?? base.fallback,
    indexRedirect: over.indexRedirect ?? base.indexRedirect,
    checkHandler: over.checkHandler ?? base.checkHandler,
  }),
});

const DEFAULT_INDEX: readonly string[] = ["index.html"];
const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

/** The names that DirectoryIndex gives. */
export function dirIndexNames(dir: DirStore): readonly string[] {
  return dir.get(dirDir).index ?? DEFAULT_INDEX;
}

const REDIRECTS: Readonly<Record<string, number>> = {
  off: 0,
  on: 302,
  temp: 302,
  permanent: 301,
  seeother: 303,
};

const directives: readonly Directive[] = [{
  name: "DirectoryIndex",
  contexts: EVERYWHERE,
  args: [1, 64],
  syntax: "DirectoryIndex disabled | local-url [local-url] ...",
  help: "The files to look for when a client asks for a directory; several lines add to each other",
  default: "index.html",
  override: "Indexes",
  apply(names, to) {
    const settings = to.dir.get(dirDir);
    const none = names.length === 1 && names[0].toLowerCase() === "disabled";
    settings.index = none ? [] : [...settings.index ?? [], ...names];
  },
}, {
  name: "DirectorySlash",
  contexts: EVERYWHERE,
  args: 1,
  syntax: "DirectorySlash On|Off",
  help: "Whether a directory asked for without its final slash is redirected to the name with it",
  default: "On",
  override: "Indexes",
  apply([on], to) {
    to.dir.get(dirDir).slash = flag(on);
  },
}, {
  name: "FallbackResource",
  contexts: EVERYWHERE,
  args: 1,
  syntax: "FallbackResource disabled|local-url",
  help: "What is sent for names that are not there",
  default: "disabled",
  override: "Indexes",
  apply([url], to) {
    if (!url.startsWith("/") && url.toLowerCase() !== "disabled") {
      throw new ArgumentError(
        `FallbackResource must be disabled or a path that begins with a slash, not "${url}"`,
      );
    }
    to.dir.get(dirDir).fallback = url.startsWith("/") ? url : "disabled";
  },
}, {
  name: "DirectoryIndexRedirect",
  contexts: EVERYWHERE,
  args: 1,
  syntax: "DirectoryIndexRedirect On|Off|permanent|temp|seeother|3xx-code",
  help: "Whether clients are sent to the index file instead of getting it for the directory",
  default: "Off",
  override: "Indexes",
  apply([word], to) {
    const lower = word.toLowerCase();
    const status = Object.hasOwn(REDIRECTS, lower)
      ? REDIRECTS[lower]
      : /^3\d\d$/.test(word)
      ? Number(word)
      : undefined;
    if (status === undefined) {
      throw new ArgumentError(`DirectoryIndexRedirect must be On, Off, a word or 3xx, not "${word}"`);
    }
    to.dir.get(dirDir).indexRedirect = status;
  },
}, {
  name: "DirectoryCheckHandler",
  contexts: EVERYWHERE,
  args: 1,
  syntax: "DirectoryCheckHandler On|Off",
  help: "Whether index files are left out where another handler answers",
  default: "Off",
  override: "Indexes",
  apply([word], to) {
    to.dir.get(dirDir).checkHandler = flag(word);
  },
}];

function fixups(exchange: Exchange, files: boolean): Reply | InternalRedirect | undefined {
  const { file, method, pathInfo } = exchange;
  if (!files || (method !== "GET" && method !== "HEAD" && method !== "POST")) return undefined;
  const settings = exchange.dir.get(dirDir);
  if (file?.isDirectory === true) return pathInfo === "" ? ofDirectory(exchange, settings) : undefined;
  return file === undefined && exchange.handler === undefined && exchange.filename !== ""
    ? fallback(exchange, settings)
    : undefined;
}

function ofDirectory(exchange: Exchange, settings: DirSettings): Reply | InternalRedirect | undefined {
  const { method, environment, query } = exchange;
  if (!exchange.path.endsWith("/")) {
    if (settings.slash === false) return undefined;
    // Some clients cannot be sent elsewhere with anything but GET (BrowserMatch).
    if (method === "POST" && environment?.has("redirect-carefully") === true) return undefined;
    const location = `${ownUrl(exchange)}${escapedPath(exchange.path)}/${query === "" ? "" : `?${query}`}`;
    return errorReply(301, { location });
  }
  if (settings.checkHandler === true && exchange.handler !== undefined) return undefined;
  return indexFile(exchange, settings) ??
    (exchange.file?.isDirectory === true ? fallback(exchange, settings) : undefined);
}

/** Puts the first index file that is there in the place of its directory. */
function indexFile(exchange: Exchange, { index = DEFAULT_INDEX, indexRedirect = 0 }: DirSettings) {
  const directory = exchange.filename.replace(/\/$/, "");
  const query = exchange.query === "" ? "" : `?${exchange.query}`;
  const missing: string[] = [];
  for (const name of index) {
    if (name.startsWith("/")) {
      if (exchange.subject.isReachable("url", name)) return new InternalRedirect(name + query);
      continue;
    }
    const filename = `${directory}/${name}`;
    const found = lookUp(filename, clock.look);
    if (found instanceof FileError) return fileErrorReply(found);
    if (found === undefined || !found.isFile) {
      const chosen = found === undefined ? negotiate(exchange, filename) : undefined;
      if (chosen === undefined) {
        missing.push(filename);
        continue;
      }
      if ("status" in chosen) return chosen;
      exchange.path += chosen.filename.slice(directory.length + 1);
      exchange.filename = chosen.filename;
      exchange.file = chosen.info;
      return undefined;
    }
    if (refusedLink(exchange, filename) !== undefined) return errorReply(403);
    if (indexRedirect !== 0) {
      const location = `${ownUrl(exchange)}${escapedPath(exchange.path + name)}${query}`;
      return errorReply(indexRedirect, { location });
    }
    exchange.filename = filename;
    exchange.file = found;
    // As if the client had asked for it: sections for its path hold, and logs name it.
    exchange.path += name;
    if (missing.length > 0) {
      exchange.holdsWhile((now) => missing.every((before) => lookUp(before, now) === undefined));
    }
    return undefined;
  }
  return undefined;
}

function fallback(exchange: Exchange, settings: DirSettings): InternalRedirect | undefined {
  const target = settings.fallback;
  if (target === undefined || target === "disabled") return undefined;
  // What the fallback itself is not found for is simply not found.
  if (exchange.path === target.split("?", 1)[0]) return undefined;
  const { query } = exchange;
  return new InternalRedirect(query === "" || target.includes("?") ? target : `${target}?${query}`);
}

export const dir: ServerModule = {
  name: "dir_module",
  source: "mod_dir.c",
  directives,
  hooks: () => ({ fixups }),
};
