// How do values get into a line? Each item puts one value; what puts them decides about quoting: httpd's way, in which quotes,
// backslashes and everything that is not printable ASCII is escaped (http-core.md 13), so that neither a line nor a quoted
// item can be ended from outside, or JSON (RFC 8259).

import type { LineQueue } from "../../server/log/line_queue.ts";

/** Takes the values of one line. */
export interface LineWriter {
  /** Text of ours, a character a byte. */
  own(text: string): void;
  /** Text of whoever, a character a byte; undefined: there is none. */
  text(text: string | undefined): void;
  /** A whole number, or part of one; undefined: there is none. */
  number(value: number | undefined): void;
  /** There is nothing to show. */
  absent(): void;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const HYPHEN = 0x2d;
const ZERO = 0x30;

/** 1: a character of this code stands for itself. */
const PLAIN = new Uint8Array(256);
for (let code = 0x20; code < 0x7f; code++) PLAIN[code] = 1;
PLAIN[QUOTE] = PLAIN[BACKSLASH] = 0;

const SHORT: ReadonlyMap<number, string> = new Map([
  [0x08, "b"],
  [0x09, "t"],
  [0x0a, "n"],
  [0x0b, "v"],
  [0x0d, "r"],
  [QUOTE, '"'],
  [BACKSLASH, "\\"],
]);
/** JSON does not know \v. */
const JSON_SHORT: ReadonlyMap<number, string> = new Map([...SHORT].filter(([, letter]) => letter !== "v"));

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0");
const encoder = new TextEncoder();

/** The bytes of the UTF-8 of `text`, a character a byte: what is text to us, in the form that lines are made of. */
export function asBytes(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return String.fromCharCode(...encoder.encode(text));
  }
  return text;
}

/** No character takes more bytes than this: \xhh for each byte of its UTF-8, \uhhhh in JSON. */
const MOST_BYTES = 12;

/** Values as httpd shows them. */
export class PlainLine implements LineWriter {
  /** @param queue the line is put together there */
  constructor(readonly queue: LineQueue) {}

  own(text: string): void {
    const { queue } = this;
    queue.reserve(text.length);
    const { bytes } = queue;
    let at = queue.length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    queue.length = at;
  }

  text(text: string | undefined): void {
    if (text === undefined) return this.absent();
    const { queue } = this;
    queue.reserve(text.length * MOST_BYTES);
    const { bytes } = queue;
    let at = queue.length;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (PLAIN[code] !== 1) {
        queue.length = at;
        return this.#escaped(text, i);
      }
      bytes[at++] = code;
    }
    queue.length = at;
  }

  /** Up to `from`, everything is plain. */
  #escaped(text: string, from: number): void {
    for (const char of text.slice(from)) {
      const code = char.codePointAt(0)!;
      const short = SHORT.get(code);
      if (PLAIN[code] === 1) this.queue.bytes[this.queue.length++] = code;
      else if (short !== undefined) this.own(`\\${short}`);
      else if (code < 0x100) this.own(`\\x${hex(code, 2)}`);
      else for (const byte of encoder.encode(char)) this.own(`\\x${hex(byte, 2)}`);
    }
  }

  number(value: number | undefined): void {
    if (value === undefined) return this.absent();
    this.queue.reserve(20);
    digits(this.queue, value);
  }

  absent(): void {
    this.queue.reserve(1);
    this.queue.bytes[this.queue.length++] = HYPHEN;
  }
}

/** Writes a whole number of up to 53 bits. */
function digits(queue: LineQueue, value: number): void {
  const { bytes } = queue;
  if (value < 0) {
    bytes[queue.length++] = HYPHEN;
    value = -value;
  }
  let rest = Math.floor(value);
  let count = 1;
  for (let power = 10; power <= rest; power *= 10) count++;
  for (let at = queue.length + count - 1; at >= queue.length; at--) {
    const next = Math.floor(rest / 10);
    bytes[at] = ZERO + (rest - next * 10);
    rest = next;
  }
  queue.length += count;
}

/** Values as JSON has them: text in quotation marks, numbers, null. Bytes above ASCII are taken as ISO 8859-1. */
export class JsonLine implements LineWriter {
  readonly #plain: PlainLine;

  constructor(readonly queue: LineQueue) {
    this.#plain = new PlainLine(queue);
  }

  /** Unquoted: punctuation between values. */
  raw(text: string): void {
    this.#plain.own(text);
  }

  own(text: string): void {
    this.text(text);
  }

  text(text: string | undefined): void {
    if (text === undefined) return this.absent();
    const { queue } = this;
    queue.reserve(text.length * MOST_BYTES + 2);
    const { bytes } = queue;
    bytes[queue.length++] = QUOTE;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (PLAIN[code] === 1) bytes[queue.length++] = code;
      else {
        const short = JSON_SHORT.get(code);
        this.raw(short === undefined ? `\\u${hex(code, 4)}` : `\\${short}`);
      }
    }
    bytes[queue.length++] = QUOTE;
  }

  number(value: number | undefined): void {
    if (value === undefined) this.absent();
    else this.#plain.number(value);
  }

  absent(): void {
    this.raw("null");
  }
}
