// How does a debugger get at an application? Its thread opens Deno's inspector itself: neither the rest of the server nor other threads
// are in it.

import { open, waitForDebugger } from "node:inspector";
import type { Inspect } from "../../server/deno_flags.ts";
import type { ThreadContext } from "../../server/request/module.ts";

/** The port of a generation that ends is free soon (ms). */
const AGAIN_MS = 100;

/**
 * Opens the inspector of this thread, and waits for a debugger where that is asked for. Where something else has the port, which is the
 * thread before this one at a restart, it is opened later, and nobody is waited for. Returns whether a debugger is there.
 * @throws Error that says what DenoPermissions has to grant
 */
export function openInspector({ mode, hostname, port }: Inspect, log: ThreadContext["log"]): boolean {
  const isOpen = (): boolean => {
    try {
      open(port, hostname, false);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) {
        throw new Error("--inspect: the application needs --allow-sys=inspector for that", { cause: error });
      }
      // Deno's class is not that of Node's errors with this name.
      if (!(error instanceof Error) || error.name !== "AddrInUse") throw error;
      return false;
    }
  };
  if (!isOpen()) {
    log("notice", undefined, `--inspect: ${hostname}:${port} is in use; it is opened when that is free`);
    const timer = setInterval(() => {
      if (isOpen()) clearInterval(timer);
    }, AGAIN_MS);
    return false;
  }
  if (mode === "open") return false;
  waitForDebugger();
  return true;
}
