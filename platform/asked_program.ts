// How is a program asked, question by question, by a thread that waits for the answer? By two pipes that it reads and writes itself:
// posix_spawn(3), for what Deno starts talks to the event loop only.

import {
  close,
  createPipe,
  Errno,
  libraryName,
  openLibc,
  read,
  setNonBlocking,
  SystemError,
  write,
} from "./posix.ts";

const SYMBOLS = {
  kill: { parameters: ["i32", "i32"], result: "i32" },
  poll: { parameters: ["buffer", "u32", "i32"], result: "i32" },
  posix_spawn: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  posix_spawn_file_actions_adddup2: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
  posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_destroy: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_setflags: { parameters: ["buffer", "i16"], result: "i32" },
  posix_spawnattr_setsigdefault: { parameters: ["buffer", "buffer"], result: "i32" },
  posix_spawnattr_setsigmask: { parameters: ["buffer", "buffer"], result: "i32" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
} as const;

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
type Bytes = Uint8Array<ArrayBuffer>;

/** Room for what the library keeps in these (glibc, x86_64: 80 and 336 bytes; darwin: a pointer), and for a set of signals. */
const ACTIONS_SIZE = 256;
const ATTRIBUTES_SIZE = 512;
const SIGNALS_SIZE = 128;
const POSIX_SPAWN_SETSIGDEF = 4;
const POSIX_SPAWN_SETSIGMASK = 8;
const SIGPIPE = 13;
const SIGTERM = 15;
const SIGKILL = 9;
const WNOHANG = 1;
const POLLIN = 1;
/** A program that was told to end has so many looks, of a millisecond each, before it is killed. */
const END_LOOKS = 50;
const PIPE_SIZE = 65_536;
const LINE_END = 10;

let symbols: Symbols | undefined;

function libc(): Symbols {
  openLibc();
  return symbols ??= Deno.dlopen(libraryName, SYMBOLS).symbols;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const cString = (text: string): Bytes => encoder.encode(`${text}\0`);

/** An array of pointers to `strings`, which have to stay as long as it is used. */
function pointersTo(strings: readonly Bytes[]): Bytes {
  const pointers = new BigUint64Array(strings.length + 1);
  for (const [i, string] of strings.entries()) {
    pointers[i] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(string));
  }
  return new Uint8Array(pointers.buffer);
}

/** Why a question has no answer. */
export type AskFailure = "ended" | "late";

/** A program that answers each line with a line. Its standard error is this process's. */
export class AskedProgram {
  readonly #pid: number;
  readonly #questions: number;
  readonly #answers: number;
  #rest: Bytes = new Uint8Array(0);

  /** Starts `command`, a path and arguments. @throws SystemError, and what Deno.dlopen throws */
  constructor(command: readonly string[], environment: Readonly<Record<string, string>>) {
    libc();
    const questions = createPipe(PIPE_SIZE);
    const answers = createPipe(PIPE_SIZE);
    try {
      // The program's end, which is nobody else's.
      setNonBlocking(answers.write, false);
      this.#pid = spawn(command, environment, questions.read, answers.write);
    } catch (error) {
      close(questions.write);
      close(answers.read);
      throw error;
    } finally {
      close(questions.read);
      close(answers.write);
    }
    this.#questions = questions.write;
    this.#answers = answers.read;
  }

  /** Asks with a line (without its end), and waits up to `ms` for one. After a failure the program is to be closed. */
  ask(line: string, ms: number): { readonly answer: string } | AskFailure {
    const question = encoder.encode(`${line}\n`);
    if (write(this.#questions, question) !== question.length) return "ended";
    const end = performance.now() + ms;
    const buffer = new Uint8Array(PIPE_SIZE);
    for (;;) {
      const at = this.#rest.indexOf(LINE_END);
      if (at >= 0) {
        const answer = decoder.decode(this.#rest.subarray(0, at));
        this.#rest = this.#rest.slice(at + 1);
        return { answer };
      }
      if (!hasInput(this.#answers, end - performance.now())) return "late";
      const n = read(this.#answers, buffer);
      if (n === -Errno.EINTR) continue;
      if (n <= 0) return "ended";
      const joined = new Uint8Array(this.#rest.length + n);
      joined.set(this.#rest);
      joined.set(buffer.subarray(0, n), this.#rest.length);
      this.#rest = joined;
    }
  }

  /** Ends the program, and waits for that. */
  close(): void {
    const { kill, waitpid, poll } = libc();
    close(this.#questions);
    close(this.#answers);
    kill(this.#pid, SIGTERM);
    for (let look = 0; look < END_LOOKS; look++) {
      if (waitpid(this.#pid, null, WNOHANG) !== 0) return;
      poll(null, 0, 1);
    }
    kill(this.#pid, SIGKILL);
    waitpid(this.#pid, null, 0);
  }
}

/** Waits up to `ms` for input, or for the end of it. */
function hasInput(fd: number, ms: number): boolean {
  const end = performance.now() + ms;
  const entry = new DataView(new ArrayBuffer(8));
  entry.setInt32(0, fd, true);
  entry.setInt16(4, POLLIN, true);
  const bytes = new Uint8Array(entry.buffer);
  for (let left = ms; left > 0; left = end - performance.now()) {
    if (libc().poll(bytes, 1, Math.ceil(left)) > 0) return true;
  }
  return false;
}

/** Starts a program with these as its standard input and output, and signals as they are for any new program. Returns its id. @throws SystemError */
function spawn(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  input: number,
  output: number,
): number {
  const calls = libc();
  const actions = new Uint8Array(ACTIONS_SIZE);
  const attributes = new Uint8Array(ATTRIBUTES_SIZE);
  const none = new Uint8Array(SIGNALS_SIZE);
  const ignored = new Uint8Array(SIGNALS_SIZE);
  ignored[(SIGPIPE - 1) >> 3] = 1 << ((SIGPIPE - 1) & 7);
  calls.posix_spawn_file_actions_init(actions);
  calls.posix_spawnattr_init(attributes);
  try {
    calls.posix_spawn_file_actions_adddup2(actions, input, 0);
    calls.posix_spawn_file_actions_adddup2(actions, output, 1);
    calls.posix_spawnattr_setsigmask(attributes, none);
    calls.posix_spawnattr_setsigdefault(attributes, ignored);
    calls.posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    const words = command.map(cString);
    const variables = Object.entries(environment).map(([name, value]) => cString(`${name}=${value}`));
    const pid = new Int32Array(1);
    const failed = calls.posix_spawn(
      new Uint8Array(pid.buffer),
      words[0],
      actions,
      attributes,
      pointersTo(words),
      pointersTo(variables),
    );
    if (failed !== 0) throw new SystemError(`posix_spawn ${command[0]}`, failed);
    return pid[0];
  } finally {
    calls.posix_spawn_file_actions_destroy(actions);
    calls.posix_spawnattr_destroy(attributes);
  }
}
