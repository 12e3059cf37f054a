// What is `@std/log` here? The interface of std's log module (getLogger, setup, levels, handlers), which std has withdrawn, on
// top of LogTape. The server's own error log (error_log.ts) is one of its users.

import {
  configureSync,
  getLogger as getTapeLogger,
  type LogRecord as TapeRecord,
  type Sink,
} from "@logtape/logtape";
import type { LogLevel as TapeLevel } from "@logtape/logtape";

/** std's numeric levels. */
export const LogLevels = { NOTSET: 0, DEBUG: 10, INFO: 20, WARN: 30, ERROR: 40, CRITICAL: 50 } as const;

/** Names of the levels. */
export type LevelName = keyof typeof LogLevels;

const TAPE_LEVELS: Readonly<Record<LevelName, TapeLevel>> = {
  NOTSET: "trace",
  DEBUG: "debug",
  INFO: "info",
  WARN: "warning",
  ERROR: "error",
  CRITICAL: "fatal",
};
const LEVEL_NAMES: Readonly<Record<TapeLevel, LevelName>> = {
  trace: "NOTSET",
  debug: "DEBUG",
  info: "INFO",
  warning: "WARN",
  error: "ERROR",
  fatal: "CRITICAL",
};

/** What a handler is given. */
export interface LogRecord {
  readonly msg: string;
  readonly args: readonly unknown[];
  readonly datetime: Date;
  readonly level: number;
  readonly levelName: LevelName;
  readonly loggerName: string;
  /** What the message was logged with besides its text. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/** Makes the text of a record. */
export type Formatter = (record: LogRecord) => string;

/** Where records of a level and above go. Subclasses say what happens to their text. */
export abstract class BaseHandler {
  readonly formatter: Formatter;

  constructor(readonly levelName: LevelName, options: { readonly formatter?: Formatter } = {}) {
    this.formatter = options.formatter ?? (({ levelName: level, msg }) => `${level} ${msg}`);
  }

  /** Passes a record on unless it is below this handler's level. */
  handle(record: LogRecord): void {
    if (record.level >= LogLevels[this.levelName]) this.log(this.formatter(record));
  }

  abstract log(text: string): void;
}

/** Writes to standard error. */
export class ConsoleHandler extends BaseHandler {
  log(text: string): void {
    console.error(text);
  }
}

/** Gives each text, with a line feed, to a function in one piece. */
export class WriterHandler extends BaseHandler {
  readonly #encoder = new TextEncoder();

  constructor(
    level: LevelName,
    readonly write: (line: Uint8Array) => void,
    options: { readonly formatter?: Formatter } = {},
  ) {
    super(level, options);
  }

  log(text: string): void {
    this.write(this.#encoder.encode(text + "\n"));
  }
}

/** What setup() takes: handlers by name, and loggers with their level and handlers. */
export interface LogConfig {
  readonly handlers: Readonly<Record<string, BaseHandler>>;
  readonly loggers: Readonly<
    Record<string, { readonly level: LevelName; readonly handlers: readonly string[] }>
  >;
}

/** All categories are below this one: the log of a program that embeds the server is left alone. */
const ROOT = "mpmd";

function categoryOf(name: string): string[] {
  return name === "default" ? [ROOT] : [ROOT, ...name.split(".")];
}

function recordOf({ level, message, properties, timestamp, category }: TapeRecord): LogRecord {
  const levelName = LEVEL_NAMES[level];
  return {
    msg: message.map(String).join(""),
    args: [],
    datetime: new Date(timestamp),
    level: LogLevels[levelName],
    levelName,
    loggerName: category.slice(1).join(".") || "default",
    properties,
  };
}

/** Replaces the whole configuration of logging. */
export function setup(config: LogConfig): void {
  const sinks: Record<string, Sink> = {};
  for (const [name, handler] of Object.entries(config.handlers)) {
    sinks[name] = (record) => handler.handle(recordOf(record));
  }
  const loggers = Object.entries(config.loggers).map(([name, { level, handlers }]) => ({
    category: categoryOf(name),
    lowestLevel: TAPE_LEVELS[level],
    sinks: [...handlers],
  }));
  configureSync<string, string>({
    reset: true,
    sinks,
    // LogTape's own messages (about sinks that fail) have to go somewhere too.
    loggers: [...loggers, {
      category: ["logtape", "meta"],
      lowestLevel: "error",
      sinks: Object.keys(sinks).slice(0, 1),
    }],
  });
}

/** A logger by name; dots make a hierarchy. */
export class Logger {
  readonly #tape;

  constructor(readonly name: string) {
    this.#tape = getTapeLogger(categoryOf(name));
  }

  debug(msg: string, properties: Record<string, unknown> = {}): void {
    this.log("DEBUG", msg, properties);
  }

  info(msg: string, properties: Record<string, unknown> = {}): void {
    this.log("INFO", msg, properties);
  }

  warn(msg: string, properties: Record<string, unknown> = {}): void {
    this.log("WARN", msg, properties);
  }

  error(msg: string, properties: Record<string, unknown> = {}): void {
    this.log("ERROR", msg, properties);
  }

  critical(msg: string, properties: Record<string, unknown> = {}): void {
    this.log("CRITICAL", msg, properties);
  }

  /** Logs at any level. The message is taken as it is: braces in it mean nothing. */
  log(level: LevelName, msg: string, properties: Record<string, unknown> = {}): void {
    this.#tape[LOG_METHODS[level]]("{msg}", { ...properties, msg });
  }
}

const LOG_METHODS = {
  NOTSET: "trace",
  DEBUG: "debug",
  INFO: "info",
  WARN: "warn",
  ERROR: "error",
  CRITICAL: "fatal",
} as const;

const loggers: Map<string, Logger> = new Map();

/** The logger of this name. */
export function getLogger(name = "default"): Logger {
  let logger = loggers.get(name);
  if (logger === undefined) loggers.set(name, logger = new Logger(name));
  return logger;
}
