// How do bytes become requests? The state machine of one connection's receiving side, without I/O (RFC 9112).
//
// Bytes go in by `next(buf, pos, end)`, one event comes out. A request yields Head, Data as often as there is
// some, End; an error ends everything.
//
//   phase          bytes                                      event      next phase
//   REQUEST_LINE   up to 10 blank lines, request line         -          FIELDS, or BODILESS (HTTP/0.9)
//   FIELDS         field lines, blank line                    Head       BODILESS, LENGTH or CHUNKED
//   BODILESS       none                                       End        DONE
//   LENGTH         Content-Length bytes                       Data, End  DONE
//   CHUNKED        chunks, trailers (chunked.ts)              Data, End  DONE
//   DONE           none until reset()                         End        REQUEST_LINE
//   FAILED         none                                       Error      FAILED
//
// A head that lies in one buffer is read where it lies. What has come of an incomplete one is copied to a
// store line by line, and each line is parsed once it is there: the cost of a head is linear however it
// arrives.

import { ChunkedDecoder } from "./chunked.ts";
import { FAULTS, ProtocolError } from "./errors.ts";
import { ParserEvent } from "./events.ts";
import type { FieldBlock } from "./field_block.ts";
import { beyondLimit, INCOMPLETE, readFields } from "./field_lines.ts";
import { CR, LF } from "./grammar.ts";
import { RequestHead } from "./head.ts";
import { LineStore } from "./line_store.ts";
import { type ParserOptions, resolveOptions } from "./options.ts";
import { readRequestLine } from "./request_line.ts";
import { interpret } from "./semantics.ts";

const REQUEST_LINE = 0;
const FIELDS = 1;
const BODILESS = 2;
const LENGTH = 3;
const CHUNKED = 4;
const DONE = 5;
const FAILED = 6;

/** Empty lines that may precede a request line (RFC 9112 §2.2 asks for one, httpd skips this many). */
const MOST_BLANK_LINES = 10;

const NO_BYTES = new Uint8Array(0);

/** Parses the requests of one connection, one after the other. */
export class RequestParser {
  /** After `next()`: the next unread byte. */
  pos = 0;
  /** After Data: the bytes [dataStart, dataEnd) of the buffer that was passed belong to the body. */
  dataStart = 0;
  dataEnd = 0;
  /**
   * After Head. Its offsets refer to the buffer that was passed, or to the parser's own after the head came
   * in parts or `next()` returned NeedData. So it holds until `reset()` if the buffer is not written to
   * before NeedData or End; if it is to outlive that, take `head.detach()`.
   */
  readonly head = new RequestHead(NO_BYTES);
  /** After Error. */
  error: ProtocolError | undefined;
  /**
   * LimitRequestBody of this request in bytes, 0 = unlimited; may be set after Head, for the location that
   * was found.
   */
  bodyLimit: number;
  readonly #options: Required<ParserOptions>;
  readonly #store = new LineStore();
  /** The head's bytes are in the store. */
  #stored = false;
  #phase = REQUEST_LINE;
  #blankLines = 0;
  /** Bytes of the body that are still to come (LENGTH). */
  #remaining = 0;
  #chunks: ChunkedDecoder | undefined;

  constructor(options: ParserOptions) {
    this.#options = resolveOptions(options);
    this.bodyLimit = this.#options.limitRequestBody;
  }

  /**
   * Reads on in the bytes [pos, end) of `buf`, and returns what it found (a `ParserEvent`). To be called
   * again with the rest, [parser.pos, end), until it returns NeedData, which it does only after reading all,
   * or End. Never throws.
   *
   * LimitRequestBody is checked by the first call after Head, with or without bytes.
   */
  next(buf: Uint8Array, pos: number, end: number): number {
    try {
      switch (this.#phase) {
        case REQUEST_LINE:
        case FIELDS:
          return this.#stored ? this.#storedHead(buf, pos, end) : this.#headIn(buf, pos, end);
        case LENGTH:
          return this.#lengthBody(pos, end);
        case CHUNKED:
          return this.#chunkedBody(buf, pos, end);
        case FAILED:
          return ParserEvent.Error;
        default:
          this.#phase = DONE;
          this.pos = pos;
          return ParserEvent.End;
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#phase = FAILED;
      this.error = error;
      this.pos = end;
      return ParserEvent.Error;
    }
  }

  /** Ready for the next request of this connection, or of another one. Keeps buffers. */
  reset(): void {
    if (this.head.bodyKind === "chunked") this.#chunks?.reset();
    this.head.clear();
    this.error = undefined;
    this.bodyLimit = this.#options.limitRequestBody;
    this.#phase = REQUEST_LINE;
    this.#blankLines = 0;
    if (this.#stored) {
      this.#store.clear();
      this.#stored = false;
      this.head.bytes = NO_BYTES;
    }
  }

  /** True if a request has begun, with more than blank lines, and its head is not complete. */
  get started(): boolean {
    if (this.#phase !== REQUEST_LINE) return this.#phase === FIELDS;
    return this.#stored && !(this.#store.length === 1 && this.#store.bytes[0] === CR);
  }

  /** True while the request line is not complete. */
  get readingLine(): boolean {
    return this.#phase === REQUEST_LINE;
  }

  /**
   * The trailer section of a chunked body, after End; undefined for other requests. Kept apart from the head
   * (RFC 9110 §6.5.1).
   */
  get trailers(): FieldBlock | undefined {
    return this.head.bodyKind === "chunked" ? this.#chunks?.trailers : undefined;
  }

  /** The peer sends no more: is that between requests, in a head (400), or in a body (incomplete)? */
  finish(): "clean" | "head" | "body" {
    if (this.started) return "head";
    if (this.#phase === CHUNKED) return "body";
    return this.#phase === LENGTH && this.#remaining > 0 ? "body" : "clean";
  }

  /** Reads a head where it lies. */
  #headIn(buf: Uint8Array, pos: number, end: number): number {
    const head = this.head;
    head.bytes = buf;
    const after = this.#readHead(pos, end);
    if (after !== INCOMPLETE) return this.#headDone(after, after);
    const start = this.#phase === FIELDS ? head.lineStart : head.nextLine;
    if (start < end) this.#keep(start, end);
    this.pos = end;
    return ParserEvent.NeedData;
  }

  /** Goes on with a head of which a part is in the store. */
  #storedHead(buf: Uint8Array, pos: number, end: number): number {
    const { head } = this;
    const store = this.#store;
    while (pos < end) {
      pos = store.appendLine(buf, pos, end);
      head.bytes = store.bytes;
      const limit = this.#phase === FIELDS
        ? this.#options.limitRequestFieldSize
        : this.#options.limitRequestLine;
      if (!store.endsLine && !beyondLimit(store.bytes, head.nextLine, store.length, limit)) break;
      const after = this.#readHead(head.nextLine, store.length);
      if (after !== INCOMPLETE) return this.#headDone(after, pos);
      if (this.#phase === REQUEST_LINE && head.nextLine === store.length) {
        // It was a blank line: nothing has begun.
        store.clear();
        this.#stored = false;
        return this.#headIn(buf, pos, end);
      }
    }
    this.pos = pos;
    return ParserEvent.NeedData;
  }

  /**
   * Reads `head.bytes` from the line at `at` on. Returns the offset behind the head, or INCOMPLETE with
   * `head.nextLine` set.
   */
  #readHead(at: number, end: number): number {
    const { head } = this;
    const options = this.#options;
    if (this.#phase === REQUEST_LINE) {
      at = head.nextLine = this.#skipBlankLines(head.bytes, at, end);
      if (at === end) return INCOMPLETE;
      at = readRequestLine(head, options, at, end);
      if (at === INCOMPLETE) return INCOMPLETE;
      if (head.major === 0) return at;
      this.#phase = FIELDS;
    }
    const after = readFields(head, options, at, end);
    if (after === INCOMPLETE) return INCOMPLETE;
    if (head.mergedBeyond(options.limitRequestFieldSize, after - head.lineEnd)) {
      throw new ProtocolError(FAULTS.mergedFieldTooLong);
    }
    interpret(head, options.strict);
    return after;
  }

  #skipBlankLines(bytes: Uint8Array, at: number, end: number): number {
    while (this.#blankLines < MOST_BLANK_LINES) {
      if (at + 1 < end && bytes[at] === CR && bytes[at + 1] === LF) at += 2;
      else if (at < end && bytes[at] === LF && !this.#options.strict) at += 1;
      else break;
      this.#blankLines++;
    }
    return at;
  }

  #headDone(after: number, pos: number): number {
    const { head } = this;
    head.headEnd = after;
    this.pos = pos;
    switch (head.bodyKind) {
      case "none":
        this.#phase = BODILESS;
        break;
      case "length":
        this.#phase = LENGTH;
        this.#remaining = head.contentLength;
        break;
      case "chunked":
        this.#phase = CHUNKED;
        this.#chunks ??= new ChunkedDecoder(this.#options);
    }
    return ParserEvent.Head;
  }

  #lengthBody(pos: number, end: number): number {
    const length = this.head.contentLength;
    if ((length > this.bodyLimit && this.bodyLimit !== 0) || length > Number.MAX_SAFE_INTEGER) {
      throw new ProtocolError(FAULTS.contentTooLarge);
    }
    if (this.#remaining === 0) {
      this.#phase = DONE;
      this.pos = pos;
      return ParserEvent.End;
    }
    if (pos >= end) return this.#needBody(pos);
    this.dataStart = pos;
    this.dataEnd = this.pos = Math.min(end, pos + this.#remaining);
    this.#remaining -= this.dataEnd - pos;
    return ParserEvent.Data;
  }

  #chunkedBody(buf: Uint8Array, pos: number, end: number): number {
    const chunks = this.#chunks!;
    const event = chunks.next(buf, pos, end, this.bodyLimit);
    if (event === ParserEvent.NeedData) return this.#needBody(chunks.pos);
    if (event === ParserEvent.End) this.#phase = DONE;
    this.pos = chunks.pos;
    this.dataStart = chunks.dataStart;
    this.dataEnd = chunks.dataEnd;
    return event;
  }

  /** More of the body is needed, and the buffer will be overwritten for it: the head has to be kept. */
  #needBody(pos: number): number {
    if (!this.#stored) this.#keep(this.head.lineStart, this.head.headEnd);
    this.pos = pos;
    return ParserEvent.NeedData;
  }

  /** Moves the bytes [start, end) of the head to the store. */
  #keep(start: number, end: number): void {
    this.#store.append(this.head.bytes, start, end);
    this.#stored = true;
    this.head.shift(this.#store.bytes, -start);
  }
}
