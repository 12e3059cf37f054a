// How is a directive described whose argument is one whole number? By its name, the setting and the least value.

import type { MpmDirective, MpmSettings } from "../types.ts";

/** Settings that are one whole number. */
type NumberSetting = Exclude<
  { [K in keyof MpmSettings]-?: MpmSettings[K] extends number | undefined ? K : never }[keyof MpmSettings],
  "listen"
>;

/** A directive whose argument is one whole number, at least `min`. */
export interface NumberRow {
  readonly name: string;
  readonly key: NumberSetting;
  readonly help: string;
  readonly min?: number;
  readonly default?: string;
  readonly differs?: string;
}

/** The directive that `row` describes. */
export function numberDirective({ name, key, help, min, default: value, differs }: NumberRow): MpmDirective {
  return {
    name,
    syntax: `${name} number`,
    help,
    default: value,
    differs,
    args: 1,
    apply([arg], settings) {
      if (!/^-?\d{1,9}$/.test(arg)) throw new Error(`${name} must be a whole number, not "${arg}"`);
      const number = Number(arg);
      if (min !== undefined && number < min) throw new Error(`${name} must be ${min} or more, not ${arg}`);
      settings[key] = number;
    },
  };
}
