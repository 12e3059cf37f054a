// How do lines get into a log? Those of a batch are collected and written in one call, so that the kernel keeps what different
// processes and threads write apart. Nothing here waits for a log or throws: a reader that is slow gets its lines later, and
// what cannot be written is lost, and counted.

import type { LogOutput } from "./log_output.ts";

/** Lines are written at the latest when this many bytes are waiting. */
const FLUSH_BYTES = 65_536;
/** Of lines that a slow reader does not take, at most this many bytes are kept. */
const MOST_KEPT = 1 << 20;
/** Failures are reported once in this many milliseconds. */
const REPORT_MS = 60_000;
/** A slow reader is tried again after this long (ms), lines that wait for company (BufferedLogs) are written after this long. */
const RETRY_MS = 100;
const COMPANY_MS = 1000;

const LF = 0x0a;

/** Failures since the last report. */
export interface WriteFailure {
  /** The latest one. */
  readonly error: Error;
  /** Lines that were lost since the last report. */
  readonly lostLines: number;
}

/** What a queue works with. */
export interface LineQueueOptions {
  readonly output: LogOutput;
  /** Told of failures, at most once a minute. */
  readonly onError: (failure: WriteFailure) => void;
  /** Lines wait for more of them, at most a second (BufferedLogs). */
  readonly buffered?: boolean;
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
}

const encoder = new TextEncoder();

/** The lines of one log of one thread. */
export class LineQueue {
  readonly #options: LineQueueOptions;
  readonly #now: () => number;
  /** Lines that are text yet: joining them and making bytes of all at once is what costs least. */
  #text = "";
  /** Lines that are bytes already, up to #end. */
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(2 * FLUSH_BYTES);
  #end = 0;
  /** The last line that was written lacks its end, which stands at the begin of `bytes`. */
  #torn = false;
  /** The reader takes nothing at the moment. */
  #slow = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lost = 0;
  #unreported = 0;
  #reported = -Infinity;

  constructor(options: LineQueueOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Lines that could not be written, ever. */
  get lostLines(): number {
    return this.#lost;
  }

  /** Adds a line (without its end). */
  line(text: string): void {
    if (this.#slow && this.#end + this.#text.length > MOST_KEPT) {
      this.#failed(new Error("its reader is too slow"), 1);
      return;
    }
    this.#text += text + "\n";
    if (this.#text.length > FLUSH_BYTES) this.flush();
  }

  /** Writes what is waiting, unless it waits for company. To be called after every batch. */
  endOfBatch(): void {
    if (this.#text === "" && !this.#waits) return;
    if (this.#options.buffered === true) this.#flushLater(COMPANY_MS);
    else this.flush();
  }

  /** There are bytes to write, besides the end of a line that was broken off. */
  get #waits(): boolean {
    return this.#end > Number(this.#torn);
  }

  /** Writes what is waiting, as far as it is taken. */
  flush(): void {
    this.#encode();
    if (!this.#waits) return;
    let at = 0;
    this.#slow = false;
    try {
      while (at < this.#end) {
        const rest = at === 0 ? this.#bytes : this.#bytes.subarray(at);
        const taken = this.#options.output.write(rest, this.#pieceEnd(at) - at);
        if (taken > 0) this.#torn = false;
        else {
          this.#slow = true;
          break;
        }
        at += taken;
      }
      this.#keep(at);
    } catch (error) {
      this.#giveUp(at, error as Error);
    }
    if (this.#slow) this.#flushLater(RETRY_MS);
  }

  /** Makes bytes of the text. */
  #encode(): void {
    const { length } = this.#text;
    if (length === 0) return;
    const free = this.#end === 0 ? this.#bytes : this.#bytes.subarray(this.#end);
    let { read, written } = encoder.encodeInto(this.#text, free);
    if (read < length) {
      // UTF-8 takes at most three bytes for a UTF-16 unit.
      const larger = new Uint8Array(this.#end + length * 3);
      larger.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = larger;
      ({ read, written } = encoder.encodeInto(this.#text, larger.subarray(this.#end)));
    }
    this.#end += written;
    this.#text = "";
  }

  /** What is written next: as many whole lines as stay together, or the one that is longer. */
  #pieceEnd(at: number): number {
    const { together } = this.#options.output;
    if (this.#end - at <= together) return this.#end;
    const last = this.#bytes.lastIndexOf(LF, at + together - 1);
    return (last >= at ? last : this.#bytes.indexOf(LF, at)) + 1;
  }

  /** What was taken goes away. */
  #keep(at: number): void {
    if (at < this.#end) this.#bytes.copyWithin(0, at, this.#end);
    this.#end -= at;
    if (this.#end === 0 && this.#bytes.length > 4 * FLUSH_BYTES) {
      this.#bytes = new Uint8Array(2 * FLUSH_BYTES);
    }
  }

  /** The rest cannot be written: it is lost. A line that is broken off gets its end before the next one. */
  #giveUp(at: number, error: Error): void {
    let lost = 0;
    for (let i = at; i < this.#end; i++) if (this.#bytes[i] === LF) lost++;
    if (this.#torn && at === 0) lost--;
    const torn = at === 0 ? this.#torn : this.#bytes[at - 1] !== LF;
    this.#keep(this.#end);
    if (torn) {
      this.#bytes[0] = LF;
      this.#end = 1;
    }
    this.#torn = torn;
    this.#failed(error, lost);
  }

  #flushLater(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.flush();
    }, ms);
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

  /** Writes what can be written; the queue is not used any more. */
  close(): void {
    this.flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
