// How do lines get into a log? Those of a batch of requests are collected and written in one call to something opened for
// append: the kernel keeps what different processes and threads write apart, so no line is ever torn.

/** Lines are written at the latest when this many characters are waiting. */
const MOST_WAITING = 65_536;

/** Failures are reported once in this many milliseconds. */
const REPORT_MS = 60_000;

/** Failures since the last report. */
export interface WriteFailure {
  /** The latest one. */
  readonly error: Error;
  /** Lines that were lost since the last report. */
  readonly lostLines: number;
}

/** What a writer works with. */
export interface WriterOptions {
  /** Writes some of the bytes, as write(2) does, and returns how many; throws what went wrong. */
  readonly write: (bytes: Uint8Array) => number;
  /** Told of failures, at most once a minute. */
  readonly onError: (failure: WriteFailure) => void;
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
}

const encoder = new TextEncoder();

/** One log of one thread. */
export class AccessLogWriter {
  readonly #options: WriterOptions;
  readonly #now: () => number;
  #waiting = "";
  #lines = 0;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(2 * MOST_WAITING);
  /** The last line that was written lacks its end. */
  #torn = false;
  #lost = 0;
  #unreported = 0;
  #reported = -Infinity;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Lines that could not be written, ever. */
  get lostLines(): number {
    return this.#lost;
  }

  /** Adds a line (without its end). */
  line(text: string): void {
    this.#waiting += text + "\n";
    this.#lines++;
    if (this.#waiting.length > MOST_WAITING) this.flush();
  }

  /** Writes what is waiting. Never throws for what cannot be written: the request has been answered. */
  flush(): void {
    if (this.#lines === 0) return;
    const mend = this.#torn ? "\n" : "";
    const text = mend + this.#waiting;
    const lines = this.#lines;
    this.#waiting = "";
    this.#lines = 0;
    const length = this.#encode(text);
    let at = 0;
    try {
      while (at < length) {
        const taken = this.#options.write(this.#buffer.subarray(at, length));
        if (taken <= 0) throw new Deno.errors.WriteZero(`${length - at} bytes could not be written`);
        at += taken;
      }
      this.#torn = false;
    } catch (error) {
      if (at > 0) this.#torn = this.#buffer[at - 1] !== 0x0a;
      this.#failed(error as Error, lines - this.#linesIn(mend.length, at));
    }
  }

  /** Puts `text` into the buffer; returns its length in bytes. */
  #encode(text: string): number {
    let { read, written } = encoder.encodeInto(text, this.#buffer);
    if (read < text.length) {
      // UTF-8 takes at most three bytes for a UTF-16 unit.
      this.#buffer = new Uint8Array(text.length * 3);
      ({ read, written } = encoder.encodeInto(text, this.#buffer));
    }
    return written;
  }

  /** How many line ends there are in a part of the buffer. */
  #linesIn(start: number, end: number): number {
    let count = 0;
    for (let i = start; i < end; i++) if (this.#buffer[i] === 0x0a) count++;
    return count;
  }

  #failed(error: Error, lost: number): void {
    this.#lost += lost;
    this.#unreported += lost;
    const now = this.#now();
    if (now - this.#reported < REPORT_MS) return;
    this.#reported = now;
    const lostLines = this.#unreported;
    this.#unreported = 0;
    this.#options.onError({ error, lostLines });
  }
}
