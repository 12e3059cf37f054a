// What does a program say that a name stands for? RewriteMap prg: a line with the key for each question, a line with the value for each
// answer, while the request waits, and with it its thread. One program for each server thread that asks, started by the first question.

import { AskedProgram, type AskFailure } from "../../platform/asked_program.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import type { RewriteMap } from "./maps.ts";

/** A program that takes longer (ms) for an answer is ended. */
const ANSWER_MS = 5000;
/** One that has failed is started again by the first question so much (ms) later. */
const AGAIN_MS = 1000;

/** That of the server; without permission to see it, nothing but where programs are found. */
function serverEnvironment(): Record<string, string> {
  try {
    return Deno.env.toObject();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return { PATH: "/bin:/usr/bin:/usr/local/bin" };
    throw error;
  }
}

/** A program with what is known of it. */
class ProgramMap {
  #program: AskedProgram | undefined;
  #failedAt = -Infinity;

  constructor(readonly name: string, readonly command: readonly string[]) {}

  /** The value of `key`. What goes wrong goes to `log`, and there is none. */
  valueOf(key: string, log: ThreadContext["log"] | undefined): string | undefined {
    // Behind a line end would be another question.
    if (key.includes("\n") || performance.now() - this.#failedAt < AGAIN_MS) return undefined;
    try {
      this.#program ??= new AskedProgram(this.command, serverEnvironment());
      const said = this.#program.ask(key, ANSWER_MS);
      if (typeof said === "string") return this.#failed(said, log);
      return said.answer.toUpperCase() === "NULL" ? undefined : said.answer;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return this.#failed(error.message, log);
    }
  }

  #failed(reason: AskFailure | string, log: ThreadContext["log"] | undefined): undefined {
    this.close();
    this.#failedAt = performance.now();
    const text = reason === "late" ? `has not answered within ${ANSWER_MS} ms` : reason;
    log?.("error", undefined, `RewriteMap ${this.name}: ${this.command[0]}: ${text}`);
  }

  close(): void {
    this.#program?.close();
    this.#program = undefined;
  }
}

/** The maps of this thread that have asked, and where they tell what goes wrong. */
const asked = new Set<ProgramMap>();
let log: ThreadContext["log"] | undefined;

/** A map that asks `command`. */
export function programMap(name: string, command: readonly string[]): RewriteMap {
  const map = new ProgramMap(name, command);
  return (key) => {
    asked.add(map);
    return map.valueOf(key, log);
  };
}

/** The thread begins. */
export function openProgramMaps(context: ThreadContext): void {
  log = context.log;
}

/** The thread ends: its programs do, too. */
export function closeProgramMaps(): void {
  for (const map of asked) map.close();
}
