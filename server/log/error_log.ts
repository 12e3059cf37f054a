// What does the server itself have to say, and where does it go? The error log, with httpd's levels, thresholds per module and
// line layout (http-core.md 14), routed by @std/log.

import { getLogger, type LevelName, type LogRecord, setup, WriterHandler } from "@std/log";
import { type HttpdLevel, severity, tapeLevel } from "./levels.ts";

/** What may stand in a line besides its message. */
export interface LogFields {
  /** "address:port" of the client it concerns. */
  readonly client?: string;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** `Www Mmm dd hh:mm:ss.uuuuuu yyyy`, local time. */
function timestamp(date: Date): string {
  const micros = `${String(date.getMilliseconds()).padStart(3, "0")}000`;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${micros}`;
  return `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${
    two(date.getDate())
  } ${time} ${date.getFullYear()}`;
}

// deno-lint-ignore no-control-regex -- finding control characters is the purpose
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/g;

/** Control characters would let a client make lines of its own. */
function escapeControl(text: string): string {
  return text.replace(
    CONTROL,
    (char) => char === "\n" ? "\\n" : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** Which levels go through, by module: LogLevel's arguments. */
export class Thresholds {
  readonly #modules: Map<string, number> = new Map();
  #default = severity("warn");

  /** @throws RangeError for a word that is no level */
  constructor(args: readonly string[]) {
    for (const arg of args) {
      const [module, level] = arg.includes(":") ? arg.split(":", 2) : [undefined, arg];
      const rank = severity(level.toLowerCase());
      if (rank < 0) {
        throw new RangeError(
          `LogLevel requires level keyword: one of emerg/alert/crit/error/warn/notice/info/debug/trace1/.../trace8, not "${level}"`,
        );
      }
      if (module === undefined) this.#default = rank;
      else this.#modules.set(module.replace(/_module$/, "").replace(/^mod_(.*)\.c$/, "$1"), rank);
    }
  }

  /** True when a message of this level and module is to be written. notice always is. */
  allows(level: HttpdLevel, module: string): boolean {
    return level === "notice" || severity(level) <= (this.#modules.get(module) ?? this.#default);
  }
}

const NAMES: Readonly<Record<ReturnType<typeof tapeLevel>, LevelName>> = {
  trace: "NOTSET",
  debug: "DEBUG",
  info: "INFO",
  warning: "WARN",
  error: "ERROR",
  fatal: "CRITICAL",
};

/** The error log of one thread. */
export class ErrorLog {
  readonly #thresholds: Thresholds;
  #file: Deno.FsFile | undefined;

  /**
   * @param path absolute; "/dev/stderr" is standard error as it is, and need not exist
   * @param thread index of the server thread, -1 for the main thread of a process
   * @throws what Deno.openSync throws
   */
  constructor(readonly path: string, levels: readonly string[], readonly thread: number) {
    this.#thresholds = new Thresholds(levels);
    this.#open();
    const handler = new WriterHandler("NOTSET", (line) => this.#write(line), {
      formatter: (record) => this.#format(record),
    });
    setup({
      handlers: { errorLog: handler },
      loggers: { default: { level: "NOTSET", handlers: ["errorLog"] } },
    });
  }

  #open(): void {
    this.#file = this.path === "/dev/stderr"
      ? undefined
      : Deno.openSync(this.path, { append: true, create: true });
  }

  #write(line: Uint8Array): void {
    const to = this.#file ?? Deno.stderr;
    for (let at = 0; at < line.length;) at += to.writeSync(line.subarray(at));
  }

  #format({ msg, datetime, properties }: LogRecord): string {
    const { module, level, ah, client } = properties;
    const tid = this.thread < 0 ? Deno.pid : this.thread;
    const from = client === undefined ? "" : `[client ${client}] `;
    const number = ah === undefined ? "" : `${ah}: `;
    return `[${timestamp(datetime)}] [${module}:${level}] [pid ${Deno.pid}:tid ${tid}] ${from}${number}${
      escapeControl(msg)
    }`;
  }

  /** Writes one line, if the level goes through. `ah` is httpd's number of the message. */
  log(
    level: HttpdLevel,
    module: string,
    ah: string | undefined,
    message: string,
    fields: LogFields = {},
  ): void {
    if (!this.#thresholds.allows(level, module)) return;
    getLogger(module).log(NAMES[tapeLevel(level)], message, { ...fields, module, level, ah });
  }

  /** Opens the file anew, after it has been renamed. */
  reopen(): void {
    const old = this.#file;
    this.#open();
    old?.close();
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
