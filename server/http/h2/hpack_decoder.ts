// Which fields does a header block have? HPACK (RFC 7541), bytes in, fields out: each is put together in a store of the caller's, which
// is told where its name and value are.
//
// A few bytes can name a large field again and again. So what a block comes to is counted as it is read: above one limit its fields are
// not stored any more, but the table goes on as the client thinks it does; above another the connection ends.

import { DynamicTable, FIELD_OVERHEAD } from "./dynamic_table.ts";
import { ConnectionError, ErrorCode } from "./error.ts";
import { decodeHuffman, mostDecoded } from "./huffman.ts";
import {
  STATIC_COUNT,
  staticBytes,
  staticNameLengths,
  staticStarts,
  staticValueLengths,
} from "./static_table.ts";

/** Where fields are put together. */
export interface FieldStore {
  bytes: Uint8Array<ArrayBuffer>;
  /** Bytes in use; the next field is put behind. */
  length: number;
  /** A field is complete: offsets in `bytes`. */
  field(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void;
}

/** Times a list of fields may be larger than what is stored of it. */
const BEYOND = 4;
/** Larger numbers mean nothing here (RFC 7541, 5.1). */
const MOST_CONTINUED = 21;

const NOTHING = new Uint8Array(0);

/** The decoder of one connection. */
export class HeaderDecoder {
  readonly #table: DynamicTable;
  #source: Uint8Array = NOTHING;
  #pos = 0;
  #end = 0;
  /** Of the block in hand, as SETTINGS_MAX_HEADER_LIST_SIZE counts. */
  #listSize = 0;

  /**
   * @param tableSize SETTINGS_HEADER_TABLE_SIZE as it was announced, in bytes
   * @param mostListed SETTINGS_MAX_HEADER_LIST_SIZE: fields beyond are not stored
   */
  constructor(readonly tableSize: number, readonly mostListed: number) {
    this.#table = new DynamicTable(tableSize);
  }

  /** Bytes of memory that the table has. */
  get tableMemory(): number {
    return this.#table.bytes.length;
  }

  /**
   * Decodes the block in the bytes [start, end) of `source` into `store`. Returns false when it had more fields than are stored.
   * @throws ConnectionError
   */
  decode(source: Uint8Array, start: number, end: number, store: FieldStore): boolean {
    this.#source = source;
    this.#pos = start;
    this.#end = end;
    this.#listSize = 0;
    let mayResize = true;
    while (this.#pos < end) {
      const byte = source[this.#pos];
      if (byte >= 0x80) this.#indexed(store);
      else if (byte >= 0x40) this.#literal(store, 0x3f, true);
      else if (byte >= 0x20) {
        if (!mayResize) throw failure("a size update of the table is not at the beginning of a block");
        const size = this.#number(0x1f);
        if (size > this.tableSize) throw failure("the table is to be larger than was offered");
        this.#table.resize(size);
        continue;
      } else this.#literal(store, 0x0f, false);
      mayResize = false;
    }
    this.#source = NOTHING;
    return this.#listSize <= this.mostListed;
  }

  /** Counts a field. Returns whether it is stored. */
  #count(bytes: number): boolean {
    this.#listSize += bytes + FIELD_OVERHEAD;
    if (this.#listSize <= this.mostListed) return true;
    if (this.#listSize <= this.mostListed * BEYOND) return false;
    throw new ConnectionError(ErrorCode.EnhanceYourCalm, "a header block is far too large");
  }

  #indexed(store: FieldStore): void {
    const index = this.#number(0x7f);
    const table = this.#table;
    if (index >= 1 && index <= STATIC_COUNT) {
      const nameLength = staticNameLengths[index];
      const length = nameLength + staticValueLengths[index];
      if (this.#count(length)) copyField(store, staticBytes, staticStarts[index], nameLength, length);
      return;
    }
    const at = this.#dynamic(index);
    const nameLength = table.nameLength(at);
    const length = nameLength + table.valueLength(at);
    if (this.#count(length)) copyField(store, table.bytes, table.start(at), nameLength, length);
  }

  #dynamic(index: number): number {
    const at = index - STATIC_COUNT - 1;
    if (at < 0 || at >= this.#table.count) throw failure("there is no field with that index");
    return at;
  }

  #literal(store: FieldStore, mask: number, remembers: boolean): void {
    const index = this.#number(mask);
    const nameStart = store.length;
    let nameEnd: number;
    if (index === 0) nameEnd = this.#string(store, nameStart);
    else if (index <= STATIC_COUNT) {
      nameEnd = copyBytes(store, nameStart, staticBytes, staticStarts[index], staticNameLengths[index]);
    } else {
      const at = this.#dynamic(index);
      const { bytes } = this.#table;
      nameEnd = copyBytes(store, nameStart, bytes, this.#table.start(at), this.#table.nameLength(at));
    }
    const valueEnd = this.#string(store, nameEnd);
    if (remembers) this.#table.add(store.bytes, nameStart, nameEnd, nameEnd, valueEnd);
    if (!this.#count(valueEnd - nameStart)) return;
    store.length = valueEnd;
    store.field(nameStart, nameEnd, nameEnd, valueEnd);
  }

  /** Puts a string into `store` at `at`. Returns where it ends. */
  #string(store: FieldStore, at: number): number {
    if (this.#pos >= this.#end) throw failure("a string is missing");
    const coded = this.#source[this.#pos] >= 0x80;
    const length = this.#number(0x7f);
    const start = this.#pos;
    if (length > this.#end - start) throw failure("a string goes on behind its block");
    this.#pos = start + length;
    if (!coded) return copyBytes(store, at, this.#source, start, length);
    reserve(store, at + mostDecoded(length));
    return decodeHuffman(this.#source, start, start + length, store.bytes, at);
  }

  /** A number whose first bits are those of `mask` in the byte at hand (RFC 7541, 5.1). */
  #number(mask: number): number {
    const source = this.#source;
    const first = source[this.#pos++] & mask;
    if (first < mask) return first;
    let number = mask;
    for (let shift = 0; shift <= MOST_CONTINUED; shift += 7) {
      if (this.#pos >= this.#end) break;
      const byte = source[this.#pos++];
      number += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return number;
    }
    throw failure("a number has no end, or is too large");
  }
}

function failure(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.CompressionError, message);
}

/** Makes `store` hold `length` bytes. */
function reserve(store: FieldStore, length: number): void {
  if (length <= store.bytes.length) return;
  const larger = new Uint8Array(Math.max(length, store.bytes.length * 2));
  larger.set(store.bytes);
  store.bytes = larger;
}

function copyBytes(
  store: FieldStore,
  at: number,
  source: Uint8Array,
  start: number,
  length: number,
): number {
  reserve(store, at + length);
  const { bytes } = store;
  for (let i = 0; i < length; i++) bytes[at + i] = source[start + i];
  return at + length;
}

function copyField(
  store: FieldStore,
  source: Uint8Array,
  start: number,
  nameLength: number,
  length: number,
): void {
  const at = store.length;
  store.length = copyBytes(store, at, source, start, length);
  store.field(at, at + nameLength, at + nameLength, store.length);
}
