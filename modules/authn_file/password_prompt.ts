// Which password does somebody type? Read from a terminal without showing it, or from standard input.

/** The command cannot go on; `code` is its exit code, as httpd's htpasswd and htdigest have it. */
export class CommandError extends Error {
  override readonly name = "CommandError";

  constructor(message: string, readonly code: number) {
    super(message);
  }
}

const say = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));

/** A line of standard input, without its end. */
function readLine(hidden: boolean): string {
  const bytes: number[] = [];
  const buffer = new Uint8Array(1);
  if (hidden) Deno.stdin.setRaw(true);
  try {
    for (;;) {
      if (Deno.stdin.readSync(buffer) === null) break;
      const [byte] = buffer;
      if (byte === 3) throw new CommandError("interrupted", 4);
      if (byte === 10 || byte === 13) break;
      // Backspace.
      if (hidden && (byte === 127 || byte === 8)) bytes.pop();
      else bytes.push(byte);
    }
  } finally {
    if (hidden) {
      Deno.stdin.setRaw(false);
      say("\n");
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** Asks for a new password, twice on a terminal. @throws CommandError */
export function newPassword(): string {
  const terminal = Deno.stdin.isTerminal();
  if (terminal) say("New password: ");
  const password = readLine(terminal);
  if (!terminal) return password;
  say("Re-type new password: ");
  if (readLine(true) !== password) throw new CommandError("password verification error", 3);
  return password;
}

/** Asks for a password that is there. @throws CommandError */
export function oldPassword(): string {
  const terminal = Deno.stdin.isTerminal();
  if (terminal) say("Enter password: ");
  return readLine(terminal);
}

/** The name and what belongs to it become a line of the file, in place of the one before. @throws CommandError */
export function writeLine(path: string, create: boolean, start: string, rest: string | undefined): boolean {
  const lines = create ? [] : readLines(path);
  const at = lines.findIndex((line) => line.startsWith(start));
  if (rest === undefined) {
    if (at >= 0) lines.splice(at, 1);
  } else if (at >= 0) lines[at] = start + rest;
  else lines.push(start + rest);
  // Whoever reads it meanwhile sees the old file or the new one.
  const draft = `${path}.${Deno.pid}.tmp`;
  try {
    Deno.writeTextFileSync(draft, lines.map((line) => `${line}\n`).join(""), { mode: modeOf(path) });
    Deno.renameSync(draft, path);
  } catch (error) {
    throw unusable(path, error);
  }
  return at >= 0;
}

/** Its lines. @throws CommandError */
export function readLines(path: string): string[] {
  try {
    const text = Deno.readTextFileSync(path);
    return text.replace(/\n$/, "").split("\n").filter((line, at, all) => line !== "" || at < all.length - 1);
  } catch (error) {
    throw unusable(path, error);
  }
}

/** A file that is there keeps its permissions; a new one is for its owner and group. */
function modeOf(path: string): number {
  try {
    return (Deno.statSync(path).mode ?? 0o640) & 0o777;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0o640;
    throw error;
  }
}

function unusable(path: string, error: unknown): CommandError {
  if (!(error instanceof Error)) throw error;
  const hint = error instanceof Deno.errors.NotFound ? "; use -c to create it" : "";
  return new CommandError(`cannot use ${path}: ${error.message}${hint}`, 1);
}

/** Runs a command and returns its exit code; what it stops at is said on standard error. */
export async function runCommand(
  name: string,
  usage: string,
  command: () => Promise<number>,
): Promise<number> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    say(error.message === "" ? usage : `${name}: ${error.message}\n`);
    return error.code;
  }
}
