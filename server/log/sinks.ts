// Where do the lines of a FileHandler, and those of a start, end up? Each goes out in one call: lines of several processes and
// threads do not mingle.

/** Takes one whole line, its line feed included. */
export type WriteLine = (line: Uint8Array) => void;

/** Writes everything, however little the system takes at a time. @throws what `write` throws; Deno.errors.WriteZero */
export function writeAll(write: (bytes: Uint8Array) => number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const taken = write(at === 0 ? bytes : bytes.subarray(at));
    if (taken <= 0) throw new Deno.errors.WriteZero(`${bytes.length - at} bytes could not be written`);
    at += taken;
  }
}

/** Writes lines to standard error. */
export const stderrSink: WriteLine = (line) => writeAll((bytes) => Deno.stderr.writeSync(bytes), line);

/** A file that lines are appended to. */
export class AppendFile {
  #file: Deno.FsFile | undefined;

  /** @throws what Deno.openSync throws */
  constructor(readonly path: string, options: Deno.OpenOptions = { append: true, create: true }) {
    this.#file = Deno.openSync(path, options);
  }

  /** Appends one line. @throws what Deno.FsFile.writeSync throws; Deno.errors.BadResource after close() */
  readonly write: WriteLine = (line) => {
    const file = this.#file;
    if (file === undefined) throw new Deno.errors.BadResource(`${this.path} is closed`);
    writeAll((bytes) => file.writeSync(bytes), line);
  };

  /** Hands to the disk what the system still keeps in memory. */
  sync(): void {
    this.#file?.syncDataSync();
  }

  /** Closes the file; more than once does nothing. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
