// Which fields has a client told us to remember? The dynamic table of HPACK (RFC 7541, 2.3.2 and 4): one piece of memory that is as
// large as what is in it, so that a connection that says little costs little.

/** What a field counts for beside its bytes. */
export const FIELD_OVERHEAD = 32;
const FIRST_CAPACITY = 128;
/** Numbers a field takes in `#slots`: where it begins, and the lengths of its name and value. */
const SLOT = 3;

const NOTHING = new Uint8Array(0);

/** First in, first out; the newest has the lowest index. */
export class DynamicTable {
  /** Holds the fields, one behind the other; what was at `#base` of all that ever came is its first byte. */
  bytes: Uint8Array<ArrayBuffer> = NOTHING;
  #base = 0;
  #end = 0;
  #slots: number[] = [];
  /** The oldest field that is still there, as an index into `#slots`. */
  #first = 0;
  /** As RFC 7541, 4.1 counts. */
  size = 0;

  /** @param limit bytes, as RFC 7541, 4.1 counts */
  constructor(public limit: number) {}

  /** The number of fields. */
  get count(): number {
    return (this.#slots.length - this.#first) / SLOT;
  }

  /** Where the field `index` (0: the newest) begins in `bytes`: its name, and its value behind it. */
  start(index: number): number {
    return this.#slots[this.#slots.length - SLOT * (index + 1)] - this.#base;
  }

  nameLength(index: number): number {
    return this.#slots[this.#slots.length - SLOT * (index + 1) + 1];
  }

  valueLength(index: number): number {
    return this.#slots[this.#slots.length - SLOT * (index + 1) + 2];
  }

  /** Sets the most that is remembered. */
  resize(limit: number): void {
    this.limit = limit;
    this.#evict(0);
  }

  /** Remembers the field whose name and value are these bytes of `source`. One that is larger than the table empties it. */
  add(source: Uint8Array, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const nameLength = nameEnd - nameStart;
    const valueLength = valueEnd - valueStart;
    const size = nameLength + valueLength + FIELD_OVERHEAD;
    this.#evict(size);
    if (size > this.limit) return;
    const start = this.#reserve(nameLength + valueLength);
    const { bytes } = this;
    for (let i = 0; i < nameLength; i++) bytes[start + i] = source[nameStart + i];
    for (let i = 0; i < valueLength; i++) bytes[start + nameLength + i] = source[valueStart + i];
    this.#slots.push(this.#end, nameLength, valueLength);
    this.#end += nameLength + valueLength;
    this.size += size;
  }

  /** Makes room for `size`. */
  #evict(size: number): void {
    const slots = this.#slots;
    while (this.#first < slots.length && this.size + size > this.limit) {
      this.size -= slots[this.#first + 1] + slots[this.#first + 2] + FIELD_OVERHEAD;
      this.#first += SLOT;
    }
    if (this.#first === slots.length) slots.length = this.#first = 0;
    else if (this.#first > slots.length / 2) {
      slots.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** Makes room for `length` bytes behind the newest field. Returns where. */
  #reserve(length: number): number {
    if (this.#end - this.#base + length > this.bytes.length) {
      const from = this.#slots.length > 0 ? this.#slots[this.#first] : this.#end;
      const live = this.#end - from;
      const needed = live + length;
      if (needed * 2 <= this.bytes.length) {
        this.bytes.copyWithin(0, from - this.#base, this.#end - this.#base);
      } else {
        // Half as much again: moving them is worth it only once in so many.
        const larger = new Uint8Array(Math.max(FIRST_CAPACITY, needed * 3 >> 1));
        larger.set(this.bytes.subarray(from - this.#base, this.#end - this.#base));
        this.bytes = larger;
      }
      this.#base = from;
    }
    return this.#end - this.#base;
  }
}
