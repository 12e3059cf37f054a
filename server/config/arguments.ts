// What may an argument of a directive be? The kinds that many directives share; each throws an ArgumentError that says what
// was expected. Those without a `name` leave it to the applier to name the directive.

import { ArgumentError } from "./errors.ts";

/** `On` or `Off`. */
export function flag(arg: string): boolean {
  const word = arg.toLowerCase();
  if (word === "on") return true;
  if (word === "off") return false;
  throw new ArgumentError("must be On or Off", true);
}

/** A whole number from `min` to `max`. */
export function integer(
  arg: string,
  { min, max, name }: { min?: number; max?: number; name: string },
): number {
  const number = /^[+-]?\d{1,15}$/.test(arg) ? Number(arg) : NaN;
  if (number >= (min ?? -Infinity) && number <= (max ?? Infinity)) return number;
  const range = min === undefined
    ? (max === undefined ? "" : ` up to ${max}`)
    : (max === undefined ? ` of ${min} or more` : ` from ${min} to ${max}`);
  throw new ArgumentError(`${name} must be a whole number${range}, not "${arg}"`);
}

/** Units of time in milliseconds, as httpd abbreviates them. */
const TIME_UNITS = { ms: 1, s: 1000, mi: 60_000, min: 60_000, h: 3_600_000 } as const;
/** A unit of time. */
export type TimeUnit = keyof typeof TIME_UNITS;

/** A length of time with a unit (ms, s, mi or min, h) or in the default one; in milliseconds. */
export function timeInterval(arg: string, defaultUnit: TimeUnit): number {
  const found = /^(\d{1,15})(ms|s|min?|h)?$/i.exec(arg);
  const unit = (found?.[2]?.toLowerCase() ?? defaultUnit) as TimeUnit;
  const milliseconds = Number(found?.[1] ?? NaN) * TIME_UNITS[unit];
  if (Number.isSafeInteger(milliseconds)) return milliseconds;
  throw new ArgumentError(`must be a length of time such as 30, 500ms, 5min or 1h, not "${arg}"`, true);
}

/** One of `words`, whatever its case; returned as it stands there. */
export function oneOf<const W extends string>(arg: string, words: readonly W[]): W {
  const lower = arg.toLowerCase();
  const found = words.find((word) => word.toLowerCase() === lower);
  if (found !== undefined) return found;
  throw new ArgumentError(`must be one of ${words.join(", ")}, not "${arg}"`, true);
}

const BYTE_UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** A number of bytes, with K, M or G behind it in units of 1024, its square and its cube. */
export function bytes(arg: string): number {
  const found = /^(\d{1,15})([kmg]?)$/i.exec(arg);
  const number = found === null ? NaN : Number(found[1]) * BYTE_UNITS[found[2].toLowerCase()];
  if (Number.isSafeInteger(number)) return number;
  throw new ArgumentError(`must be a number of bytes such as 8190, 64K or 1M, not "${arg}"`, true);
}
