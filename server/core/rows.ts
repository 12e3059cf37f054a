// How does a directive of the core put its argument among the values? Rows that set one value each.

import { type Directive, integer } from "../config/mod.ts";
import { type CoreDir, coreDir, type CoreServer, coreServer } from "./config.ts";

export const SERVER = ["server config"] as const;
export const HOST = ["server config", "virtual host"] as const;
export const SECTIONS = ["server config", "virtual host", "directory"] as const;
export const DIR = ["server config", "virtual host", "directory", ".htaccess"] as const;

export type Parse<T> = (args: readonly string[]) => T;

/** A row that sets one value of the virtual host (or, with SERVER, of the main server). */
export function serverRow<K extends keyof CoreServer>(
  name: string,
  key: K,
  contexts: Directive["contexts"],
  syntax: string,
  help: string,
  parse: Parse<CoreServer[K]>,
  args: Directive["args"] = 1,
  more: Pick<Directive, "default" | "differs"> = {},
): Directive {
  return {
    name,
    contexts,
    args,
    syntax: `${name} ${syntax}`,
    help,
    ...more,
    apply: (values, to) => {
      to.server.get(coreServer)[key] = parse(values);
    },
  };
}

/** A row that sets one value of a place; without `override` not in .htaccess files. */
export function dirRow<K extends keyof CoreDir>(
  name: string,
  key: K,
  override: Directive["override"],
  syntax: string,
  help: string,
  parse: Parse<CoreDir[K]>,
  args: Directive["args"] = 1,
  more: Pick<Directive, "default" | "differs"> = {},
): Directive {
  return {
    name,
    contexts: override === undefined ? SECTIONS : DIR,
    override,
    args,
    syntax: `${name} ${syntax}`,
    help,
    ...more,
    apply: (values, to) => {
      to.dir.get(coreDir)[key] = parse(values);
    },
  };
}

export function number(name: string, min: number, max?: number): Parse<number> {
  return ([arg]) => integer(arg, { name, min, max });
}
