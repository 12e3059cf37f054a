// Can a log be written? Asked before the server starts, so that the answer reaches whoever starts it.

import { dirname } from "@std/path";
import { LogError } from "../request/module.ts";

/**
 * Makes the directory of `path` if it is not there (a fresh checkout has no logs/), and the file.
 * @throws LogError beginning with `complaint`
 */
export function makeWritable(path: string, complaint: string): void {
  try {
    Deno.mkdirSync(dirname(path), { recursive: true });
    Deno.openSync(path, { append: true, create: true }).close();
  } catch (error) {
    throw new LogError(`${complaint} ${path}: ${(error as Error).message}`);
  }
}
