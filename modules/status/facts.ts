// What do both forms of the status tell besides the scoreboard, and in which units?

import { strftime } from "../../server/log/strftime.ts";
import type { Snapshot } from "../../server/snapshot.ts";

/** What is known of the server without its scoreboard. */
export interface ServerFacts {
  /** As the client calls it. */
  readonly name: string;
  /** Address on which it was asked. */
  readonly address: string;
  readonly version: string;
  readonly mpm: string;
  /** The MPM keeps idle connections without a slot: it has figures on them. */
  readonly async: boolean;
  readonly built: string;
  /** ExtendedStatus: durations, clients and requests are written down. */
  readonly extended: boolean;
  /** ms since 1970. */
  readonly now: number;
}

const SECOND = 1000;

/** Seconds since the start or the last ungraceful restart. */
export function uptimeOf(snapshot: Snapshot, { now }: ServerFacts): number {
  return Math.max(0, Math.floor((now - snapshot.restartTime) / SECOND));
}

/** "Monday, 23-Nov-2026 16:31:19 UTC" */
export function localTime(ms: number): string {
  return strftime("%A, %d-%b-%Y %H:%M:%S %Z", ms);
}

/** " 1 day 2 hours 3 minutes 4 seconds"; parts that are zero are left out. */
export function uptimeText(seconds: number): string {
  const parts: [number, string][] = [
    [Math.floor(seconds / 86400), "day"],
    [Math.floor(seconds / 3600) % 24, "hour"],
    [Math.floor(seconds / 60) % 60, "minute"],
    [seconds % 60, "second"],
  ];
  return parts.filter(([count]) => count > 0).map(([count, unit]) =>
    ` ${count} ${unit}${count === 1 ? "" : "s"}`
  ).join("");
}

const DIGITS = 6;

/** C's %g: six significant digits, no zeros at the end, an exponent of at least two digits where it is below -4 or above 5. */
export function short(value: number): string {
  if (value === 0) return "0";
  const [mantissa, exponent] = value.toExponential(DIGITS - 1).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < DIGITS) return String(Number(value.toPrecision(DIGITS)));
  return `${Number(mantissa)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** CPU time in seconds: of the control process, and of the children. */
export function cpuSeconds({ control, cpuUser, cpuSystem }: Snapshot) {
  const seconds = (ms: number) => ms / SECOND;
  return {
    user: seconds(control?.cpuUser ?? 0),
    system: seconds(control?.cpuSystem ?? 0),
    childrenUser: seconds(cpuUser),
    childrenSystem: seconds(cpuSystem),
    total: seconds((control?.cpuUser ?? 0) + (control?.cpuSystem ?? 0) + cpuUser + cpuSystem),
  };
}
