// How does a line get into the system's log? As a datagram to /dev/log (RFC 3164 in the form that syslog(3) of the C libraries
// sends), one per line.

import { isOpen, openLibc, SystemError } from "../../platform/posix.ts";
import { loadUnixDatagram, UnixDatagram } from "../../platform/unix_datagram.ts";
import { type HttpdLevel, severity } from "./levels.ts";

/** Facilities with their numbers (RFC 3164 4.1.1). */
export const FACILITIES = {
  kern: 0,
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  syslog: 5,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

/** The name of a facility. */
export type Facility = keyof typeof FACILITIES;

/** Where the system's log receives. */
export const SYSLOG_PATH = Deno.build.os === "darwin" ? "/var/run/syslog" : "/dev/log";
/** Severities end at 7, debug: httpd's trace levels are debug there. */
const LOWEST = 7;
/** A receiver that is gone is looked for again after this long (ms). */
const RETRY_MS = 1000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** The severity of a level, 0 to 7. */
export function syslogSeverity(level: HttpdLevel): number {
  return Math.min(severity(level), LOWEST);
}

/** The datagram of a line: priority, local time, tag and process, text. */
export function syslogMessage(
  line: string,
  facility: Facility,
  level: HttpdLevel,
  tag: string,
  ms: number,
): string {
  const date = new Date(ms);
  const two = (number: number) => String(number).padStart(2, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  const day = String(date.getDate()).padStart(2);
  const priority = FACILITIES[facility] * 8 + syslogSeverity(level);
  return `<${priority}>${MONTHS[date.getMonth()]} ${day} ${time} ${tag}[${Deno.pid}]: ${line}`;
}

/** The system's log, as one thread writes to it. Nothing here waits or throws: a log that is away must not stop anybody. */
export class Syslog {
  readonly #encoder = new TextEncoder();
  #socket: UnixDatagram | undefined;
  #triedAt = -Infinity;
  #lost = 0;

  constructor(readonly facility: Facility, readonly tag: string, readonly path = SYSLOG_PATH) {
    // Now: a thread may lose the permission for it before there is something to say.
    loadUnixDatagram();
  }

  /** Lines that could not be sent since the last one that could. */
  get lost(): number {
    return this.#lost;
  }

  /** Sends a line (without its end). */
  send(line: string, level: HttpdLevel, ms: number): void {
    const note = this.#lost > 0 ? ` (${this.#lost} lines before this one were lost)` : "";
    const message = syslogMessage(line + note, this.facility, level, this.tag, ms);
    if (this.#deliver(this.#encoder.encode(message))) this.#lost = 0;
    else this.#lost++;
  }

  #deliver(bytes: Uint8Array<ArrayBuffer>): boolean {
    // A receiver that was started anew has another socket under the same path: once more, then.
    for (let attempt = 0; attempt < 2; attempt++) {
      try {
        this.#socket ??= this.#connect();
        return this.#socket?.send(bytes) ?? false;
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        this.#socket?.close();
        this.#socket = undefined;
      }
    }
    return false;
  }

  #connect(): UnixDatagram | undefined {
    const now = performance.now();
    if (now - this.#triedAt < RETRY_MS) return undefined;
    try {
      return new UnixDatagram(this.path);
    } catch (error) {
      this.#triedAt = now;
      throw error;
    }
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}

/** Why there is no system log to write to; undefined: there is one. */
export function syslogTrouble(path = SYSLOG_PATH): string | undefined {
  try {
    if (!isOpen()) openLibc();
    new UnixDatagram(path).close();
    return undefined;
  } catch (error) {
    return Deno.build.os === "windows"
      ? "this system has no syslog"
      : `${(error as Error).message}: nobody receives there`;
  }
}
