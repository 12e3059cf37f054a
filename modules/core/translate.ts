// Which file does a path mean? The core's translation: DocumentRoot and the path, then the longest prefix that exists.

import type { Exchange, FileInfo } from "../../server/request/exchange.ts";
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
 * Looks the file up (httpd's map_to_storage): sets `file`, and `pathInfo` to what of the path is left behind the longest
 * prefix that exists. Returns a FileError when a part of the way is closed.
 */
export function mapToStorage(exchange: Exchange): FileError | undefined {
  const whole = exchange.filename;
  let path = whole;
  for (;;) {
    const bare = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
    const found = lookUp(bare, exchange.startClock);
    if (found instanceof FileError) return found;
    if (found !== undefined) {
      // A file's name does not end with a slash: what follows it is path info.
      const rest = found.isDirectory && whole.length - bare.length <= 1 ? "" : whole.slice(bare.length);
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
