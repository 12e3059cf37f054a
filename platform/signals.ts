// Which signals does a process care for? Signals that the system does not have are left out here, so that nobody else asks.

import inspector from "node:inspector";
import process from "node:process";
import { system } from "./detect.ts";

const WINDOWS_SIGNALS: ReadonlySet<Deno.Signal> = new Set(["SIGINT", "SIGBREAK"]);

function available(signal: Deno.Signal): boolean {
  return system !== "windows" ? signal !== "SIGBREAK" : WINDOWS_SIGNALS.has(signal);
}

/** Calls `handler` for each of `signals` that this system has. Returns a function that ends it. */
export function onSignals(
  signals: readonly Deno.Signal[],
  handler: (signal: Deno.Signal) => void,
): () => void {
  const ends = signals.filter(available).map((signal) => {
    const listener = () => handler(signal);
    Deno.addSignalListener(signal, listener);
    return () => Deno.removeSignalListener(signal, listener);
  });
  return () => ends.forEach((end) => end());
}

/**
 * Deno answers SIGUSR1 by opening its inspector on loopback, through which anybody on the machine could run code as this
 * user. Here that signal means a graceful restart: the inspector is closed again at once.
 */
export function closeInspector(): void {
  inspector.close();
}

/** From now on `signals` do nothing. */
export function ignoreSignals(signals: readonly Deno.Signal[]): void {
  onSignals(signals, () => {});
}

/** True when a process `pid` exists, also when it is somebody else's. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === "EPERM";
  }
}
