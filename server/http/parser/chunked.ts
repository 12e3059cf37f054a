// How is a chunked body taken apart? RFC 9112 §7.1, one byte at a time except for the data, which is never
// copied.
//
//   SIZE --hex digits--> SIZE --blank--> BLANKS --;--> EXTENSION      (each of them: --CR--> SIZE_LF)
//   SIZE_LF --LF, size > 0--> DATA --all of it--> DATA_CR --CR--> DATA_LF --LF--> FIRST_DIGIT
//   SIZE_LF --LF, size = 0--> TRAILER --blank line--> the end

import { FAULTS, inTrailer, ProtocolError } from "./errors.ts";
import { ParserEvent } from "./events.ts";
import { FieldBlock } from "./field_block.ts";
import { beyondLimit, INCOMPLETE, readFields } from "./field_lines.ts";
import { CLASS, CR, FIELD_VALUE, HEX, HTAB, LF, SEMICOLON, SP } from "./grammar.ts";
import { LineStore } from "./line_store.ts";
import type { ParserOptions } from "./options.ts";

const FIRST_DIGIT = 0;
const SIZE = 1;
const BLANKS = 2;
const EXTENSION = 3;
const SIZE_LF = 4;
const DATA = 5;
const DATA_CR = 6;
const DATA_LF = 7;
const TRAILER = 8;

/**
 * Blanks that are tolerated behind the size: old senders pad it (RFC 9112 §7.1.1 allows them before an
 * extension only).
 */
const MOST_BLANKS = 10;

/** Decodes one chunked body. */
export class ChunkedDecoder {
  /** Behind what `next` has consumed. */
  pos = 0;
  /** After `ParserEvent.Data`: where the data lies in the buffer that was passed. */
  dataStart = 0;
  dataEnd = 0;
  /** The trailer section, complete after `ParserEvent.End`. */
  readonly trailers: FieldBlock;
  readonly #options: Required<ParserOptions>;
  readonly #lines = new LineStore();
  #state = FIRST_DIGIT;
  #size = 0;
  /** Bytes of the size line so far. */
  #lineLength = 0;
  #blanks = 0;
  /** Bytes of all chunks whose size is known. */
  #total = 0;

  constructor(options: Required<ParserOptions>) {
    this.#options = options;
    this.trailers = new FieldBlock(this.#lines.bytes);
  }

  /** Ready for the next body. */
  reset(): void {
    this.trailers.clear();
    this.#lines.clear();
    this.trailers.bytes = this.#lines.bytes;
    this.#state = FIRST_DIGIT;
    this.#total = 0;
    this.#startLine();
  }

  /** Decodes on; `limit` is LimitRequestBody. Returns NeedData, Data or End; throws ProtocolError. */
  next(buf: Uint8Array, pos: number, end: number, limit: number): number {
    while (pos < end) {
      if (this.#state === DATA) return this.#data(pos, end);
      if (this.#state === TRAILER) return this.#trailer(buf, pos, end);
      this.#step(buf[pos++], limit);
    }
    this.pos = pos;
    return ParserEvent.NeedData;
  }

  #data(pos: number, end: number): number {
    const length = Math.min(this.#size, end - pos);
    this.#size -= length;
    if (this.#size === 0) this.#state = DATA_CR;
    this.dataStart = pos;
    this.dataEnd = this.pos = pos + length;
    return ParserEvent.Data;
  }

  /** One byte outside of data and trailers. */
  #step(byte: number, limit: number): void {
    switch (this.#state) {
      case DATA_CR:
        if (byte !== CR) throw new ProtocolError(FAULTS.badChunk);
        this.#state = DATA_LF;
        return;
      case DATA_LF:
        if (byte !== LF) throw new ProtocolError(FAULTS.badChunk);
        this.#state = FIRST_DIGIT;
        this.#startLine();
        return;
      case SIZE_LF:
        if (byte !== LF) throw new ProtocolError(FAULTS.badChunk);
        this.#endLine(limit);
        return;
    }
    if (this.#state !== FIRST_DIGIT && byte === CR) {
      this.#state = SIZE_LF;
    } else if (this.#state !== FIRST_DIGIT && byte === LF && !this.#options.strict) {
      this.#endLine(limit);
    } else {
      if (++this.#lineLength > this.#options.limitRequestFieldSize) {
        throw new ProtocolError(FAULTS.chunkOverflow);
      }
      this.#sizeLine(byte);
    }
  }

  #sizeLine(byte: number): void {
    if (this.#state <= SIZE && HEX[byte] < 16) {
      this.#state = SIZE;
      this.#size = this.#size * 16 + HEX[byte];
      if (this.#size > Number.MAX_SAFE_INTEGER) throw new ProtocolError(FAULTS.chunkOverflow);
    } else if (this.#state === FIRST_DIGIT) {
      throw new ProtocolError(FAULTS.badChunk);
    } else if (this.#state === EXTENSION) {
      // RFC 9112 §7.1.1: extensions that are not known are ignored; their grammar is not checked further.
      if ((CLASS[byte] & FIELD_VALUE) === 0) throw new ProtocolError(FAULTS.badChunk);
    } else if (byte === SEMICOLON) {
      this.#state = EXTENSION;
    } else if ((byte === SP || byte === HTAB) && ++this.#blanks <= MOST_BLANKS) {
      this.#state = BLANKS;
    } else {
      throw new ProtocolError(FAULTS.badChunk);
    }
  }

  #startLine(): void {
    this.#size = this.#lineLength = this.#blanks = 0;
  }

  #endLine(limit: number): void {
    this.#total += this.#size;
    if (limit !== 0 && this.#total > limit) throw new ProtocolError(FAULTS.chunksTooLarge);
    this.#state = this.#size === 0 ? TRAILER : DATA;
  }

  #trailer(buf: Uint8Array, pos: number, end: number): number {
    const { trailers } = this;
    const lines = this.#lines;
    const limit = this.#options.limitRequestFieldSize;
    try {
      while (pos < end) {
        pos = lines.appendLine(buf, pos, end);
        trailers.bytes = lines.bytes;
        const unfinished = !lines.endsLine;
        if (unfinished && !beyondLimit(lines.bytes, trailers.nextLine, lines.length, limit)) break;
        const after = readFields(trailers, this.#options, trailers.nextLine, lines.length);
        if (after === INCOMPLETE) continue;
        if (trailers.mergedBeyond(limit, after)) throw new ProtocolError(FAULTS.mergedFieldTooLong);
        this.pos = pos;
        return ParserEvent.End;
      }
    } catch (error) {
      throw error instanceof ProtocolError ? inTrailer(error) : error;
    }
    this.pos = pos;
    return ParserEvent.NeedData;
  }
}
