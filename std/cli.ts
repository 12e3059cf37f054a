// How is the command line split into options? `@std/cli`, taken from npm:deno-std, which ships no types: they are declared here.

import { parseArgs as parseArgsJs } from "npm:deno-std@1.4.0/cli/parse_args.js";

/** The part of `@std/cli`'s options that this project uses. */
export interface ParseOptions {
  readonly string?: readonly string[];
  readonly boolean?: readonly string[];
  readonly collect?: readonly string[];
  readonly alias?: Readonly<Record<string, string>>;
  readonly default?: Readonly<Record<string, unknown>>;
  readonly stopEarly?: boolean;
  /** Called for each argument that no option names; returning false leaves it out. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What `parseArgs` found: one key an option, and the operands in `_`. */
export type ParsedArgs = Record<string, unknown> & { _: (string | number)[] };

/** Splits command-line arguments into options and operands. */
export const parseArgs: (args: readonly string[], options?: ParseOptions) => ParsedArgs = parseArgsJs;
