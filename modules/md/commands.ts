// How are programs run that a configuration names? Without a shell, with what happened as further arguments.

import { words } from "../../server/config/mod.ts";

/** What a directive names. */
export interface Command {
  readonly directive: string;
  /** Program and arguments; words may be in quotes. */
  readonly line: string;
}

/** Runs it to its end. @throws Error when it does not start, or ends with another code than 0 */
export async function runCommand({ directive, line }: Command, ...more: string[]): Promise<void> {
  const [program, ...args] = words(line);
  let code: number;
  try {
    ({ code } = await new Deno.Command(program, {
      args: [...args, ...more],
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).output());
  } catch (error) {
    throw new Error(`${directive} ${line} cannot be run: ${(error as Error).message}`, { cause: error });
  }
  if (code !== 0) throw new Error(`${directive} ${line} failed with exit code ${code}.`);
}
