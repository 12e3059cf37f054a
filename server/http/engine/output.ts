// Where are bytes of messages put together? In a buffer that grows to what it has to hold.

const encoder = new TextEncoder();
/** Up to this many characters a loop is faster than the encoder, which is a call out of the engine: 0.2 us of 1.2. */
const SHORT = 256;

/** A buffer that grows to what it needs, and is used again. */
export class OutputBuffer {
  bytes: Uint8Array<ArrayBuffer>;
  length = 0;
  #encoded: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  #encodedLength = 0;

  constructor(size: number = 1 << 17) {
    this.bytes = new Uint8Array(size);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  /** Appends text whose characters are all below 256, a byte each. */
  latin1(text: string): void {
    const count = text.length;
    if (count <= SHORT) return this.#short(text, count);
    // UTF-8 is the same for ASCII, and the encoder is the fastest way there is; it may need up to three bytes a character.
    this.reserve(count * 3);
    const { bytes } = this;
    const at = this.length;
    if (encoder.encodeInto(text, bytes.subarray(at)).written === count) {
      this.length = at + count;
      return;
    }
    for (let i = 0; i < count; i++) bytes[at + i] = text.charCodeAt(i);
    this.length = at + count;
  }

  #short(text: string, count: number): void {
    this.reserve(count);
    const { bytes, length } = this;
    for (let i = 0; i < count; i++) bytes[length + i] = text.charCodeAt(i);
    this.length = length + count;
  }

  /** Makes UTF-8 of `text`, for appendEncoded() to append. Returns its length in bytes. */
  encode(text: string): number {
    if (text.length <= SHORT && this.#encodeAscii(text)) return this.#encodedLength;
    if (this.#encoded.length < text.length * 3) this.#encoded = new Uint8Array(text.length * 3);
    this.#encodedLength = encoder.encodeInto(text, this.#encoded).written;
    return this.#encodedLength;
  }

  /** As encode(), for a short text; false if it has more than ASCII. */
  #encodeAscii(text: string): boolean {
    const encoded = this.#encoded;
    const { length } = text;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      encoded[i] = code;
    }
    this.#encodedLength = length;
    return true;
  }

  /** Appends what was last encoded. Returns its length. */
  appendEncoded(): number {
    this.reserve(this.#encodedLength);
    const { bytes, length } = this;
    const encoded = this.#encoded;
    // A view for set() costs more than these few bytes.
    if (this.#encodedLength < 256) {
      for (let i = 0; i < this.#encodedLength; i++) bytes[length + i] = encoded[i];
    } else bytes.set(encoded.subarray(0, this.#encodedLength), length);
    this.length += this.#encodedLength;
    return this.#encodedLength;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Takes a copy of everything from `at` on out of the buffer. */
  takeFrom(at: number): Uint8Array<ArrayBuffer> {
    const taken = this.bytes.slice(at, this.length);
    this.length = at;
    return taken;
  }
}
