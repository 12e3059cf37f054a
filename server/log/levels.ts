// Which levels has a log, and how do httpd's, LogTape's and those of std's log correspond?

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

/** How severe a level is: 0 (emerg) to 15 (trace8); -1 for a word that is no level. */
export function severity(level: string): number {
  return (HTTPD_LEVELS as readonly string[]).indexOf(level);
}

/** The LogTape level that carries an httpd level; the exact one travels in the record's properties. */
export function tapeLevel(level: HttpdLevel): TapeLevel {
  const rank = severity(level);
  if (rank <= severity("crit")) return "fatal";
  if (level === "error") return "error";
  if (level === "warn") return "warning";
  if (rank <= severity("info")) return "info";
  return level === "debug" ? "debug" : "trace";
}
