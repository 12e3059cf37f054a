// Does a section apply to this file or path? One matcher per kind of section, made once when the section is read.

import type { Where } from "./errors.ts";
import { compileGlob, isGlob } from "./glob.ts";
import type { Branch } from "./if_sections.ts";
import { compileRegex } from "./regex.ts";
import type { DirStore } from "./stores.ts";

/** A section that has been applied. */
export interface Section {
  /** As in the configuration, for messages and dumps. */
  readonly pattern: string;
  readonly where: Where;
  /** What its directives set; nothing of what is around it. */
  readonly dir: DirStore;
  /** Components of a <Directory>; Infinity for regular expressions, which come last. 0 for other sections. */
  readonly depth: number;
  /** Of a <Directory> without wildcards: its name with a slash at its end. */
  readonly directory?: string;
  /**
   * `subject` is the path of the URL (locations), the last component of the file name (files), or the file name with slashes
   * (directories); file names of Windows as comparable() makes them. For directories `isDirectory` tells what the file name
   * is, as far as that is known.
   */
  matches(subject: string, isDirectory?: boolean): boolean;
  /** <Files> within it. */
  readonly files: Section[];
  /** <If>, <ElseIf> and <Else> within it, in order. */
  readonly ifs: Section[];
  /** Of an <If> and its kin. */
  readonly branch?: Branch;
}

/** The part of a section that its arguments determine. */
export type Pattern = Pick<Section, "pattern" | "depth" | "directory" | "matches">;

/** A regular expression, for file names of Windows without regard to case. */
export function regexPattern(source: string, caseBlind = false): Pattern {
  const regex = compileRegex(source, caseBlind ? "i" : "");
  return { pattern: source, depth: Infinity, matches: (subject) => regex.test(subject) };
}

/** How <Directory> takes its argument. */
export interface DirectoryOptions {
  readonly serverRoot: string;
  readonly windowsPaths: boolean;
}

/** A directory and all below it; wildcards do not match slashes. A relative name is below ServerRoot. */
export function directoryPattern(pattern: string, { serverRoot, windowsPaths }: DirectoryOptions): Pattern {
  const isAbsolute = (windowsPaths ? /^(?:[a-z]:)?[\\/]/i : /^\//).test(pattern);
  const whole = isAbsolute ? pattern : `${serverRoot}/${pattern}`;
  const path = directoryName(windowsPaths ? comparable(whole) : whole);
  const depth = path.split("/").length - 1;
  if (path === "/") return { pattern, depth, directory: "/", matches: () => true };
  if (isGlob(path)) {
    const matches = compileGlob(path, { pathname: true });
    return {
      pattern,
      depth,
      matches: (subject, isDirectory) => {
        const start = firstComponents(subject, depth, isDirectory === true);
        return start !== undefined && matches(start);
      },
    };
  }
  const bare = path.slice(0, -1);
  // Where nobody knows whether the file is a directory, its own section applies: it may be one that restricts it.
  const matches: Pattern["matches"] = (subject, isDirectory) =>
    subject.startsWith(path) || (isDirectory !== false && subject === bare);
  return { pattern, depth, directory: path, matches };
}

/** A Windows file name as it is compared: with slashes and in lower case. */
export function comparable(name: string): string {
  return name.replaceAll("\\", "/").toLowerCase();
}

/** An absolute name with one slash between components and at the end, without `.` and `..`. */
function directoryName(path: string): string {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  const start = path.startsWith("/") ? "/" : "";
  return kept.length === 0 ? "/" : `${start}${kept.join("/")}/`;
}

/** `path` up to its nth slash; the end of a directory's name counts as one. */
function firstComponents(path: string, slashes: number, isDirectory: boolean): string | undefined {
  let at = -1;
  for (let count = 0; count < slashes; count++) {
    const next = path.indexOf("/", at + 1);
    if (next < 0) return isDirectory && count === slashes - 1 && !path.endsWith("/") ? `${path}/` : undefined;
    at = next;
  }
  return path.slice(0, at + 1);
}

/** The last component of a file name. */
export function filesPattern(pattern: string, { windowsPaths }: { windowsPaths: boolean }): Pattern {
  const name = windowsPaths ? pattern.toLowerCase() : pattern;
  const matches = isGlob(name) ? compileGlob(name) : (subject: string) => subject === name;
  return { pattern, depth: 0, matches };
}

/** A path of URLs and all below it; with wildcards, which do not match slashes, exactly the paths that match. */
export function locationPattern(pattern: string): Pattern {
  if (isGlob(pattern)) return { pattern, depth: 0, matches: compileGlob(pattern, { pathname: true }) };
  const endsWithSlash = pattern.endsWith("/");
  return {
    pattern,
    depth: 0,
    matches: (subject) =>
      subject.startsWith(pattern) &&
      (endsWithSlash || subject.length === pattern.length || subject[pattern.length] === "/"),
  };
}
