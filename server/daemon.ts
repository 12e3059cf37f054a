// How does the server get into the background? -k start runs it once more, detached, and waits until it has either bound its
// sockets or said why it cannot: the daemon keeps the pipe to its starter open just as long.

import * as posix from "../platform/posix.ts";

/** Set for a daemon by its starter. */
const DAEMON_VARIABLE = "MPMD_DAEMON";
/** What a daemon says last to its starter. */
const READY = "\0ready\n";

/** True in a process that was started to run in the background. */
export function isDaemon(): boolean {
  return Deno.env.has(DAEMON_VARIABLE);
}

/** Starts the server in the background with the same arguments; returns its exit code if it fails, 0 once it runs. */
export async function startDaemon(entry: string, args: readonly string[]): Promise<number> {
  const command = new Deno.Command(Deno.execPath(), {
    args: Deno.build.standalone ? [...args] : ["run", "--allow-all", "--no-prompt", entry, ...args],
    env: { [DAEMON_VARIABLE]: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    detached: true,
  });
  const process = command.spawn();
  let said = "";
  for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
    said += text;
    if (said.includes(READY)) break;
  }
  const [text] = said.split(READY, 1);
  if (text.trim() !== "") console.error(text.trimEnd());
  if (text === said) return (await process.status).code;
  process.unref();
  return 0;
}

/** The daemon is up: it lets go of its starter's pipe; what anybody still prints goes into the error log. */
export function becomeDaemon(errorLog: string): void {
  const fd = posix.openForAppend(errorLog === "/dev/stderr" ? "/dev/null" : errorLog);
  posix.write(2, new TextEncoder().encode(READY));
  posix.redirect(fd, 1);
  posix.redirect(fd, 2);
  posix.close(fd);
  Deno.env.delete(DAEMON_VARIABLE);
}
