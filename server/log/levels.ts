// Which levels has a log, and how do httpd's and LogTape's correspond?

import type { LogLevel as TapeLevel } from "@logtape/logtape";

/** httpd's levels, most severe first. */
export const HTTPD_LEVELS = [
  "emerg",
  "alert",
  "crit",
  "error",
  "warn",
  "notice",
  "info",
  "debug",
  "trace1",
  "trace2",
  "trace3",
  "trace4",
  "trace5",
  "trace6",
  "trace7",
  "trace8",
] as const;

/** One of httpd's levels. */
export type HttpdLevel = typeof HTTPD_LEVELS[number];

const SEVERITIES: ReadonlyMap<unknown, number> = new Map(HTTPD_LEVELS.map((level, rank) => [level, rank]));

/** True for a word that names one of httpd's levels (lower case). */
export function isHttpdLevel(word: unknown): word is HttpdLevel {
  return SEVERITIES.has(word);
}

/** How severe a level is: 0 (emerg) to 15 (trace8). */
export function severity(level: HttpdLevel): number {
  return SEVERITIES.get(level)!;
}

/** The LogTape level that carries an httpd level; the exact one travels in the record's properties. */
export function tapeLevel(level: HttpdLevel): TapeLevel {
  switch (level) {
    case "emerg":
    case "alert":
    case "crit":
      return "fatal";
    case "warn":
      return "warning";
    case "notice":
      return "info";
    case "error":
    case "info":
    case "debug":
      return level;
    default:
      return "trace";
  }
}

const HTTPD_OF: Readonly<Record<TapeLevel, HttpdLevel>> = {
  fatal: "crit",
  error: "error",
  warning: "warn",
  info: "info",
  debug: "debug",
  trace: "trace1",
};

/** The httpd level of a LogTape record: what its property `httpdLevel` says, or what is closest. */
export function httpdLevelOf(record: {
  readonly level: TapeLevel;
  readonly properties: Readonly<Record<string, unknown>>;
}): HttpdLevel {
  const { httpdLevel } = record.properties;
  return isHttpdLevel(httpdLevel) ? httpdLevel : HTTPD_OF[record.level];
}
