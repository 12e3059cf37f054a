// What does -k do to a server that may be running already? Finds it by its pid file, and tells it: by signal, or where there are
// none as remote_control.ts says.

import type { Capabilities } from "../platform/detect.ts";
import type { Action } from "./options.ts";
import { readPid, runningPid } from "./pid_file.ts";
import { controlFile, sendRemote } from "./remote_control.ts";

const SIGNALS: Readonly<Record<Exclude<Action, "start">, Deno.Signal>> = {
  "stop": "SIGTERM",
  "restart": "SIGHUP",
  "graceful": "SIGUSR1",
  "graceful-stop": "SIGWINCH",
};

/** The exit code when `action` is done with that; undefined: a server is to be started. */
export async function actOnRunning(
  action: Action | undefined,
  pidFile: string | undefined,
  capabilities: Capabilities,
): Promise<number | undefined> {
  const running = pidFile === undefined ? undefined : runningPid(pidFile);
  if (action === undefined || action === "start") {
    if (running === undefined) return undefined;
    console.log(`mpmd (pid ${running}) already running`);
    return 0;
  }
  if (running !== undefined) return await tell(running, pidFile!, action, capabilities);
  const stale = pidFile === undefined ? undefined : readPid(pidFile);
  if (action === "stop" || action === "graceful-stop") {
    console.log(`mpmd (${stale === undefined ? "no pid file" : `pid ${stale}?`}) not running`);
    return 0;
  }
  console.log("mpmd not running, trying to start");
  return undefined;
}

async function tell(
  pid: number,
  pidFile: string,
  action: Exclude<Action, "start">,
  capabilities: Capabilities,
): Promise<number> {
  if (capabilities["unix signals"].available) {
    Deno.kill(pid, SIGNALS[action]);
    return 0;
  }
  if (await sendRemote(controlFile(pidFile), action)) return 0;
  console.error(`mpmd (pid ${pid}) does not answer`);
  return 1;
}
