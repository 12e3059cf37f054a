// What does another server answer? Bytes in, events out, as strictly as requests are read: whatever could be understood in two ways is
// an error, for what is behind it would be somebody else's answer (RFC 9112 §4, §6.3, §11.1).

import { ChunkedDecoder } from "./chunked.ts";
import { type Fault, ProtocolError } from "./errors.ts";
import { ParserEvent } from "./events.ts";
import { FieldBlock } from "./field_block.ts";
import { INCOMPLETE, readFields } from "./field_lines.ts";
import { Field } from "./fields.ts";
import { CLASS, CR, FIELD_VALUE, LF, SP } from "./grammar.ts";
import { type ParserOptions, resolveOptions } from "./options.ts";
import { latin1, trimBlanks } from "./text.ts";

/** How the body is delimited. */
export type ResponseBodyKind = "none" | "length" | "chunked" | "close";

/** What may be wrong beside what may be wrong with the fields of any message. */
const FAULTS = {
  statusLine: { status: 502, message: "bad status line" },
  tooLong: { status: 502, message: "the head is too long" },
  transferEncoding: { status: 502, message: "Transfer-Encoding is not chunked" },
  oldChunked: { status: 502, message: "Transfer-Encoding in a response of HTTP/1.0" },
  contentLength: { status: 502, message: "Content-Length is not one number" },
} as const satisfies Record<string, Fault>;

/** `HTTP/1.1 200 `: what is before the reason phrase. */
const STATUS_AT = 9;
const REASON_AT = 13;

/** Lines of a head that are no fields: an error, passed over, or the beginning of the content (ProxyBadHeader). */
export type BadLines = "error" | "ignore" | "body";

/** How responses are read. */
export interface ResponseOptions extends ParserOptions {
  readonly badLines?: BadLines;
  /** Bytes of a whole head; default 64 KiB. */
  readonly limitHead?: number;
}

const DEFAULT_LIMIT_HEAD = 65_536;
const NO_BYTES = new Uint8Array(0);

/** The head of one response, after `ParserEvent.Head`; good until the next call of next(). */
export class ResponseHead extends FieldBlock {
  status = 0;
  reason = "";
  minor = 1;
  bodyKind: ResponseBodyKind = "none";
  /** Bytes of the body if `bodyKind` is "length"; of HEAD's and 304's what is declared; else undefined. */
  contentLength: number | undefined = undefined;
  /** The connection may be used again, if the body ends before it does. */
  keepAlive = false;
}

/** The responses of one connection. */
export class ResponseParser {
  readonly head = new ResponseHead(NO_BYTES);
  /** Behind what next() has read. */
  pos = 0;
  /** After Data: where the data lies. */
  dataStart = 0;
  dataEnd = 0;
  error: ProtocolError | undefined = undefined;
  readonly #options: Required<ParserOptions>;
  readonly #badLines: BadLines;
  readonly #limitHead: number;
  #kept: Uint8Array<ArrayBuffer> | undefined;
  #phase: "head" | "none" | "length" | "chunked" | "close" | "failed" = "head";
  #bodiless = false;
  #remaining = 0;
  #chunks: ChunkedDecoder | undefined;

  constructor({ badLines, limitHead, ...options }: ResponseOptions) {
    this.#options = resolveOptions(options);
    this.#badLines = badLines ?? "error";
    this.#limitHead = limitHead ?? DEFAULT_LIMIT_HEAD;
  }

  /** The next response is to a request of `method`, whose answer to HEAD has no body. */
  expect(method: string): void {
    this.#bodiless = method === "HEAD";
    this.#phase = "head";
    this.#kept = undefined;
    this.error = undefined;
  }

  /** Nothing of the response has come. */
  get untouched(): boolean {
    return this.#phase === "head" && this.#kept === undefined;
  }

  /** Reads on in [pos, end) of `bytes`. After Head of an interim response (1xx but 101) comes another Head. Never throws. */
  next(bytes: Uint8Array<ArrayBuffer>, pos: number, end: number): number {
    try {
      switch (this.#phase) {
        case "head":
          return this.#readHead(bytes, pos, end);
        case "none":
          this.pos = pos;
          return ParserEvent.End;
        case "length":
          return this.#lengthBody(pos, end);
        case "chunked": {
          const event = this.#chunks!.next(bytes, pos, end, 0);
          this.pos = this.#chunks!.pos;
          this.dataStart = this.#chunks!.dataStart;
          this.dataEnd = this.#chunks!.dataEnd;
          return event;
        }
        case "close":
          this.dataStart = pos;
          this.dataEnd = this.pos = end;
          return pos < end ? ParserEvent.Data : ParserEvent.NeedData;
        default:
          return ParserEvent.Error;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#phase = "failed";
      this.error = error;
      this.pos = end;
      return ParserEvent.Error;
    }
  }

  /** The connection has ended: true if that is the end of the body. */
  endsWell(): boolean {
    return this.#phase === "close" || this.#phase === "none" ||
      (this.#phase === "length" && this.#remaining === 0);
  }

  #lengthBody(pos: number, end: number): number {
    if (this.#remaining === 0) {
      this.pos = pos;
      return ParserEvent.End;
    }
    const count = Math.min(this.#remaining, end - pos);
    this.#remaining -= count;
    this.dataStart = pos;
    this.dataEnd = this.pos = pos + count;
    return count > 0 ? ParserEvent.Data : ParserEvent.NeedData;
  }

  #readHead(bytes: Uint8Array<ArrayBuffer>, pos: number, end: number): number {
    const kept = this.#kept;
    let from = pos;
    let all = bytes;
    let stop = end;
    if (kept !== undefined) {
      all = new Uint8Array(kept.length + end - pos);
      all.set(kept);
      all.set(bytes.subarray(pos, end), kept.length);
      from = 0;
      stop = all.length;
    }
    const after = this.#parse(all, from, stop);
    if (after === INCOMPLETE) {
      if (stop - from > this.#limitHead) throw new ProtocolError(FAULTS.tooLong);
      this.#kept = kept === undefined ? bytes.slice(pos, end) : all;
      this.pos = end;
      return ParserEvent.NeedData;
    }
    if (after - from > this.#limitHead) throw new ProtocolError(FAULTS.tooLong);
    // Where that is in the buffer of this call: what was kept is of earlier ones.
    this.pos = kept === undefined ? after : pos + after - kept.length;
    this.#kept = undefined;
    return ParserEvent.Head;
  }

  /** The head that begins at `from`. Returns the offset behind it, or INCOMPLETE. */
  #parse(bytes: Uint8Array<ArrayBuffer>, from: number, end: number): number {
    const { head } = this;
    head.clear();
    head.bytes = bytes;
    const lineEnd = this.#statusLine(bytes, from, end);
    if (lineEnd === INCOMPLETE) return INCOMPLETE;
    const after = this.#badLines === "error"
      ? readFields(head, this.#options, lineEnd, end)
      : this.#leniently(bytes, lineEnd, end);
    if (after === INCOMPLETE) return INCOMPLETE;
    if (head.mergedBeyond(this.#options.limitRequestFieldSize, after - from)) {
      throw new ProtocolError(FAULTS.tooLong);
    }
    this.#decide();
    return after;
  }

  #statusLine(bytes: Uint8Array, from: number, end: number): number {
    const { head } = this;
    let lf = from;
    while (lf < end && bytes[lf] !== LF) lf++;
    if (lf === end) {
      // What cannot become one is told at once: a server that speaks something else may send no line at all.
      if (!"HTTP/1.".startsWith(latin1(bytes, from, Math.min(end, from + 7)))) {
        throw new ProtocolError(FAULTS.statusLine);
      }
      if (end - from > this.#options.limitRequestLine) throw new ProtocolError(FAULTS.tooLong);
      return INCOMPLETE;
    }
    const stop = lf - 1;
    const found = /^HTTP\/1\.(\d) (\d{3})(?: |$)/.exec(latin1(bytes, from, Math.min(stop, from + REASON_AT)));
    if (found === null || bytes[stop] !== CR) throw new ProtocolError(FAULTS.statusLine);
    for (let at = from; at < stop; at++) {
      if ((CLASS[bytes[at]] & FIELD_VALUE) === 0) throw new ProtocolError(FAULTS.statusLine);
    }
    head.minor = Number(found[1]);
    head.status = Number(found[2]);
    if (head.status < 100 || bytes[from + STATUS_AT - 1] !== SP) throw new ProtocolError(FAULTS.statusLine);
    head.reason = stop > from + REASON_AT ? latin1(bytes, from + REASON_AT, stop) : "";
    return lf + 1;
  }

  /** As readFields(), but what is no field is passed over, or ends the head. */
  #leniently(bytes: Uint8Array, at: number, end: number): number {
    const { head } = this;
    for (;;) {
      let lf = at;
      while (lf < end && bytes[lf] !== LF) lf++;
      if (lf === end) return INCOMPLETE;
      const stop = bytes[lf - 1] === CR ? lf - 1 : lf;
      if (stop === at) return lf + 1;
      const found = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*/.exec(latin1(bytes, at, stop));
      let clean = found !== null;
      for (let i = at; clean && i < stop; i++) clean = (CLASS[bytes[i]] & FIELD_VALUE) !== 0;
      if (clean) {
        let last = stop;
        const start = at + found![0].length;
        while (last > start && (bytes[last - 1] === SP || bytes[last - 1] === 9)) last--;
        head.add(at, at + found![1].length, start, last);
      } else if (this.#badLines === "body") return at;
      at = lf + 1;
    }
  }

  /** RFC 9112 §6.3. */
  #decide(): void {
    const { head } = this;
    const { status } = head;
    const options = (head.field(Field.Connection) ?? "").toLowerCase().split(",").map(trimBlanks);
    head.keepAlive = head.minor >= 1 ? !options.includes("close") : options.includes("keep-alive");
    head.contentLength = this.#contentLength();
    if (status < 200) {
      this.#phase = status === 101 ? "close" : "head";
      head.bodyKind = status === 101 ? "close" : "none";
      return;
    }
    if (this.#bodiless || status === 204 || status === 304) {
      head.bodyKind = this.#phase = "none";
      return;
    }
    if (head.has(Field.TransferEncoding)) {
      const coding = trimBlanks(head.field(Field.TransferEncoding) ?? "").toLowerCase();
      if (coding !== "chunked") throw new ProtocolError(FAULTS.transferEncoding);
      if (head.minor < 1) throw new ProtocolError(FAULTS.oldChunked);
      // Whoever says both may have been made to: what follows on that connection is not believed.
      if (head.has(Field.ContentLength)) head.keepAlive = false;
      head.contentLength = undefined;
      this.#chunks ??= new ChunkedDecoder(this.#options);
      this.#chunks.reset();
      head.bodyKind = this.#phase = "chunked";
    } else if (head.contentLength !== undefined) {
      this.#remaining = head.contentLength;
      head.bodyKind = this.#phase = "length";
    } else {
      head.keepAlive = false;
      head.bodyKind = this.#phase = "close";
    }
  }

  #contentLength(): number | undefined {
    const { head } = this;
    if (!head.has(Field.ContentLength)) return undefined;
    const values = new Set((head.field(Field.ContentLength) ?? "").split(",").map(trimBlanks));
    const [value] = values;
    // The same number said twice is one (RFC 9110 §8.6).
    if (values.size !== 1 || !/^\d{1,15}$/.test(value)) throw new ProtocolError(FAULTS.contentLength);
    return Number(value);
  }
}
