// What does a file of users or groups say now? Lines "name:rest", read again when the file has changed.

/** A file of lines. */
export class LineFile {
  #stamp = "";
  #lines: readonly string[] = [];

  constructor(readonly path: string) {}

  /** Its lines but for comments and empty ones. @throws what reading it fails with */
  lines(): readonly string[] {
    const { mtime, size, ino } = Deno.statSync(this.path);
    const stamp = `${mtime?.getTime()} ${size} ${ino}`;
    if (stamp !== this.#stamp) {
      this.#lines = latin1(Deno.readFileSync(this.path)).split("\n").map((line) => line.trimEnd()).filter((
        line,
      ) => line !== "" && !line.startsWith("#"));
      this.#stamp = stamp;
    }
    return this.#lines;
  }
}

/** A character for each byte: names are compared as clients send them. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

const files = new Map<string, LineFile>();

/** The file at `path`, as this thread knows it. */
export function lineFile(path: string): LineFile {
  const known = files.get(path) ?? new LineFile(path);
  files.set(path, known);
  return known;
}

/** "No such file or directory (os error 2)", without the call and the path. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  return error.message.replace(/: (?:stat|open|readfile) '.*$/s, "");
}
