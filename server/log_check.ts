// Could the logs of a configuration be opened? What -t asks: nothing is made, nothing is written.

import { dirname } from "@std/path";
import type { LogOpener } from "./log/log_file.ts";
import { LogError } from "./request/module.ts";

/** Takes logs as a start does, and only looks. */
export class LogCheck implements LogOpener {
  open(path: string, complaint: string): void {
    try {
      if (!canAppend(path)) canMake(dirname(path));
    } catch (error) {
      throw new LogError(`${complaint} ${path}: ${(error as Error).message}`);
    }
  }
}

/** False if there is no such file. @throws what opening it throws */
function canAppend(path: string): boolean {
  try {
    Deno.openSync(path, { append: true }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A start makes missing directories too: the first that is there counts. @throws if no file can be made in it */
function canMake(directory: string): void {
  try {
    Deno.statSync(directory);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) || dirname(directory) === directory) throw error;
    return canMake(dirname(directory));
  }
  Deno.removeSync(Deno.makeTempFileSync({ dir: directory, prefix: ".mpmd-" }));
}
