// How does a program that takes a log live? It is started by the control process with the reading end of a pipe, and started
// again when it dies; the pipe stays open meanwhile, so that nothing of what is written to it is lost.

import { join } from "@std/path";
import { close, createPipe } from "../../platform/posix.ts";
import { startReader } from "../../platform/programs.ts";
import { type ProgramTarget, programWords } from "./target.ts";

/** What a pipe holds while its program is slow, where the system lets us choose. */
const PIPE_BYTES = 1 << 20;
/** A program that keeps dying is not started more often than this (ms). */
const RESTART_MS = 1000;

/** What a program runs with. */
export interface ProgramSurroundings {
  /** Its directory, and that of a relative name. */
  readonly serverRoot: string;
  /** Where its own messages go; as startReader() has it. */
  readonly output: () => number | "null" | undefined;
  /** What becomes of it, for the error log. */
  readonly onProblem: (ah: string, message: string) => void;
}

/** One program with its pipe. */
export class LogProgram {
  readonly #pipe = createPipe(PIPE_BYTES);
  #process: Deno.ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #released = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Starts the program. @throws Error: there is no such program; SystemError */
  constructor(readonly target: ProgramTarget, readonly surroundings: ProgramSurroundings) {
    try {
      this.#start();
    } catch (error) {
      this.#closePipe();
      throw error;
    }
  }

  /** The descriptor to write to; this program's owner duplicates it. */
  get input(): number {
    return this.#pipe.write;
  }

  #start(): void {
    const { target: { command, shell }, surroundings: { serverRoot, output } } = this;
    const [name, ...words] = programWordsOf(command, shell);
    const started = performance.now();
    const process = startReader({
      executable: name.includes("/") ? join(name.startsWith("/") ? "" : serverRoot, name) : name,
      args: words,
      directory: serverRoot,
      input: this.#pipe.read,
      output: output(),
    });
    // It is to outlive us, should it come to that: what is in its pipe is still to be written.
    process.unref();
    this.#process = process;
    this.#ended = process.status.then(() => this.#onEnd(started));
  }

  #onEnd(started: number): void {
    this.#process = undefined;
    if (this.#released) return;
    const { onProblem } = this.surroundings;
    onProblem("AH00106", `piped log program '${this.target.command}' failed unexpectedly`);
    const again = () => {
      this.#timer = undefined;
      if (this.#released) return;
      try {
        this.#start();
      } catch (error) {
        onProblem(
          "AH00107",
          `piped_log_maintenance: unable to respawn '${this.target.command}': ${(error as Error).message}`,
        );
        this.#timer = setTimeout(again, RESTART_MS);
      }
    };
    const lived = performance.now() - started;
    this.#timer = setTimeout(again, lived < RESTART_MS ? RESTART_MS : 0);
  }

  /** It sees the end of its input once those who inherited the writing end are gone, and is not started again. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    clearTimeout(this.#timer);
    this.#closePipe();
  }

  #closePipe(): void {
    close(this.#pipe.read);
    close(this.#pipe.write);
  }

  /** Settled when the program, which has been released, has ended. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Waits for the end of the program, which has been released. After `ms` it is sent TERM, and no longer waited for. */
  async finish(ms: number): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        process.kill("SIGTERM");
        resolve();
      }, ms);
    });
    await Promise.race([this.#ended, late]);
    clearTimeout(timer);
  }
}

function programWordsOf(command: string, shell: boolean): string[] {
  return shell ? ["/bin/sh", "-c", command] : programWords(command);
}
