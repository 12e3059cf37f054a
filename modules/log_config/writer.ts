// How do lines get into a log file? Those of a batch of requests are collected and written in one call to a file opened for
// append: the kernel keeps what different processes and threads write apart, so no line is ever torn.

/** Lines are written at the latest when this many characters are waiting. */
const MOST_WAITING = 65_536;

const encoder = new TextEncoder();

/** One log file of one thread. */
export class LogWriter {
  #file: Deno.FsFile;
  #waiting = "";
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(2 * MOST_WAITING);
  #failing = false;

  /**
   * @param onError told once when writing begins to fail, until it works again
   * @throws what Deno.openSync throws
   */
  constructor(readonly path: string, readonly onError: (message: string) => void) {
    this.#file = Deno.openSync(path, { append: true, create: true });
  }

  /** Adds a line (without its end). */
  line(text: string): void {
    this.#waiting += text + "\n";
    if (this.#waiting.length >= MOST_WAITING) this.flush();
  }

  /** Writes what is waiting. */
  flush(): void {
    if (this.#waiting === "") return;
    if (this.#buffer.length < this.#waiting.length * 3) {
      this.#buffer = new Uint8Array(this.#waiting.length * 3);
    }
    const { written } = encoder.encodeInto(this.#waiting, this.#buffer);
    this.#waiting = "";
    try {
      for (let at = 0; at < written;) at += this.#file.writeSync(this.#buffer.subarray(at, written));
      this.#failing = false;
    } catch (error) {
      // The requests are answered whether their lines can be kept or not; the loss is reported, not repeated.
      if (!this.#failing) this.onError(`AH00646: Error writing to ${this.path}: ${(error as Error).message}`);
      this.#failing = true;
    }
  }
}
