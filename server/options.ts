// What was the server asked to do? The command line, with httpd's letters (mpm.md 16).

import { parseArgs } from "@std/cli";

/** Actions of -k. */
export const ACTIONS = ["start", "stop", "restart", "graceful", "graceful-stop"] as const;
export type Action = typeof ACTIONS[number];

/** What a command line says. */
export interface Options {
  /** -v, -V, -l, -h: print and exit. */
  readonly print: "version" | "settings" | "modules" | "help" | undefined;
  /** -t: check the configuration and exit. */
  readonly test: boolean;
  readonly action: Action | undefined;
  /** -d, -f as given. */
  readonly serverRoot: string | undefined;
  readonly configFile: string | undefined;
  readonly defines: readonly string[];
  /** --mpm NAME */
  readonly mpm: string | undefined;
  /** --listen [HOST:]PORT, for an application without a configuration file. */
  readonly listen: readonly string[];
  /** The application to serve. */
  readonly application: string | undefined;
}

/** A command line that makes no sense; usage is printed and the exit code is 1. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What -h prints. */
export const USAGE = `Usage: mpmd [-D name] [-d directory] [-f file]
            [-k start|restart|graceful|graceful-stop|stop]
            [-v] [-V] [-h] [-l] [-t] [--mpm name]
       mpmd [--listen [host:]port] [--mpm name] application.ts
Options:
  -D name            : define a name for use in <IfDefine name> directives
                       (FOREGROUND: -k start stays in the foreground)
  -d directory       : specify an alternate initial ServerRoot
  -f file            : specify an alternate ServerConfigFile
  -k action          : start in the background, or signal a running server
  -v                 : show version number
  -V                 : show compile settings
  -h                 : list available command line options (this page)
  -l                 : list compiled in modules
  -t                 : run syntax check for config files
  --mpm name         : choose the multi-processing module
  --listen address   : listen here (with an application; default 8080)
  application.ts     : serve a module with "export default { fetch }"
Without -k the server runs in the foreground.
`;

const STRINGS = ["D", "d", "f", "k", "mpm", "listen"];
const FLAGS = ["v", "V", "h", "l", "t"];

/** Reads a command line. @throws UsageError */
export function parseOptions(args: readonly string[]): Options {
  const parsed = parseArgs(args, {
    string: STRINGS,
    boolean: FLAGS,
    collect: ["D", "listen", "k", "mpm"],
    unknown: (arg, key) => {
      if (key !== undefined || (arg.startsWith("-") && arg !== "-")) {
        throw new UsageError(`illegal option -- ${arg}`);
      }
      return true;
    },
  });
  for (const name of STRINGS) {
    for (const value of [parsed[name]].flat()) {
      if (value === "") throw new UsageError(`option requires an argument -- ${name}`);
    }
  }
  const operands = parsed._.map(String);
  if (operands.length > 1) throw new UsageError(`more than one application: ${operands.join(" ")}`);
  const action = single(parsed.k, "k");
  if (action !== undefined && !ACTIONS.some((known) => known === action)) {
    throw new UsageError(`illegal option -- k ${action}`);
  }
  return {
    print: parsed.h
      ? "help"
      : parsed.v
      ? "version"
      : parsed.V
      ? "settings"
      : parsed.l
      ? "modules"
      : undefined,
    test: parsed.t === true,
    action: action as Action | undefined,
    serverRoot: single(parsed.d, "d"),
    configFile: single(parsed.f, "f"),
    defines: list(parsed.D),
    mpm: single(parsed.mpm, "mpm"),
    listen: list(parsed.listen),
    application: operands[0],
  };
}

function list(value: unknown): string[] {
  return value === undefined ? [] : [value].flat().map(String);
}

function single(value: unknown, name: string): string | undefined {
  const values = list(value);
  if (values.length > 1) throw new UsageError(`option given more than once -- ${name}`);
  return values[0];
}
