// Is a server of this configuration running? The pid file says so (httpd's PidFile): a number and a line feed.

import { dirname } from "@std/path";
import { processExists } from "../platform/signals.ts";

/** The pid file cannot be read or written (AH00058, AH00099). */
export class PidFileError extends Error {
  override readonly name = "PidFileError";
}

/** The pid in the file, whether it is alive or not; undefined when there is no file. @throws PidFileError */
export function readPid(path: string): number | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new PidFileError(`AH00058: Error retrieving pid file ${path}: ${(error as Error).message}`);
  }
  const pid = /^\s*(\d{1,9})\s*$/.exec(text)?.[1];
  if (pid === undefined) {
    throw new PidFileError(
      `AH00058: Error retrieving pid file ${path}: it holds no process id; remove it before continuing if it is corrupted.`,
    );
  }
  return Number(pid);
}

/** The pid of the live server that owns the file, if any. Our own pid is no other server (containers use the same ones again). */
export function runningPid(path: string): number | undefined {
  const pid = readPid(path);
  if (pid === undefined || pid === Deno.pid) return undefined;
  return processExists(pid) ? pid : undefined;
}

/** Writes this process's pid, by way of a temporary file, so that readers see all or nothing. @throws PidFileError */
export function writePid(path: string): void {
  const temporary = `${path}.${Deno.pid}`;
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
    Deno.writeTextFileSync(temporary, `${Deno.pid}\n`, { mode: 0o644 });
    Deno.renameSync(temporary, path);
  } catch (error) {
    throw new PidFileError(`AH00099: could not create ${path}: ${(error as Error).message}`);
  }
}

/** Removes the file if it is ours. */
export function removePid(path: string): void {
  if (readPid(path) === Deno.pid) Deno.removeSync(path);
}
