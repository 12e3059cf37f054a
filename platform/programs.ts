// How is a program started that reads from a pipe of ours? With that pipe as its standard input, and nothing else of what our
// children inherit.

import { close, closeAllOnExec, duplicate, redirect, setCloseOnExec } from "./posix.ts";

/** A program and what it gets. */
export interface ReaderProgram {
  readonly executable: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** The descriptor of its standard input; stays the caller's. */
  readonly input: number;
  /** The descriptor of its standard output and error; undefined: those of this process, "null": none. */
  readonly output: number | "null" | undefined;
}

/**
 * Starts it in a session of its own, so that signals of a terminal do not reach it. Nothing else of this thread runs meanwhile:
 * our own standard input stands aside for a moment. @throws what Deno.Command.spawn throws; SystemError
 */
export function startReader(program: ReaderProgram): Deno.ChildProcess {
  const { executable, args, directory, input, output } = program;
  const own = duplicate(0, false);
  const descriptor = typeof output === "number" ? output : undefined;
  const ownOutputs = descriptor === undefined ? [] : [1, 2].map((fd) => [fd, duplicate(fd, false)] as const);
  // A program that had the writing end of its own pipe would never see the end of its input.
  const inheritable = closeAllOnExec();
  try {
    redirect(input, 0);
    if (descriptor !== undefined) { for (const [fd] of ownOutputs) redirect(descriptor, fd); }
    return new Deno.Command(executable, {
      args: [...args],
      cwd: directory,
      stdin: "inherit",
      stdout: output === "null" ? "null" : "inherit",
      stderr: output === "null" ? "null" : "inherit",
      detached: true,
    }).spawn();
  } finally {
    redirect(own, 0);
    close(own);
    for (const [fd, saved] of ownOutputs) {
      redirect(saved, fd);
      close(saved);
    }
    for (const fd of inheritable) setCloseOnExec(fd, false);
  }
}
