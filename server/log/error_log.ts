// What does the server itself have to say, and where does it go? The error log, with httpd's levels, thresholds per module and
// line layout (http-core.md 14), routed by LogTape.

import { getLogger } from "@std/log";
import type { LogRecord as TapeRecord, Sink } from "@logtape/logtape";
import { type ErrorEntry, errorLine, type LogFields } from "./error_line.ts";
import { type HttpdLevel, httpdLevelOf, severity, tapeLevel } from "./levels.ts";
import { AppendFile, stderrSink, type WriteLine } from "./sinks.ts";
import { type Part, ROOT, setPart } from "./tape.ts";
import { Thresholds } from "./thresholds.ts";

export type { LogFields } from "./error_line.ts";
export { Thresholds } from "./thresholds.ts";

let logs = 0;

/** The steady clock is finer than Date's milliseconds, but does not follow when the system's clock is set. */
let offset = performance.timeOrigin;

/** Milliseconds since 1970 with a fraction. */
function preciseNow(): number {
  const now = Date.now();
  const fine = offset + performance.now();
  if (fine - now < 2 && now - fine < 2) return fine;
  offset = now - performance.now();
  return now;
}

/** LogTape's level for a threshold: rounded down, and never above that of `notice`, which always goes through. */
function lowestTape(level: HttpdLevel): ReturnType<typeof tapeLevel> {
  return tapeLevel(severity(level) < severity("info") ? "info" : level);
}

/** The error log of one thread. */
export class ErrorLog {
  readonly #thresholds: Thresholds;
  readonly #file: AppendFile | undefined;
  readonly #write: WriteLine;
  /** The category in LogTape is the module's: which log a record is for stands in the record. */
  readonly #id = `errorLog${++logs}`;
  readonly #encoder = new TextEncoder();
  readonly #pid = Deno.pid;
  readonly #tid: number | undefined;
  readonly #added: Sink[] = [];

  /**
   * @param to a function that takes whole lines, or the absolute path of a file; "/dev/stderr" is standard error as it is, and
   * need not exist
   * @param levels LogLevel's arguments
   * @param thread index of the server thread, -1 for the main thread of a process, undefined where an MPM has no threads
   * @throws LogLevelError; what Deno.openSync throws
   */
  constructor(to: string | WriteLine, levels: readonly string[], thread: number | undefined) {
    this.#thresholds = new Thresholds(levels);
    this.#tid = thread === -1 ? this.#pid : thread;
    this.#file = typeof to === "string" && to !== "/dev/stderr" ? new AppendFile(to) : undefined;
    this.#write = this.#file?.write ?? (typeof to === "function" ? to : stderrSink);
    this.#install();
  }

  #install(): void {
    const sinks: Record<string, Sink> = { lines: this.#mine((record) => this.#line(record)) };
    this.#added.forEach((sink, index) => sinks[`added${index}`] = this.#mine(sink));
    const part: Part = {
      sinks,
      loggers: [
        { category: [ROOT], lowestLevel: lowestTape(this.#thresholds.default), sinks: Object.keys(sinks) },
        ...Array.from(this.#thresholds.modules, ([module, level]) => ({
          category: [ROOT, module],
          lowestLevel: lowestTape(level),
          sinks: [],
        })),
      ],
    };
    setPart(this.#id, part);
  }

  /** httpd has more levels than LogTape, and there may be other error logs. */
  #mine(sink: Sink): Sink {
    return (record) => {
      const { errorLog = this.#id, startup } = record.properties;
      if (errorLog !== this.#id) return;
      const passes = startup === true || this.enabled(httpdLevelOf(record), record.category[1] ?? "core");
      if (passes) sink(record);
    };
  }

  #line(record: TapeRecord): void {
    const { properties } = record;
    const entry: ErrorEntry = {
      // Only records made below have fields: others are free to use the same names for something else.
      ...properties.errorLog === this.#id ? properties as Partial<ErrorEntry> : {},
      level: httpdLevelOf(record),
      module: record.category[1] ?? "core",
      time: record.timestamp,
      message: record.message.map(String).join(""),
      pid: this.#pid,
      tid: this.#tid,
    };
    this.#write(this.#encoder.encode(errorLine(entry) + "\n"));
  }

  /** True when a message of this level and module would be written; for messages that are costly to make. */
  enabled(level: HttpdLevel, module: string): boolean {
    return this.#thresholds.allows(level, module);
  }

  /** Writes one line, if the level goes through. `module` is its short name, `ah` httpd's number of the message. */
  log(
    level: HttpdLevel,
    module: string,
    ah: string | undefined,
    message: string,
    fields: LogFields = {},
  ): void {
    if (!this.#thresholds.allows(level, module)) return;
    getLogger(module).log(level, message, { ...fields, ah, errorLog: this.#id }, preciseNow());
  }

  /** Writes a message of the start: nothing but the message, from level info on whatever LogLevel says. */
  logStartup(level: HttpdLevel, module: string, ah: string | undefined, message: string): void {
    getLogger(module).log(level, message, { ah, startup: true, errorLog: this.#id }, preciseNow());
  }

  /**
   * Gives the records that go through to a LogTape sink too, until close(). The sink stays its owner's: it is not disposed of here.
   * A record has the category ["mpmd", module] and the properties httpdLevel, ah and those of LogFields.
   */
  addSink(sink: Sink): void {
    this.#added.push(sink);
    this.#install();
  }

  /** Opens the file anew, after it has been renamed. @throws what Deno.openSync throws; the old file stays in use then */
  reopen(): void {
    this.#file?.reopen();
  }

  /** Writes nothing any more. */
  close(): void {
    setPart(this.#id, undefined);
    this.#file?.close();
  }
}
