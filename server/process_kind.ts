// Which of the server's processes is this? Whoever starts one says it in its environment.

/** Of a launcher (launcher.ts); its value is the JSON of a Launch. */
export const LAUNCH_VARIABLE = "MPMD_LAUNCH";
/** Of a daemon (daemon.ts). */
export const DAEMON_VARIABLE = "MPMD_DAEMON";

/** True when this process was started as a launcher. */
export function isLauncher(): boolean {
  return Deno.env.has(LAUNCH_VARIABLE);
}

/** True in a process that was started to run in the background. */
export function isDaemon(): boolean {
  return Deno.env.has(DAEMON_VARIABLE);
}
