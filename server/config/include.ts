// Which files does an Include line mean? A file, a directory with everything below it, or names with wildcards in any
// component; always in the order of the names' characters.

import { isAbsolute, join, resolve } from "@std/path";
import { ArgumentError } from "./errors.ts";
import type { ConfigFiles } from "./files.ts";
import { compileGlob, isGlob } from "./glob.ts";

/** Directories below an included one (httpd's AP_MAX_INCLUDE_DIR_DEPTH). */
const DIRECTORY_DEPTH = 20;

/** What to look for, and where. */
export interface IncludeRequest {
  readonly pattern: string;
  /** Relative patterns are below it. */
  readonly serverRoot: string;
  /** IncludeOptional: nothing there is no error. */
  readonly optional: boolean;
}

/** The files in the order in which they are read. @throws ArgumentError */
export function includedFiles(
  files: ConfigFiles,
  { pattern, serverRoot, optional }: IncludeRequest,
): string[] {
  if (pattern === "" || pattern.includes("\0")) throw new ArgumentError(`Invalid Include path ${pattern}`);
  const start = isAbsolute(pattern) ? "/" : serverRoot;
  const whole = isAbsolute(pattern) ? pattern : join(serverRoot, pattern);
  return guarded(whole, () => {
    // Wildcards count in what was written only: brackets in the name of ServerRoot are brackets.
    if (!isGlob(pattern)) return plain(files, whole, optional);
    const parts = pattern.split("/").filter((part) => part !== "");
    return matching(files, resolve(start), parts, optional);
  });
}

/** Turns what the file system throws into an error of the line that names the file. @throws ArgumentError */
export function guarded<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof ArgumentError || !(error instanceof Error)) throw error;
    throw new ArgumentError(`Could not open configuration file ${path}: ${error.message}`);
  }
}

function plain(files: ConfigFiles, path: string, optional: boolean): string[] {
  const found = files.stat(path);
  if (found === undefined) {
    if (optional) return [];
    throw new ArgumentError(`Could not open configuration file ${path}: No such file or directory`);
  }
  return found.isDirectory ? below(files, path, 1) : [path];
}

function below(files: ConfigFiles, directory: string, depth: number): string[] {
  if (depth > DIRECTORY_DEPTH) {
    throw new ArgumentError(
      `Directory ${directory} exceeds the nesting limit of ${DIRECTORY_DEPTH} for included directories; do they contain themselves?`,
    );
  }
  return sorted(files.readDir(directory)).flatMap((name) => {
    const path = join(directory, name);
    return files.stat(path)?.isDirectory ? below(files, path, depth + 1) : [path];
  });
}

function matching(
  files: ConfigFiles,
  directory: string,
  parts: readonly string[],
  optional: boolean,
): string[] {
  const [part, ...rest] = parts;
  if (!isGlob(part)) {
    // A drive letter is absolute by itself.
    const path = isAbsolute(`${part}/`) ? `${part}/` : join(directory, part);
    return rest.length === 0 ? plain(files, path, optional) : matching(files, path, rest, optional);
  }
  const nothing = `No matches for the wildcard '${part}' in '${directory}' (IncludeOptional allows that)`;
  if (files.stat(directory)?.isDirectory !== true) {
    if (optional) return [];
    throw new ArgumentError(nothing);
  }
  const matches = compileGlob(part);
  // A leading dot is only matched by a dot, as in a shell.
  const names = files.readDir(directory).filter((name) =>
    (name[0] !== "." || part[0] === ".") && matches(name)
  );
  const paths = sorted(names).map((name) => join(directory, name));
  const usable = rest.length === 0 ? paths : paths.filter((path) => files.stat(path)?.isDirectory);
  if (usable.length === 0 && !optional) throw new ArgumentError(nothing);
  return usable.flatMap((path) =>
    rest.length === 0 ? plain(files, path, optional) : matching(files, path, rest, optional)
  );
}

/** In the order of code units, whatever the locale. */
function sorted(names: readonly string[]): string[] {
  return [...names].sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
}
