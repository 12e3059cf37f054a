// Who configures LogTape? It knows one configuration only, replaced as a whole, but several parts of the server log: each says
// what it wants, and the union is configured. What a program that embeds the server has configured itself stays in force.

import {
  compareLogLevel,
  type Config,
  configureSync,
  getConfig,
  type LoggerConfig,
  type LogLevel as TapeLevel,
  type LogRecord as TapeRecord,
  type Sink,
} from "@logtape/logtape";
import { ROOT } from "./tape_link.ts";

/** The LogTape category of a logger: `default` is the root, dots make a hierarchy. */
export function categoryOf(name: string): string[] {
  return name === "default" ? [ROOT] : [ROOT, ...name.split(".")];
}

/** What one user of LogTape wants. */
export interface Part {
  /** Names are unique within the part. */
  readonly sinks: Readonly<Record<string, Sink>>;
  /** A category has the sinks of those above it too. */
  readonly loggers: readonly {
    readonly category: readonly string[];
    readonly lowestLevel: TapeLevel;
    readonly sinks: readonly string[];
  }[];
}

type TapeConfig = Config<string, string>;
type TapeLogger = LoggerConfig<string, string>;

const parts: Map<string, Part> = new Map();
let installed: TapeConfig | undefined;
let foreign: TapeConfig | undefined;

/** The level that a part asks for in a category: that of the closest category above it; undefined: none. */
export function levelIn(part: Part, category: readonly string[]): TapeLevel | undefined {
  let found: Part["loggers"][number] | undefined;
  for (const logger of part.loggers) {
    if (logger.category.length > category.length) continue;
    if (!logger.category.every((name, index) => name === category[index])) continue;
    if (found === undefined || logger.category.length > found.category.length) found = logger;
  }
  return found?.lowestLevel;
}

/** LogTape keeps one level a category, the lowest that any part asks for: each part's sinks take only what that part asked for. */
function guarded(part: Part, sink: Sink): Sink {
  return (record: TapeRecord) => {
    const lowest = levelIn(part, record.category);
    if (lowest !== undefined && compareLogLevel(record.level, lowest) >= 0) sink(record);
  };
}

/** A configuration from outside, as a part. */
function partOf(config: TapeConfig | undefined): Part {
  const loggers = config?.loggers ?? [];
  return {
    sinks: config?.sinks ?? {},
    loggers: loggers.filter(({ lowestLevel }) => lowestLevel !== null).map((logger) => ({
      category: [logger.category].flat(),
      lowestLevel: logger.lowestLevel ?? "trace",
      sinks: [],
    })),
  };
}

function lowestOf(category: readonly string[]): TapeLevel {
  let lowest: TapeLevel = "fatal";
  for (const part of parts.values()) {
    const level = levelIn(part, category);
    if (level !== undefined && compareLogLevel(level, lowest) < 0) lowest = level;
  }
  return lowest;
}

/** Adds one part's wishes to the configuration. */
function add(name: string, part: Part, sinks: Record<string, Sink>, loggers: Map<string, TapeLogger>): void {
  for (const [id, sink] of Object.entries(part.sinks)) sinks[`${name}.${id}`] = guarded(part, sink);
  for (const { category, sinks: ids } of part.loggers) {
    const key = JSON.stringify(category);
    const known = loggers.get(key);
    const level = lowestOf(category);
    const own = known?.lowestLevel;
    loggers.set(key, {
      ...known,
      category: [...category],
      // A level that was there before the server's, from outside, may be lower still.
      lowestLevel: own !== undefined && own !== null && compareLogLevel(own, level) < 0 ? own : level,
      // Not "inherit": with that, a category with a lower level than the one above it would not reach the sinks of that one.
      parentSinks: "forward",
      sinks: [...known?.sinks ?? [], ...ids.map((id) => `${name}.${id}`)],
    });
  }
}

/**
 * Sets (undefined: takes away) what `name` wants of LogTape. A configuration made from outside is kept, but LogTape disposes of its
 * disposable sinks while it is extended: such sinks are better given to `ErrorLog.addSink`.
 * @throws ConfigError of LogTape when sinks from outside can only be disposed of asynchronously
 */
export function setPart(name: string, part: Part | undefined): void {
  if (part === undefined) parts.delete(name);
  else parts.set(name, part);
  const current = getConfig();
  if (current !== installed) foreign = current ?? undefined;
  const sinks: Record<string, Sink> = {
    // LogTape tells of sinks that fail here; the error log may be what failed.
    "mpmd.meta": ({ message }) => console.error(message.map(String).join("")),
  };
  const loggers = new Map<string, TapeLogger>([['["logtape","meta"]', {
    category: ["logtape", "meta"],
    lowestLevel: "error",
    sinks: ["mpmd.meta"],
  }]]);
  const outside = partOf(foreign);
  // Guarding wraps them, too: LogTape does not dispose of them again with each configuration.
  for (const [id, sink] of Object.entries(outside.sinks)) sinks[id] = guarded(outside, sink);
  for (const logger of foreign?.loggers ?? []) {
    loggers.set(JSON.stringify([logger.category].flat()), { ...logger });
  }
  for (const [id, one] of parts) add(id, one, sinks, loggers);
  installed = {
    reset: true,
    sinks,
    filters: foreign?.filters,
    contextLocalStorage: foreign?.contextLocalStorage,
    loggers: [...loggers.values()],
  };
  configureSync(installed);
}

/** True when somebody has configured LogTape. */
export function isConfigured(): boolean {
  return getConfig() !== null;
}
