// What does the server itself have to say, and where does it go? The error log, with httpd's levels, thresholds per module and
// line layout (http-core.md 14), routed by LogTape where that is loaded (tape_link.ts).

import type { LogRecord as TapeRecord, Sink } from "@logtape/logtape";
import {
  compileErrorFormat,
  defaultErrorFormat,
  type ErrorEntry,
  type ErrorFormat,
  type LogFields,
  untimedErrorFormat,
} from "./error_format.ts";
import type { ErrorSink } from "./error_sink.ts";
import { type HttpdLevel, httpdLevelOf, severity, tapeLevel } from "./levels.ts";
import { OnceLines } from "./once_lines.ts";
import type { Part } from "./tape.ts";
import { awaitTape, forgetTape, ROOT, tapeLink } from "./tape_link.ts";
import type { Thresholds } from "./thresholds.ts";

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

/** How lines look: ErrorLogFormat's arguments. */
export interface ErrorLayout {
  /** undefined: httpd's default. */
  readonly format?: string;
  /** Lines that precede the first one about a connection, or a request. */
  readonly connection: readonly string[];
  readonly request: readonly string[];
}

/** What an error log is made of. */
export interface ErrorLogParts {
  readonly sink: ErrorSink;
  /** What goes through where nobody says otherwise. */
  readonly thresholds: Thresholds;
  /** Index of the server thread, -1 for the main thread of a process, undefined where an MPM has no threads. */
  readonly thread: number | undefined;
  readonly layout?: ErrorLayout;
  /** What others log through LogTape below `mpmd` comes here too. */
  readonly takesOthers?: boolean;
}

/** One error log of one thread. */
export class ErrorLog {
  readonly #parts: ErrorLogParts;
  readonly #format: ErrorFormat;
  readonly #once: OnceLines;
  /** The category in LogTape is the module's: which log a record is for stands in the record. */
  readonly #id = `errorLog${++logs}`;
  readonly #pid = Deno.pid;
  readonly #tid: number | undefined;
  readonly #added: Sink[] = [];
  #lowest: HttpdLevel;

  /** @throws ArgumentError for a layout that cannot be used */
  constructor(parts: ErrorLogParts) {
    this.#parts = parts;
    const { thread, layout, sink } = parts;
    this.#tid = thread === -1 ? this.#pid : thread;
    const usual = sink.notesTime ? untimedErrorFormat : defaultErrorFormat;
    this.#format = layout?.format === undefined ? usual : compileErrorFormat(layout.format);
    this.#once = new OnceLines(layout?.connection ?? [], layout?.request ?? []);
    this.#lowest = parts.thresholds.lowest;
    awaitTape(this.#install);
    this.#install();
  }

  readonly #install = (): void => {
    const tape = tapeLink();
    if (tape === undefined) return;
    const sinks: Record<string, Sink> = { lines: this.#mine((record) => this.#line(record)) };
    this.#added.forEach((sink, index) => sinks[`added${index}`] = this.#mine(sink));
    const part: Part = {
      sinks,
      loggers: [{ category: [ROOT], lowestLevel: lowestTape(this.#lowest), sinks: Object.keys(sinks) }],
    };
    tape.setPart(this.#id, part);
  };

  /** There are other error logs, whose records are not for this one; and httpd has more levels than LogTape. */
  #mine(sink: Sink): Sink {
    const { takesOthers = true } = this.#parts;
    return (record) => {
      const { errorLog, startup } = record.properties;
      if (errorLog === this.#id) return sink(record);
      if (errorLog !== undefined || !takesOthers) return;
      if (startup === true || this.enabled(httpdLevelOf(record), record.category[1] ?? "core")) sink(record);
    };
  }

  #line(record: TapeRecord): void {
    const { properties } = record;
    this.#write({
      // Only records made below have fields: others are free to use the same names for something else.
      ...properties.errorLog === this.#id ? properties as Partial<ErrorEntry> : {},
      level: httpdLevelOf(record),
      module: record.category[1] ?? "core",
      time: record.timestamp,
      message: record.message.map(String).join(""),
      pid: this.#pid,
      tid: this.#tid,
    });
  }

  #write(entry: ErrorEntry): void {
    const { sink } = this.#parts;
    const format = entry.startup ? startupFormat : this.#format;
    for (const line of [...this.#once.before(entry), format(entry)]) {
      if (line !== undefined) sink.write(line, entry.level, entry.time);
    }
  }

  /** True when a message of this level and module would be written; for messages that are costly to make. */
  enabled(level: HttpdLevel, module: string, thresholds: Thresholds = this.#parts.thresholds): boolean {
    return (level === "notice" && this.#parts.sink.takesNotice) || thresholds.allows(level, module);
  }

  /**
   * Writes one line, if the level goes through. `module` is its short name, `ah` httpd's number of the message; `thresholds` are
   * those of the place it is about.
   */
  log(
    level: HttpdLevel,
    module: string,
    ah: string | undefined,
    message: string,
    fields: LogFields = {},
    thresholds: Thresholds = this.#parts.thresholds,
  ): void {
    if (!this.enabled(level, module, thresholds)) return;
    this.#emit(level, module, message, { ...fields, ah });
  }

  /** Writes a message of the start: nothing but the message, from level info on whatever LogLevel says. */
  logStartup(level: HttpdLevel, module: string, ah: string | undefined, message: string): void {
    this.#emit(level, module, message, { ah, startup: true });
  }

  #emit(level: HttpdLevel, module: string, message: string, fields: Partial<ErrorEntry>): void {
    const tape = tapeLink();
    const time = preciseNow();
    if (tape === undefined) {
      this.#write({ ...fields, level, module, time, message, pid: this.#pid, tid: this.#tid });
      return;
    }
    if (severity(level) > severity(this.#lowest)) {
      // Some place is told more than all others: from now on LogTape lets that through.
      this.#lowest = level;
      this.#install();
    }
    tape.emit({ module, level, message, properties: { ...fields, errorLog: this.#id }, timestamp: time });
  }

  /**
   * Gives the records that go through to a LogTape sink too, until close(), where LogTape is loaded. The sink stays its owner's: it is not disposed of here.
   * A record has the category ["mpmd", module] and the properties httpdLevel, ah and those of LogFields.
   */
  addSink(sink: Sink): void {
    this.#added.push(sink);
    this.#install();
  }

  /** Writes nothing any more. */
  close(): void {
    forgetTape(this.#install);
    tapeLink()?.setPart(this.#id, undefined);
    this.#parts.sink.close();
  }
}

const startupFormat: ErrorFormat = compileErrorFormat("%M");
