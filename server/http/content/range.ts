// Which parts of a representation does a Range field ask for, and how are several laid out (RFC 9110 §14)?

/** One part of a representation: the positions of its first and last byte. */
export interface ByteRange {
  readonly first: number;
  /** inclusive */
  readonly last: number;
}

/** MaxRanges (0: none), MaxRangeOverlaps and MaxRangeReversals; Infinity: unlimited. */
export interface RangeLimits {
  readonly maxRanges: number;
  readonly maxOverlaps: number;
  readonly maxReversals: number;
}

const COMMA = 0x2c;
const DASH = 0x2d;
const NONE = -1;

function isBlank(c: number): boolean {
  return c === 0x20 || c === 0x09;
}

/** Reads the specs of a byte-range set one after the other; no substring is made. */
class SpecReader {
  /** NONE: suffix form, `-last` */
  first = NONE;
  /** NONE: open end, `first-` */
  last = NONE;
  #at: number;

  constructor(readonly text: string, at: number) {
    this.#at = at;
  }

  /** true: a spec was read; false: the set is at its end; undefined: bad syntax. */
  next(): boolean | undefined {
    const { text } = this;
    while (isBlank(text.charCodeAt(this.#at)) || text.charCodeAt(this.#at) === COMMA) this.#at++;
    if (this.#at >= text.length) return false;
    this.first = this.#number();
    if (text.charCodeAt(this.#at++) !== DASH) return undefined;
    this.last = this.#number();
    while (isBlank(text.charCodeAt(this.#at))) this.#at++;
    if (this.#at < text.length && text.charCodeAt(this.#at) !== COMMA) return undefined;
    if (this.first === NONE) return this.last > 0 ? true : undefined;
    return this.last === NONE || this.first <= this.last ? true : undefined;
  }

  /** The digits here, cut to the largest safe integer (beyond every size); NONE without digits. */
  #number(): number {
    let value = NONE;
    for (;; this.#at++) {
      const digit = this.text.charCodeAt(this.#at) - 48;
      if (!(digit >= 0 && digit <= 9)) return value;
      value = Math.min((value === NONE ? 0 : value * 10) + digit, Number.MAX_SAFE_INTEGER);
    }
  }
}

/** Neighbours in the list are joined as they come, as httpd does it; what was joined or went backwards is counted. */
class Merger {
  readonly ranges: ByteRange[] = [];
  overlaps = 0;
  reversals = 0;
  #sum = 0;
  #first = NONE;
  #last = NONE;

  add(first: number, last: number): void {
    if (this.#first === NONE) {
      this.#first = first;
      this.#last = last;
      return;
    }
    if (first < this.#first) this.reversals++;
    if (first <= this.#last + 1 && last >= this.#first - 1) {
      this.overlaps++;
      this.#first = Math.min(this.#first, first);
      this.#last = Math.max(this.#last, last);
      return;
    }
    this.#push();
    this.#first = first;
    this.#last = last;
  }

  #push(): void {
    this.ranges.push({ first: this.#first, last: this.#last });
    this.#sum += this.#last - this.#first + 1;
  }

  /** Ends the list; the sum of the lengths of its ranges. */
  finish(): number {
    if (this.#first !== NONE) this.#push();
    return this.#sum;
  }
}

/**
 * What a Range field asks of a representation of `size` bytes, merged and limited by httpd's rules:
 * - "ignore" (send all, 200): other unit, bad syntax anywhere, more bytes than there are, or a limit exceeded;
 * - "unsatisfiable" (416): every range begins beyond the end;
 * - else one or more ranges in the order asked for, neighbours joined where they touch (206).
 *
 * A `0-` is the whole and ends the reading of the list. Empty elements and blanks around commas are allowed
 * (RFC 9110 §5.6.1.2). Numbers too large to count are beyond the end. Of an empty representation a suffix is
 * satisfiable (§14.1.2) but no Content-Range can express it: "ignore".
 */
export function parseRange(
  header: string,
  size: number,
  limits: RangeLimits,
): "ignore" | "unsatisfiable" | ByteRange[] {
  if (limits.maxRanges === 0 || header.slice(0, 6).toLowerCase() !== "bytes=") return "ignore";
  const spec = new SpecReader(header, 6);
  const merger = new Merger();
  let unsatisfiable = false;
  let emptySuffix = false;
  for (;;) {
    const more = spec.next();
    if (more === undefined) return "ignore";
    if (!more) break;
    if (spec.first === 0 && spec.last === NONE && size > 0) return [{ first: 0, last: size - 1 }];
    const first = spec.first === NONE ? Math.max(0, size - spec.last) : spec.first;
    const last = spec.first === NONE || spec.last === NONE ? size - 1 : Math.min(spec.last, size - 1);
    if (first < size) merger.add(first, last);
    else if (spec.first === NONE) emptySuffix = true;
    else unsatisfiable = true;
  }
  const sum = merger.finish();
  const { ranges } = merger;
  if (ranges.length === 0) return unsatisfiable && !emptySuffix ? "unsatisfiable" : "ignore";
  const tooMany = ranges.length > limits.maxRanges || merger.overlaps > limits.maxOverlaps ||
    merger.reversals > limits.maxReversals;
  return tooMany || sum > size ? "ignore" : ranges;
}

/** Value of Content-Range: `bytes first-last/size`. */
export function contentRange({ first, last }: ByteRange, size: number): string {
  return `bytes ${first}-${last}/${size}`;
}

/** The text around the parts of a multipart/byteranges body, one byte a character. */
export interface MultipartLayout {
  /** `heads[i]` goes before the bytes of `ranges[i]` */
  readonly heads: readonly string[];
  /** goes after the last part */
  readonly tail: string;
  /** of the whole body, bytes */
  readonly contentLength: number;
}

/** Lays out several ranges as httpd does (RFC 9110 §14.6). `contentType` undefined: the parts have none. */
export function multipartLayout(
  ranges: readonly ByteRange[],
  size: number,
  contentType: string | undefined,
  boundary: string,
): MultipartLayout {
  const type = contentType === undefined ? "" : `Content-type: ${contentType}\r\n`;
  const tail = `\r\n--${boundary}--\r\n`;
  const heads: string[] = [];
  let contentLength = tail.length;
  for (const range of ranges) {
    const head = `\r\n--${boundary}\r\n${type}Content-range: ${contentRange(range, size)}\r\n\r\n`;
    heads.push(head);
    contentLength += head.length + range.last - range.first + 1;
  }
  return { heads, tail, contentLength };
}
