// Which file is a log written to that rotates? The same for all processes and threads, without a word between them: its name
// follows from the time, and from the sizes of the files that are there.

import { basename, dirname } from "@std/path";
import { close, isOpen, openForAppend } from "../../platform/posix.ts";
import { descriptorWriter } from "./descriptor_writer.ts";
import { strftime } from "./strftime.ts";
import type { RotatingTarget } from "./target.ts";

/** How often (ms) the size of the file is looked at, if it is limited; and how much one thread writes before it looks again. */
const LOOK_MS = 1000;
const LOOK_SHARE = 16;
/** A file that cannot be made is tried again after this long (ms). */
const RETRY_MS = 60_000;

/** The interval that `ms` is in: when it begins and ends (ms since 1970), counted from midnight, local time. */
function intervalAt(seconds: number, ms: number): { readonly begin: number; readonly end: number } {
  const length = seconds * 1000;
  const offset = new Date(ms).getTimezoneOffset() * 60_000;
  const begin = Math.floor((ms - offset) / length) * length + offset;
  return { begin, end: begin + length };
}

/** The name of the first file of an interval. One without a place for the time gets its seconds since 1970, as rotatelogs does. */
function baseName({ pattern, interval }: RotatingTarget, begin: number): string {
  if (interval === undefined) return pattern;
  return pattern.includes("%") ? strftime(pattern, begin) : `${pattern}.${Math.floor(begin / 1000)}`;
}

/** Bytes of a file; undefined: it is not there. */
function sizeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The highest number of the files NAME, NAME.1, NAME.2 ...; -1: none of them is there. */
function highestNumber(base: string): number {
  const name = basename(base);
  let highest = -1;
  for (const { name: other } of Deno.readDirSync(dirname(base))) {
    if (!other.startsWith(name)) continue;
    const number = other.length === name.length
      ? "0"
      : /^\.([1-9]\d{0,8})$/.exec(other.slice(name.length))?.[1];
    if (number !== undefined) highest = Math.max(highest, Number(number));
  }
  return highest;
}

const numbered = (base: string, number: number): string => number === 0 ? base : `${base}.${number}`;

/**
 * The file that `target` means now (ms since 1970): the last of those of the interval, or the one after it if that is full.
 * @param current what it was at the last look @throws what Deno.statSync and Deno.readDirSync throw
 */
export function fileNow(target: RotatingTarget, now: number, current?: string): string {
  const { interval, bytes } = target;
  const base = baseName(target, interval === undefined ? now : intervalAt(interval, now).begin);
  if (bytes === undefined) return base;
  // Mostly nothing has changed, and the directory need not be read.
  const isOf = current?.startsWith(base) && /^(?:\.\d+)?$/.test(current.slice(base.length));
  if (current !== undefined && isOf && (sizeOf(current) ?? Infinity) < bytes) return current;
  const highest = highestNumber(base);
  if (highest < 0) return base;
  const last = numbered(base, highest);
  return (sizeOf(last) ?? 0) < bytes ? last : numbered(base, highest + 1);
}

/** What a thread writes to. */
export interface RotatingFileParts {
  /** The file that the control process has opened, and what writes to it: some of the bytes, as write(2) does. */
  readonly firstPath: string;
  readonly first: OwnFile["write"];
  /** The next file cannot be made: the lines go on to the one before. */
  readonly onProblem: (message: string) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** A file of this thread. */
interface OwnFile {
  write(bytes: Uint8Array<ArrayBuffer>, length: number): number;
  close(): void;
}

/** Opened by the C library where it is there: for that a thread needs no permission of Deno's (DenoPermissions). */
function openOwn(path: string): OwnFile {
  if (!isOpen()) {
    const file = Deno.openSync(path, { append: true, create: true });
    return { write: (bytes, length) => file.writeSync(bytes.subarray(0, length)), close: () => file.close() };
  }
  const fd = openForAppend(path);
  return { write: descriptorWriter(fd), close: () => close(fd) };
}

/** A rotating log, in one thread. */
export class RotatingFile {
  readonly #now: () => number;
  #path: string;
  #file: OwnFile | undefined;
  /** When its interval ends, and when it is looked at again. Processes are started long after their files have been opened. */
  #until = 0;
  #lookAt = 0;
  /** Bytes that this thread has written since it looked. */
  #written = 0;

  constructor(readonly target: RotatingTarget, readonly parts: RotatingFileParts) {
    this.#now = parts.now ?? Date.now;
    this.#path = parts.firstPath;
  }

  /** Writes some of the first `length` bytes, as write(2) does; they stay together. @throws the system's error */
  write(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    const now = this.#now();
    if (now >= this.#until || this.#mayBeFull(now)) this.#look(now);
    const written = this.#file === undefined
      ? this.parts.first(bytes, length)
      : this.#file.write(bytes, length);
    this.#written += written;
    return written;
  }

  #mayBeFull(now: number): boolean {
    const { bytes } = this.target;
    return bytes !== undefined && (now >= this.#lookAt || this.#written > bytes / LOOK_SHARE);
  }

  #look(now: number): void {
    const { interval } = this.target;
    this.#lookAt = now + LOOK_MS;
    this.#written = 0;
    try {
      const path = fileNow(this.target, now, this.#path);
      if (path !== this.#path) {
        const file = openOwn(path);
        this.#file?.close();
        this.#file = file;
        this.#path = path;
      }
      this.#until = interval === undefined ? Infinity : intervalAt(interval, now).end;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#until = now + RETRY_MS;
      this.#lookAt = now + RETRY_MS;
      this.parts.onProblem(`the log goes on in ${this.#path}: ${error.message}`);
    }
  }

  /** Closes what this thread has opened. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }
}
