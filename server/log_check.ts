// Could the logs of a configuration be opened? What -t asks: nothing is made, nothing is written, no program is started.

import { dirname, isAbsolute, join } from "@std/path";
import type { LogOpener } from "./log/inherited_logs.ts";
import { fileNow } from "./log/rotating_file.ts";
import { syslogTrouble } from "./log/syslog.ts";
import { type LogTarget, programWords, targetKey } from "./log/target.ts";
import { LogError } from "./request/module.ts";

/** Takes logs as a start does, and only looks. */
export class LogCheck implements LogOpener {
  constructor(readonly serverRoot: string) {}

  open(target: LogTarget, complaint: string): void {
    try {
      this.#look(target);
    } catch (error) {
      throw new LogError(`${complaint} ${targetKey(target)}: ${(error as Error).message}`);
    }
  }

  #look(target: LogTarget): void {
    switch (target.kind) {
      case "file":
        return lookAt(target.path);
      case "rotating":
        // The directory is looked into for the file to go on with.
        return lookAt(target.bytes === undefined ? fileNow(target, Date.now()) : target.pattern);
      case "program": {
        const [name] = target.shell ? ["/bin/sh"] : programWords(target.command);
        // One without a directory is looked for when it is started.
        if (name.includes("/")) Deno.statSync(isAbsolute(name) ? name : join(this.serverRoot, name));
        return;
      }
      case "syslog": {
        const trouble = syslogTrouble();
        if (trouble !== undefined) throw new Error(trouble);
      }
    }
  }
}

function lookAt(path: string): void {
  if (!canAppend(path)) canMake(dirname(path));
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
