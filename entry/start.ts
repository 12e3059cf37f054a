// How is the server put together? Its main program, and all modules, which that does not know.

import { blockInspectorSignal } from "../platform/inspector_block.ts";
import { type Command, commandOf, purposeOf } from "./purpose.ts";

const RUN: Readonly<Record<Command, (args: readonly string[]) => Promise<number>>> = {
  htpasswd: async (args) => (await import("../modules/authn_file/htpasswd.ts")).htpasswd(args),
  htdigest: async (args) => (await import("../modules/authn_file/htdigest.ts")).htdigest(args),
};

/** How it was started. */
export interface Begun {
  /** The URL of the application that was compiled with the server. */
  readonly program?: string;
  /** Why it does not run from its bundle, where it should. */
  readonly reason?: string;
}

/** Runs the command line `args` and returns the exit code. `entry` is the module that was started, for children to start too. */
export async function start(
  args: readonly string[],
  entry: string,
  { program, reason }: Begun = {},
): Promise<number> {
  const command = commandOf(args);
  if (command !== undefined) return await RUN[command](args.slice(1));
  // What is compiled begins here.
  if (purposeOf(args, program) === "serve") blockInspectorSignal();
  const [{ main }, { setModules }, { MODULES }, { THREAD_MODULE }] = await Promise.all([
    import("../server/main.ts"),
    import("../server/modules.ts"),
    import("../modules/mod.ts"),
    import("./thread_module.ts"),
  ]);
  setModules(MODULES);
  return await main(args, entry, { threads: THREAD_MODULE, runProbe, program, reason });
}

/** What a compiled program runs as a probe: it has no file of its own for that. */
async function runProbe(): Promise<void> {
  (await import("./probe.ts")).runProbe();
}
