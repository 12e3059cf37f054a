// Where may a log go? What ErrorLog, CustomLog and their like take as a target, read into data.

import { isAbsolute, join } from "@std/path";
import { ArgumentError } from "../config/mod.ts";
import { FACILITIES, type Facility } from "./syslog.ts";

/** A file whose name changes: at the ends of intervals, and when it has grown too large. */
export interface RotatingTarget {
  readonly kind: "rotating";
  /** Absolute; what strftime() knows is replaced by the begin of the interval. */
  readonly pattern: string;
  /** Seconds; undefined: the name does not change with time. */
  readonly interval: number | undefined;
  /** The next file begins once one has this many bytes; undefined: files may grow. */
  readonly bytes: number | undefined;
}

/** A program that gets the lines on its standard input; `shell`: /bin/sh runs the command. */
export interface ProgramTarget {
  readonly kind: "program";
  readonly command: string;
  readonly shell: boolean;
}

/** Where bytes can be written. */
export type OutputTarget =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "standard"; readonly stream: "output" | "error" }
  | ProgramTarget
  | RotatingTarget;

/** Where a log goes. */
export type LogTarget =
  | OutputTarget
  | { readonly kind: "syslog"; readonly facility: Facility; readonly tag: string };

/** The same text for the same log. */
export function targetKey(target: LogTarget): string {
  switch (target.kind) {
    case "file":
      return target.path;
    case "program":
      return `|${target.shell ? "$" : ""}${target.command}`;
    case "rotating":
      return `rotate:${target.pattern} ${target.interval} ${target.bytes}`;
    case "standard":
      return `/dev/std${target.stream === "output" ? "out" : "err"}`;
    case "syslog":
      return `syslog:${target.facility}:${target.tag}`;
  }
}

/**
 * Reads a target: `|program`, `||program`, `|$shell command`, `rotate:file [seconds] [size]`, /dev/stdout, /dev/stderr, or a
 * file. @throws ArgumentError
 */
export function parseTarget(text: string, serverRoot: string): OutputTarget {
  if (text === "") throw new ArgumentError("the file to log to is missing");
  if (text.startsWith("|")) return parseProgram(text);
  if (/^rotate:/i.test(text)) return parseRotating(text.slice("rotate:".length), serverRoot);
  if (text === "/dev/stdout") return { kind: "standard", stream: "output" };
  if (text === "/dev/stderr") return { kind: "standard", stream: "error" };
  return { kind: "file", path: absolute(text, serverRoot) };
}

/** Reads a target of the error log, which may be `syslog[:[facility][:tag]]` too. @throws ArgumentError */
export function parseErrorTarget(text: string, serverRoot: string): LogTarget {
  const [name, facility = "", tag = ""] = text.split(/:(.*?)(?::(.*))?$/s);
  if (name.toLowerCase() !== "syslog") return parseTarget(text, serverRoot);
  const known = facility === "" ? "local7" : facility.toLowerCase();
  if (!Object.hasOwn(FACILITIES, known)) {
    throw new ArgumentError(`syslog has no facility "${facility}": ${Object.keys(FACILITIES).join(", ")}`);
  }
  return { kind: "syslog", facility: known as Facility, tag: tag === "" ? "mpmd" : tag };
}

function absolute(path: string, serverRoot: string): string {
  return isAbsolute(path) ? path : join(serverRoot, path);
}

function parseProgram(text: string): ProgramTarget {
  // "|$" asks for a shell; "||" is an older way not to.
  const [, mark, command] = /^\|([|$]?)\s*(.*)$/s.exec(text)!;
  if (command === "") throw new ArgumentError(`${text}: the program is missing`);
  const shell = mark === "$";
  if (!shell) programWords(command);
  return { kind: "program", command, shell };
}

/**
 * The words of a command that no shell runs: blanks part them, quotes keep them together, a backslash takes a quote, a blank or
 * a backslash as it is. @throws ArgumentError for a quote without its end
 */
export function programWords(command: string): string[] {
  const words: string[] = [];
  const piece = /\s*((?:\\[\s"'\\]|"(?:\\["\\]|[^"])*"|'[^']*'|[^\s"'])+)|\s*(.)/gsy;
  for (let found = piece.exec(command); found !== null; found = piece.exec(command)) {
    if (found[1] === undefined) throw new ArgumentError(`${command}: a quotation mark without its end`);
    words.push(found[1].replace(
      /\\([\s"'\\])|"((?:\\["\\]|[^"])*)"|'([^']*)'/gs,
      (_, escaped?: string, double?: string, single?: string) =>
        escaped ?? single ?? double!.replace(/\\(["\\])/g, "$1"),
    ));
    if (/^\s*$/.test(command.slice(piece.lastIndex))) break;
  }
  return words;
}

const SIZES: Readonly<Record<string, number>> = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/** `file [seconds] [size]`, in httpd's manner of rotatelogs; at least one of the two. */
function parseRotating(text: string, serverRoot: string): RotatingTarget {
  const [file, ...limits] = text.trim().split(/\s+/);
  const expected = "rotate: takes a file and seconds, a size (10M: B, K, M or G) or both";
  if (file === "" || limits.length === 0 || limits.length > 2) throw new ArgumentError(expected);
  let interval: number | undefined;
  let bytes: number | undefined;
  for (const limit of limits) {
    const [, digits, unit] = /^([1-9]\d{0,11})([BKMG]?)$/.exec(limit) ?? [];
    if (digits === undefined || (unit === "" ? interval : bytes) !== undefined) {
      throw new ArgumentError(`${expected}, not "${limit}"`);
    }
    if (unit === "") interval = Number(digits);
    else bytes = Number(digits) * SIZES[unit];
  }
  if (interval === undefined && /%/.test(file)) {
    throw new ArgumentError(
      `rotate: ${file} has a time in its name, and needs the seconds after which it changes`,
    );
  }
  return { kind: "rotating", pattern: absolute(file, serverRoot), interval, bytes };
}
