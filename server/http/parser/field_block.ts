// Which fields does a header or trailer section have? Offsets into the bytes that carry them; strings are
// made when asked for.

import { fieldId, fieldIdOfName, UNKNOWN_FIELD } from "./fields.ts";
import { latin1, latin1Interned, trimBlanks } from "./text.ts";

/**
 * Int32 values a field takes in `slots`: start and end of the name, start and end of the value, id and flags.
 */
const SLOT = 5;
const ID_MASK = 0xff;
/** The value goes over several lines. */
const FOLDED = 0x100;
/** The field is in the message but does not count (Content-Length beside Transfer-Encoding). */
const DROPPED = 0x200;
const FIRST_CAPACITY = 24;

/** The fields of one section. */
export class FieldBlock {
  /** What the offsets refer to. */
  bytes: Uint8Array;
  /** Number of fields, repeated ones counted each. */
  headerCount = 0;
  /** Where `readFields` goes on with a section that is not complete. */
  nextLine = 0;
  /** A plain array: copying a small one costs a fraction of what a typed array's own memory does. */
  protected slots: number[];
  /** The bits of the ids below 32 that are present, of the others, and the same for names that came more than once. */
  protected low = 0;
  protected high = 0;
  protected repeatedLow = 0;
  protected repeatedHigh = 0;

  constructor(bytes: Uint8Array, slots: number[] = new Array(FIRST_CAPACITY * SLOT).fill(0)) {
    this.bytes = bytes;
    this.slots = slots;
  }

  /** Forgets all fields. */
  clear(): void {
    this.forgetFields();
  }

  /** What clear() does, without what a subclass clears beside. */
  protected forgetFields(): void {
    this.headerCount = this.nextLine = 0;
    this.low =
      this.high =
      this.repeatedLow =
      this.repeatedHigh =
        0;
  }

  /** Adds a field by the offsets of its name and value. */
  add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const index = this.headerCount++;
    const at = index * SLOT;
    const slots = this.slots;
    const id = fieldId(this.bytes, nameStart, nameEnd);
    slots[at] = nameStart;
    slots[at + 1] = nameEnd;
    slots[at + 2] = valueStart;
    slots[at + 3] = valueEnd;
    slots[at + 4] = id;
    if (id === UNKNOWN_FIELD) return;
    const bit = 1 << id;
    if (id < 32) {
      this.repeatedLow |= this.low & bit;
      this.low |= bit;
    } else {
      this.repeatedHigh |= this.high & bit;
      this.high |= bit;
    }
  }

  /**
   * Extends the last field over a folded line whose text ends at `end`; returns the field's length in bytes,
   * line ends included.
   */
  fold(end: number): number {
    const at = (this.headerCount - 1) * SLOT;
    this.slots[at + 3] = end;
    this.slots[at + 4] |= FOLDED;
    return this.slots[at + 3] - this.slots[at];
  }

  /** Takes every field of a known name out of what the methods below show. */
  drop(id: number): void {
    const slots = this.slots;
    for (let at = 0; at < this.headerCount * SLOT; at += SLOT) {
      if ((slots[at + 4] & ID_MASK) === id) slots[at + 4] |= DROPPED;
    }
    if (id < 32) this.low &= ~(1 << id);
    else this.high &= ~(1 << id);
  }

  /** drop() by a name in lower case, known or not. */
  dropName(name: string): void {
    const id = fieldIdOfName(name);
    if (id !== UNKNOWN_FIELD) return this.drop(id);
    for (let index = 0; index < this.headerCount; index++) {
      if (this.isUnknown(index, name)) this.slots[index * SLOT + 4] |= DROPPED;
    }
  }

  /** The field is called `name` (in lower case), which has no id, and was not dropped. */
  protected isUnknown(index: number, name: string): boolean {
    const at = index * SLOT;
    if ((this.slots[at + 4] & (ID_MASK | DROPPED)) !== UNKNOWN_FIELD) return false;
    return this.slots[at + 1] - this.slots[at] === name.length && this.nameAt(index).toLowerCase() === name;
  }

  /** Moves all offsets by `delta`: the bytes stand elsewhere now. */
  shift(bytes: Uint8Array, delta: number): void {
    this.bytes = bytes;
    this.nextLine += delta;
    const slots = this.slots;
    for (let at = 0; at < this.headerCount * SLOT; at += SLOT) {
      slots[at] += delta;
      slots[at + 1] += delta;
      slots[at + 2] += delta;
      slots[at + 3] += delta;
    }
  }

  /** True if a field with this id (`Field.Host`) is present. */
  has(id: number): boolean {
    return id < 32 ? (this.low & (1 << id)) !== 0 : (this.high & (1 << id)) !== 0;
  }

  /** True if more than one field has this id. */
  protected repeated(id: number): boolean {
    return id < 32 ? (this.repeatedLow & (1 << id)) !== 0 : (this.repeatedHigh & (1 << id)) !== 0;
  }

  /** Index of the first field of an id that is present. */
  protected firstOf(id: number): number {
    const slots = this.slots;
    let at = 4;
    while ((slots[at] & (ID_MASK | DROPPED)) !== id) at += SLOT;
    return (at - 4) / SLOT;
  }

  /** The value of a known field, repeated ones joined by ", " (RFC 9110 §5.3), or undefined. */
  field(id: number): string | undefined {
    if (!this.has(id)) return undefined;
    const first = this.firstOf(id);
    if (!this.repeated(id)) return this.valueAt(first);
    let value = this.valueAt(first);
    for (let index = first + 1; index < this.headerCount; index++) {
      if (this.slots[index * SLOT + 4] === id || this.slots[index * SLOT + 4] === (id | FOLDED)) {
        value += ", " + this.valueAt(index);
      }
    }
    return value;
  }

  /** As `field`, or "" if there is none; a value that comes again and again costs no new string. */
  shortField(id: number): string {
    if (!this.has(id) || this.repeated(id)) return this.field(id) ?? "";
    const at = this.firstOf(id) * SLOT;
    if (this.slots[at + 4] !== id) return this.field(id) ?? "";
    return latin1Interned(this.bytes, this.slots[at + 2], this.slots[at + 3]);
  }

  /** The value of the field of this name (in lower case), repeated ones joined by ", ", or undefined. */
  get(name: string): string | undefined {
    const id = fieldIdOfName(name);
    if (id !== UNKNOWN_FIELD) return this.field(id);
    let value: string | undefined;
    for (let index = 0; index < this.headerCount; index++) {
      if (!this.isUnknown(index, name)) continue;
      value = value === undefined ? this.valueAt(index) : `${value}, ${this.valueAt(index)}`;
    }
    return value;
  }

  /** Names as sent and values, in the order of arrival, repeated fields each. */
  *entries(): Generator<[name: string, value: string]> {
    for (let index = 0; index < this.headerCount; index++) {
      if ((this.slots[index * SLOT + 4] & DROPPED) === 0) yield [this.nameAt(index), this.valueAt(index)];
    }
  }

  /** As entries(), with the id of each name (UNKNOWN_FIELD for most): names and short values that come again and again cost no new string. */
  visit(each: (id: number, name: string, value: string) => void): void {
    const { slots, bytes } = this;
    for (let index = 0; index < this.headerCount; index++) {
      const at = index * SLOT;
      const id = slots[at + 4];
      if ((id & DROPPED) !== 0) continue;
      const value = (id & FOLDED) === 0
        ? latin1Interned(bytes, slots[at + 2], slots[at + 3])
        : this.valueAt(index);
      each(id & ID_MASK, latin1Interned(bytes, slots[at], slots[at + 1]), value);
    }
  }

  /**
   * True if fields that share a name are longer than `limit` bytes once merged. Only a section that is itself
   * longer can have such a field, so that the usual request costs no look at its names.
   */
  mergedBeyond(limit: number, sectionLength: number): boolean {
    if (sectionLength <= limit) return false;
    const lengths = new Map<string, number>();
    for (let index = 0; index < this.headerCount; index++) {
      const at = index * SLOT;
      const name = this.nameAt(index).toLowerCase();
      const before = lengths.get(name);
      const length = this.slots[at + 3] - this.slots[at + 2] + (before === undefined ? 0 : before + 2);
      if (length > limit) return true;
      lengths.set(name, length);
    }
    return false;
  }

  /** Makes `copy`, which has a copy of the slots, hold the same fields; its bytes are moved separately (shift). */
  protected copyFieldsTo(copy: FieldBlock): void {
    copy.headerCount = this.headerCount;
    copy.low = this.low;
    copy.high = this.high;
    copy.repeatedLow = this.repeatedLow;
    copy.repeatedHigh = this.repeatedHigh;
  }

  /** The slots in use, for a copy. */
  protected usedSlots(): number[] {
    return this.slots.slice(0, this.headerCount * SLOT);
  }

  protected nameAt(index: number): string {
    return latin1(this.bytes, this.slots[index * SLOT], this.slots[index * SLOT + 1]);
  }

  protected valueAt(index: number): string {
    const at = index * SLOT;
    const value = latin1(this.bytes, this.slots[at + 2], this.slots[at + 3]);
    return (this.slots[at + 4] & FOLDED) === 0 ? value : unfold(value);
  }
}

/** RFC 9112 §5.2: an obs-fold is one blank, and so are the blanks around it. */
function unfold(value: string): string {
  const lines = value.split("\n").map((line) => trimBlanks(line.endsWith("\r") ? line.slice(0, -1) : line));
  return lines.filter((line) => line !== "").join(" ");
}
