// What is `@std/log` here? The interface of std's log module (getLogger, setup, levels, handlers), which std has withdrawn, on
// top of LogTape, with httpd's levels beside std's. The server's own error log (error_log.ts) is one of its users.

import {
  getLogger as getTapeLogger,
  type LogLevel as TapeLevel,
  type LogRecord as TapeRecord,
  type Sink,
} from "@logtape/logtape";
import { type BaseHandler, ConsoleHandler, type LevelName, LogLevels, type LogRecord } from "./handlers.ts";
import { type HttpdLevel, tapeLevel } from "./levels.ts";
import { categoryOf, isConfigured, levelIn, type Part, setPart } from "./tape.ts";
import { connectTape } from "./tape_link.ts";

export {
  BaseHandler,
  ConsoleHandler,
  FileHandler,
  type FileHandlerOptions,
  type Formatter,
  type HandlerOptions,
  type LevelName,
  LogLevels,
  type LogRecord,
} from "./handlers.ts";
export { HTTPD_LEVELS, type HttpdLevel } from "./levels.ts";

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

/** One logger of a LogConfig. */
export interface LoggerSettings {
  /** Default: INFO. */
  readonly level?: LevelName;
  /** Names of handlers; those of the loggers above it are used too. */
  readonly handlers?: readonly string[];
}

/** What setup() takes: handlers by name, and loggers by name ("default" is above all others, dots make a hierarchy). */
export interface LogConfig {
  readonly handlers?: Readonly<Record<string, BaseHandler>>;
  readonly loggers?: Readonly<Record<string, LoggerSettings>>;
}

const PART = "std";
let part: Part | undefined;
let handlersInUse: readonly BaseHandler[] = [];

function recordOf({ level, message, properties, timestamp, category }: TapeRecord): LogRecord {
  const levelName = LEVEL_NAMES[level];
  const { args, ...others } = properties;
  return {
    msg: message.map(String).join(""),
    args: Array.isArray(args) ? args : [],
    datetime: new Date(timestamp),
    level: LogLevels[levelName],
    levelName,
    loggerName: category.slice(1).join(".") || "default",
    properties: others,
  };
}

/**
 * Replaces what an earlier setup() said; handlers that were in use are destroyed, the new ones set up.
 * @throws RangeError for a logger with a handler that is not there; what a handler's setup() throws
 */
export function setup(config: LogConfig): void {
  const handlers = config.handlers ?? {};
  for (const [name, { handlers: used = [] }] of Object.entries(config.loggers ?? {})) {
    const unknown = used.find((id) => !Object.hasOwn(handlers, id));
    if (unknown !== undefined) throw new RangeError(`the logger ${name} has no handler ${unknown}`);
  }
  for (const handler of handlersInUse) handler.destroy();
  handlersInUse = Object.values(handlers);
  const sinks: Record<string, Sink> = {};
  for (const [name, handler] of Object.entries(handlers)) {
    handler.setup();
    sinks[name] = (record) => handler.handle(recordOf(record));
  }
  part = { sinks, loggers: loggersOf(config.loggers ?? {}) };
  setPart(PART, part);
}

/** A handler that a logger above has is not named again: LogTape would call it twice. */
function loggersOf(loggers: Readonly<Record<string, LoggerSettings>>): Part["loggers"] {
  const isAbove = (above: string, name: string) =>
    name !== above && (above === "default" || name.startsWith(`${above}.`));
  return Object.entries(loggers).map(([name, { level = "INFO", handlers = [] }]) => {
    const inherited = new Set(
      Object.entries(loggers).flatMap(([above, { handlers: ids = [] }]) => isAbove(above, name) ? ids : []),
    );
    return {
      category: categoryOf(name),
      lowestLevel: TAPE_LEVELS[level],
      sinks: [...new Set(handlers)].filter((id) => !inherited.has(id)),
    };
  });
}

/** As in std: without a setup(), messages from INFO go to the console. Not when LogTape has been configured by others. */
function ensureSetup(): void {
  if (isConfigured()) return;
  setup({
    handlers: { default: new ConsoleHandler("INFO") },
    loggers: { default: { handlers: ["default"] } },
  });
}

/** Text of what was logged: strings as they are, errors with their stack, other objects as JSON. */
function asText(data: unknown): string {
  if (typeof data === "string") return data;
  if (data instanceof Error) return data.stack ?? String(data);
  // JSON has no text for undefined, functions and symbols, and none for bigints.
  return typeof data === "object" ? JSON.stringify(data) ?? String(data) : String(data);
}

/** A named source of messages. */
export class Logger {
  readonly #tape;

  constructor(readonly loggerName: string) {
    this.#tape = getTapeLogger(categoryOf(loggerName));
  }

  /** The lowest level that setup() lets through here; NOTSET when it says nothing. */
  get levelName(): LevelName {
    const level = part === undefined ? undefined : levelIn(part, categoryOf(this.loggerName));
    return level === undefined ? "NOTSET" : LEVEL_NAMES[level];
  }

  /** The number of `levelName`. */
  get level(): number {
    return LogLevels[this.levelName];
  }

  /**
   * The methods below log `message`, or what it returns when it is a function, which is called only if somebody listens; they
   * return the message, or undefined when a function was not called.
   */
  debug<T>(message: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#std("debug", message, args);
  }

  info<T>(message: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#std("info", message, args);
  }

  warn<T>(message: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#std("warning", message, args);
  }

  error<T>(message: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#std("error", message, args);
  }

  critical<T>(message: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#std("fatal", message, args);
  }

  /**
   * Logs at one of httpd's levels, which is kept in the record's property `httpdLevel`.
   * @param timestamp milliseconds since 1970; a fraction is kept
   */
  log(
    level: HttpdLevel,
    message: string,
    properties: Readonly<Record<string, unknown>> = {},
    timestamp: number = Date.now(),
  ): void {
    ensureSetup();
    this.#emit(tapeLevel(level), message, { ...properties, httpdLevel: level }, timestamp);
  }

  #std<T>(level: TapeLevel, message: T | (() => T), args: unknown[]): T | undefined {
    ensureSetup();
    const lazy = typeof message === "function";
    if (!this.#tape.isEnabledFor(level)) return lazy ? undefined : message;
    const value = lazy ? (message as () => T)() : message;
    this.#emit(level, asText(value), { args }, Date.now());
    return value;
  }

  /** As a record that is complete: in a template, braces of the message would mean something. */
  #emit(level: TapeLevel, text: string, properties: Record<string, unknown>, timestamp: number): void {
    this.#tape.emit({ level, message: [text], rawMessage: text, timestamp, properties });
  }
}

const loggers: Map<string, Logger> = new Map();

/** The logger of this name; the same one each time. */
export function getLogger(name = "default"): Logger {
  let logger = loggers.get(name);
  if (logger === undefined) loggers.set(name, logger = new Logger(name));
  return logger;
}

// From now on the server's own messages pass here, too.
connectTape({
  setPart,
  emit({ module, level, message, properties, timestamp }) {
    getLogger(module).log(level, message, properties, timestamp);
  },
});

/** Logs a message by the default logger, as its method of the same name does. */
export function debug<T>(message: T | (() => T), ...args: unknown[]): T | undefined {
  return getLogger().debug(message, ...args);
}

/** @see debug */
export function info<T>(message: T | (() => T), ...args: unknown[]): T | undefined {
  return getLogger().info(message, ...args);
}

/** @see debug */
export function warn<T>(message: T | (() => T), ...args: unknown[]): T | undefined {
  return getLogger().warn(message, ...args);
}

/** @see debug */
export function error<T>(message: T | (() => T), ...args: unknown[]): T | undefined {
  return getLogger().error(message, ...args);
}

/** @see debug */
export function critical<T>(message: T | (() => T), ...args: unknown[]): T | undefined {
  return getLogger().critical(message, ...args);
}
