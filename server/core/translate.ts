// Which file does a path mean? The core's translation: DocumentRoot and the path, then the longest prefix that exists.

import type { Exchange, FileInfo } from "../request/exchange.ts";
import { clock } from "../http/engine/clock.ts";
import { coreServer } from "./config.ts";
import { FileError, fileInfo, openFiles } from "./open_files.ts";

/** Puts the path under DocumentRoot. */
export function translateName(exchange: Exchange): boolean {
  const root = exchange.vhost.store.get(coreServer).documentRoot;
  if (root === undefined) return false;
  exchange.filename = root + exchange.path;
  return true;
}

/** What is at `path`, from the open-file cache if it knows; a FileError where that may not be known. */
export function lookUp(path: string, now: number): FileInfo | FileError | undefined {
  const recent = openFiles.recent(path, now);
  if (recent !== undefined) return recent;
  try {
    return fileInfo(path);
  } catch (error) {
    if (error instanceof FileError) return error;
    throw error;
  }
}

/**
 * Looks the file up (httpd's map_to_storage): sets `file`, and `pathInfo` to what of the path is left behind it, or behind the first
 * name that does not exist. Returns a FileError when a part of the way is closed.
 */
export function mapToStorage(exchange: Exchange): FileError | undefined {
  const whole = exchange.filename;
  let path = whole;
  for (;;) {
    const bare = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
    const found = lookUp(bare, clock.look);
    if (found instanceof FileError) return found;
    if (found !== undefined) {
      if (found.isDirectory && whole.length - bare.length > 1) {
        // The first name that is not there is still the file that is meant: sections may speak of it.
        const end = whole.indexOf("/", bare.length + 1);
        exchange.pathInfo = end < 0 ? "" : whole.slice(end);
        exchange.filename = end < 0 ? whole : whole.slice(0, end);
        return undefined;
      }
      // A file's name does not end with a slash: what follows it is path info.
      const rest = found.isDirectory ? "" : whole.slice(bare.length);
      exchange.file = found;
      exchange.pathInfo = rest;
      if (rest !== "") exchange.filename = bare;
      return undefined;
    }
    const cut = bare.lastIndexOf("/");
    if (cut <= 0) return undefined;
    path = bare.slice(0, cut);
  }
}
