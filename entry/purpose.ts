// What will this process be, if nothing is in the way?

import { CHILD_VARIABLE } from "../mpm/shared/child_order.ts";
import { parseOptions, UsageError } from "../server/options.ts";
import { PROBE_VARIABLE } from "../server/probe_order.ts";
import { isDaemon, isLauncher } from "../server/process_kind.ts";

/** Programs beside the server, by the first word of the command line. */
const COMMANDS = ["htpasswd", "htdigest"] as const;
export type Command = typeof COMMANDS[number];

/** The program that `args` ask for instead of the server. */
export function commandOf(args: readonly string[]): Command | undefined {
  return COMMANDS.find((name) => name === args[0]);
}

/** True in a process that another one of the server has started for a part of its work. */
export function isHelper(): boolean {
  return Deno.env.has(CHILD_VARIABLE) || Deno.env.has(PROBE_VARIABLE) || isLauncher();
}

/**
 * What the command line `args` asks of this process: the server, a check of the configuration, or something shorter. `program`: the URL of an
 * application that is compiled in.
 */
export function purposeOf(args: readonly string[], program?: string): "serve" | "test" | "other" {
  if (isHelper() || commandOf(args) !== undefined) return "other";
  try {
    const { print, test, dumps, action, foreground } = parseOptions(args, program);
    if (print !== undefined || dumps.length > 0) return "other";
    if (test) return "test";
    return action === undefined || foreground || isDaemon() ? "serve" : "other";
  } catch (error) {
    // main() tells what is wrong.
    if (error instanceof UsageError) return "other";
    throw error;
  }
}
