// How does a line of the error log look? httpd's default layout for MPMs with and without threads (http-core.md 14).

import { type HttpdLevel, severity } from "./levels.ts";

/** What may stand in a line besides its message. */
export interface LogFields {
  /** What the operating system said; `code` is errno. */
  readonly errno?: { readonly code: number; readonly text: string };
  /** "address:port" of the client it concerns. */
  readonly client?: string;
  readonly referer?: string;
  /** Where in the source; shown from level debug on. */
  readonly file?: string;
  readonly line?: number;
}

/** Everything that a line tells. */
export interface ErrorEntry extends LogFields {
  /** Milliseconds since 1970; the fraction gives the microseconds. */
  readonly time: number;
  readonly level: HttpdLevel;
  /** Short name: "core", "mpm_event". */
  readonly module: string;
  /** httpd's number of the message: "AH00489". */
  readonly ah?: string;
  readonly message: string;
  readonly pid: number;
  /** undefined: the MPM has no threads. */
  readonly tid?: number;
  /** A message of the start: nothing but the message is shown. */
  readonly startup?: boolean;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const two = (value: number): string => value < 10 ? `0${value}` : String(value);

let second = NaN;
let upToSecond = "";
let year = 0;

/** `Www Mmm dd hh:mm:ss.uuuuuu yyyy`, local time; what is the same for a second is made once. */
function timestamp(ms: number): string {
  const now = Math.floor(ms / 1000);
  if (now !== second) {
    const date = new Date(ms);
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
    upToSecond = `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${two(date.getDate())} ${clock}`;
    year = date.getFullYear();
    second = now;
  }
  const micros = Math.floor((ms - now * 1000) * 1000);
  return `${upToSecond}.${String(micros).padStart(6, "0")} ${year}`;
}

// deno-lint-ignore no-control-regex -- finding control characters is the purpose
const CONTROL = /[\x00-\x1f\\\x7f-\x9f]/g;
const SHORT: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\b": "\\b",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

const encoder = new TextEncoder();

/** Control characters would let a client make lines of its own, or command a terminal. */
function visible(text: string): string {
  return text.replace(
    CONTROL,
    (char) =>
      SHORT[char] ??
        Array.from(encoder.encode(char), (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}

/** The line of an entry, without its line feed. */
export function errorLine(entry: ErrorEntry): string {
  const { level, module, ah, pid, tid, file, errno, client, referer } = entry;
  const message = (ah === undefined ? "" : `${ah}: `) + visible(entry.message);
  if (entry.startup) return message;
  let line = `[${timestamp(entry.time)}] [${module}:${level}] [pid ${pid}${
    tid === undefined ? "" : `:tid ${tid}`
  }] `;
  if (file !== undefined && severity(level) >= severity("debug")) {
    line += `${visible(file)}(${entry.line ?? 0}): `;
  }
  if (errno !== undefined) line += `(${errno.code})${visible(errno.text)}: `;
  if (client !== undefined) line += `[client ${visible(client)}] `;
  line += message;
  return referer === undefined ? line : `${line}, referer: ${visible(referer)}`;
}
