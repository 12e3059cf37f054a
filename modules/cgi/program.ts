// How is a program outside of the server run? Without a shell, in its own environment, with pipes to it and from it; nobody waits for it
// longer than they say, and it does not outlive what it was started for.

import type { Exchange } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import type { ProgramLimits } from "../../server/core/program_directives.ts";
import { limitProgram, Resource } from "../../platform/program_limits.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A program that was told to end (SIGTERM) has this long (ms), as httpd's have. */
const END_MS = 3000;
/** What a program has left behind may hold its standard error: so long (ms) after its end it is still read. */
const ERRORS_MS = 1000;
/** A longer line (characters) of its standard error is more than one. */
const LONGEST_LINE = 8192;

/** What to run. */
export interface ProgramOrder {
  readonly file: string;
  readonly args: readonly string[];
  /** All of its environment. */
  readonly environment: ReadonlyMap<string, string>;
  /** Its working directory; undefined: the server's. */
  readonly directory: string | undefined;
  readonly limits: ProgramLimits;
}

/** A program cannot be started; the message is the system's: "(13)Permission denied". */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** Programs of this thread that run. */
const running = new Set<Program>();

/** The thread ends: nobody will be there to end them in order. */
export function killPrograms(): void {
  for (const program of running) program.kill("SIGKILL");
}

/** Names that no variable of a program should have, as httpd makes them fit. */
function fittingName(name: string): string {
  return name.replace(/^[0-9]|[^A-Za-z0-9_]/g, "_");
}

function systemText(error: Error): string {
  const found = /(?:^|: )([^:]*) \(os error (\d+)\)/.exec(error.message);
  return found === null ? error.message : `(${found[2]})${found[1]}`;
}

/**
 * Starts a program for a request: it ends when the client goes away. `complain` gets the lines of its standard error; `errors` is
 * settled behind the last one. @throws StartError
 */
export function startFor(
  exchange: Exchange,
  context: ThreadContext,
  order: ProgramOrder,
  complain: (line: string) => void,
): { readonly program: Program; readonly errors: Promise<void> } {
  const program = Program.start(order);
  const { signal } = exchange.outermost;
  const gone = () => program.end();
  signal.addEventListener("abort", gone);
  const errors = program.readErrors(complain);
  program.over.then(() => signal.removeEventListener("abort", gone));
  // Timers of ours, and a system that wants to be asked who has ended.
  context.waitUntil(Promise.all([program.over, errors]));
  return { program, errors };
}

/** One program that runs. */
export class Program {
  readonly #child: Deno.ChildProcess;
  readonly #output: ReadableStreamDefaultReader<Bytes>;
  #exited = false;
  #ended = false;

  /** @throws StartError */
  static start(order: ProgramOrder): Program {
    try {
      const child = new Deno.Command(order.file, {
        args: [...order.args],
        clearEnv: true,
        env: Object.fromEntries([...order.environment].map(([name, value]) => [fittingName(name), value])),
        cwd: order.directory,
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const { cpu, memory, processes } = order.limits;
      if (cpu !== undefined) limitProgram(child.pid, Resource.ProcessorTime, cpu.soft, cpu.hard);
      if (memory !== undefined) limitProgram(child.pid, Resource.AddressSpace, memory.soft, memory.hard);
      if (processes !== undefined) {
        limitProgram(child.pid, Resource.Processes, processes.soft, processes.hard);
      }
      return new Program(child);
    } catch (error) {
      // Whatever it is (no file, no permission, an argument that can be none): there is no program.
      if (error instanceof Error) throw new StartError(systemText(error));
      throw error;
    }
  }

  /** Settled when it has ended. */
  get over(): Promise<unknown> {
    return this.#child.status;
  }

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#output = child.stdout.getReader();
    running.add(this);
    child.status.then(() => {
      this.#exited = true;
      running.delete(this);
    });
  }

  /**
   * Gives it `input`, and then the end. Where it takes no more, the rest is nobody's. Rejected with what `input` fails with: it must not
   * be taken for whole, so the program is killed.
   */
  async feed(input: AsyncIterable<Bytes> | undefined): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    // A program that is gone has closed it: its output tells.
    writer.closed.catch(() => {});
    const iterator = input?.[Symbol.asyncIterator]();
    for (;;) {
      const next = await iterator?.next().catch((error) => {
        this.kill("SIGKILL");
        throw error;
      });
      if (next === undefined || next.done === true) break;
      if (next.value.length === 0) continue;
      try {
        await writer.write(next.value);
      } catch {
        // EPIPE: it has read enough.
        await iterator?.return?.().catch(() => {});
        return;
      }
    }
    await writer.close().catch(() => {});
  }

  /** The next piece of its output; "end", or "timeout" when it says nothing for `ms`: then nothing more is read. */
  async read(ms: number): Promise<Bytes | "end" | "timeout"> {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      // What is being read ends by that.
      this.#output.cancel().catch(() => {});
    }, ms);
    try {
      const { done, value } = await this.#output.read();
      return expired ? "timeout" : done ? "end" : value;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads what is left of its output, which nobody wants, and ends it. */
  async drain(ms: number): Promise<void> {
    while (await this.read(ms) instanceof Uint8Array);
    this.end();
  }

  /** Gives the lines of its standard error to `take`. */
  async readErrors(take: (line: string) => void): Promise<void> {
    const reader = this.#child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    let done = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    this.#child.status.then(() => {
      if (!done) timer = setTimeout(() => reader.cancel().catch(() => {}), ERRORS_MS);
    });
    let rest = "";
    for (;;) {
      const { done: ended, value } = await reader.read();
      if (ended) break;
      const lines = (rest + value).split(/\r?\n/);
      rest = lines.pop()!;
      for (const line of lines) take(line.slice(0, LONGEST_LINE));
      for (; rest.length > LONGEST_LINE; rest = rest.slice(LONGEST_LINE)) take(rest.slice(0, LONGEST_LINE));
    }
    if (rest !== "") take(rest);
    done = true;
    clearTimeout(timer);
  }

  /** Nobody wants more of it: it is told to end, and killed if it does not. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#output.cancel().catch(() => {});
    if (this.#exited) return;
    this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), END_MS);
    this.#child.status.then(() => clearTimeout(timer));
  }

  kill(signal: Deno.Signal): void {
    if (this.#exited) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}
