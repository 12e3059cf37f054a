// What has to happen before the server is even loaded? A process that will be a control process starts itself anew, so that a graceful restart
// does not open Deno's inspector; and the server's bundle is found, or made. Nothing else is loaded for that.

import { blockInspectorSignal } from "../platform/inspector_block.ts";
import { BundleError, entryUrl, findBundle, makeBundle } from "../server/bundle.ts";
import type { start } from "./start.ts";
import { isHelper, purposeOf } from "./purpose.ts";

/** Runs the command line `args` and returns the exit code. `entry` is the module that was started, for children to start too. */
export async function begin(args: readonly string[], entry: string): Promise<number> {
  const purpose = purposeOf(args);
  if (purpose === "serve") blockInspectorSignal();
  // A check makes the bundle too, for an image that has no network, or cannot be written, when it runs.
  const { url, reason } = await code(purpose !== "other");
  const loaded = await import(url) as { readonly start: typeof start };
  return await loaded.start(args, entry, { reason });
}

/** The module to go on with; `reason`: why it is not the bundle's, where it should be. */
async function code(makes: boolean): Promise<{ readonly url: string; readonly reason?: string }> {
  const modules = entryUrl("start");
  // They run what the control process runs; and what is compiled is as it is.
  if (Deno.build.standalone || isHelper()) return { url: modules };
  if (!makes) return { url: await findBundle() ?? modules };
  try {
    return { url: await makeBundle() };
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return { url: modules, reason: error.message };
  }
}
