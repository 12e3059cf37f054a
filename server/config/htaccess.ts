// What does the .htaccess file of a directory say? Read when it is first asked for, kept, and looked at again once what is known of
// it is older than OpenFileCacheValid: a change counts after that time at the latest, by default for the next request.

import { type ApplyOptions, applyOverrideFile } from "./apply.ts";
import { ConfigError } from "./errors.ts";
import type { Section } from "./matching.ts";
import type { Overrides } from "./overrides.ts";
import type { ConfigWarning, ReadOptions } from "./read_options.ts";
import { readConfig } from "./reader.ts";

/** Directories of which is known what file they have; clients choose paths, so there is a limit. */
const KEPT_DIRECTORIES = 4096;

/** Finds the .htaccess files of a host. */
export interface OverrideFiles {
  /** What the file in `directory`, which ends with a slash, says; undefined: there is none. @throws OverrideError */
  sectionOf(directory: string, overrides: Overrides): Section | undefined;
  /** Says whether the file still says what sectionOf() has said last. */
  watch(directory: string, overrides: Overrides): () => boolean;
}

/** A .htaccess file that cannot be used: requests below it are refused. `message` is for the error log. */
export class OverrideError extends Error {
  override readonly name = "OverrideError";

  /** @param status 500 for what it says, 403 when it cannot be read */
  constructor(readonly status: 403 | 500, readonly ah: string | undefined, message: string) {
    super(message);
  }
}

/** What reading the files needs. */
export interface OverrideFilesOptions {
  readonly read: Omit<ReadOptions, "file" | "before" | "after" | "htaccess" | "loadModule">;
  readonly apply: Omit<ApplyOptions, "htaccess">;
  /** Changes when the file does; undefined: no such file. Throws the system's error when that may not be known. */
  readonly stampOf: (path: string) => string | undefined;
  /** Milliseconds that an answer is believed. */
  readonly valid: () => number;
  /** Milliseconds, from any point of time on. */
  readonly now: () => number;
  readonly warn: (warning: ConfigWarning) => void;
}

/** What is known of a directory. */
interface Known {
  checkedAt: number;
  /** The first of the names that there is, and its state; undefined: none. */
  readonly path: string | undefined;
  readonly stamp: string | undefined;
  readonly result: Section | OverrideError | undefined;
  /** Looks again: it is the same. */
  readonly unchanged: () => boolean;
}

type Found = Omit<Known, "unchanged">;

/** The files under `names`, the first that is there for each directory. */
export function overrideFiles(names: readonly string[], options: OverrideFilesOptions): OverrideFiles {
  const kept = new Map<Overrides, Map<string, Known>>();
  let count = 0;

  function current(directory: string, overrides: Overrides): Known {
    const now = options.now();
    const before = kept.get(overrides)?.get(directory);
    // What was looked at for the same input is not looked at again.
    if (before !== undefined && now - before.checkedAt <= options.valid()) return before;
    const found = look(directory, overrides, before, now);
    return found === before ? before! : keep(directory, overrides, found);
  }

  function keep(directory: string, overrides: Overrides, found: Found): Known {
    const known: Known = { ...found, unchanged: () => current(directory, overrides) === known };
    if (count >= KEPT_DIRECTORIES) {
      kept.clear();
      count = 0;
    }
    let directories = kept.get(overrides);
    if (directories === undefined) kept.set(overrides, directories = new Map());
    if (!directories.has(directory)) count++;
    directories.set(directory, known);
    return known;
  }

  function look(directory: string, overrides: Overrides, before: Known | undefined, now: number): Found {
    for (const name of names) {
      const path = directory + name;
      let stamp: string | undefined;
      try {
        stamp = options.stampOf(path);
      } catch (error) {
        return { checkedAt: now, path, stamp: undefined, result: unreadable(path, error) };
      }
      if (stamp === undefined) continue;
      if (before !== undefined && before.path === path && before.stamp === stamp) {
        before.checkedAt = now;
        return before;
      }
      return { checkedAt: now, path, stamp, result: readOverrideFile(path, overrides, options) };
    }
    if (before !== undefined && before.path === undefined) {
      before.checkedAt = now;
      return before;
    }
    return { checkedAt: now, path: undefined, stamp: undefined, result: undefined };
  }

  return {
    sectionOf: (directory, overrides) => resultOf(current(directory, overrides)),
    watch: (directory, overrides) => kept.get(overrides)?.get(directory)?.unchanged ?? (() => false),
  };
}

function resultOf({ result }: Known): Section | undefined {
  if (result instanceof OverrideError) throw result;
  return result;
}

function unreadable(path: string, error: unknown): OverrideError {
  if (!(error instanceof Error)) throw error;
  return new OverrideError(
    403,
    "AH00529",
    `${path}: unable to check htaccess file, ensure it is readable and its directory is executable: ${error.message}`,
  );
}

function readOverrideFile(
  path: string,
  overrides: Overrides,
  options: OverrideFilesOptions,
): Section | OverrideError {
  try {
    const tree = readConfig({ ...options.read, file: path, htaccess: true, loadModule: () => {} });
    const { section, warnings } = applyOverrideFile(tree.nodes, path, overrides, options.apply);
    for (const warning of [...tree.warnings, ...warnings]) options.warn(warning);
    return section;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return new OverrideError(500, undefined, `${error.file}:${error.line}: ${error.reason}`);
  }
}
