// What has to happen before the server is even loaded? A process that will be a control process starts itself anew, so that a
// graceful restart does not open Deno's inspector. It does so before it has loaded what it would have to load once more.

import { CHILD_VARIABLE } from "../mpm/shared/child_order.ts";
import { blockInspectorSignal } from "../platform/inspector_signal.ts";
import { isDaemon } from "../server/daemon.ts";
import { isLauncher } from "../server/launcher.ts";
import { PROBE_VARIABLE } from "../server/probe_order.ts";
import { parseOptions, UsageError } from "../server/options.ts";

/** Programs beside the server, by the first word of the command line. */
const COMMANDS: ReadonlyMap<string, (args: readonly string[]) => Promise<number>> = new Map([
  ["htpasswd", async (args) => (await import("../modules/authn_file/htpasswd.ts")).htpasswd(args)],
  ["htdigest", async (args) => (await import("../modules/authn_file/htdigest.ts")).htdigest(args)],
]);

/**
 * Runs the command line `args` and returns the exit code. `entry` is the module that was started, for children to start too; `program`: the
 * URL of the application that was compiled with the server.
 */
export async function start(args: readonly string[], entry: string, program?: string): Promise<number> {
  const command = COMMANDS.get(args[0]);
  if (command !== undefined) return await command(args.slice(1));
  const helper = Deno.env.has(CHILD_VARIABLE) || Deno.env.has(PROBE_VARIABLE) || isLauncher();
  if (!helper && willServe(args, program)) blockInspectorSignal();
  const [{ main }, { setModules }, { MODULES }, { THREAD_MODULE }] = await Promise.all([
    import("../server/main.ts"),
    import("../server/modules.ts"),
    import("../modules/mod.ts"),
    import("./thread_module.ts"),
  ]);
  setModules(MODULES);
  return await main(args, entry, { threads: THREAD_MODULE, runProbe, program });
}

/** What a compiled program runs as a probe: it has no file of its own for that. */
async function runProbe(): Promise<void> {
  (await import("./probe.ts")).runProbe();
}

/** This process will be the server, if nothing is in the way. */
function willServe(args: readonly string[], program: string | undefined): boolean {
  try {
    const { print, test, dumps, action, foreground } = parseOptions(args, program);
    return print === undefined && !test && dumps.length === 0 &&
      (action === undefined || foreground || isDaemon());
  } catch (error) {
    // main() tells what is wrong.
    if (error instanceof UsageError) return false;
    throw error;
  }
}
