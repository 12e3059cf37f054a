// How do all children know how the members of a balancer fare? By records in the memory that modules share, found by the member's name:
// they stay over graceful restarts.

const WORDS = 16;
const HASH = 0;

/** Numbers of a member's record. */
export const Word = {
  Busy: 1,
  Elected: 2,
  /** How far the member is from its share (byrequests). */
  Balance: 3,
  /** Status bits, and which of them somebody has changed. */
  Status: 4,
  Changed: 5,
  /** Left alone until then: seconds since 1970. */
  ErrorUntil: 6,
  /** KiB to and from it. */
  Sent: 7,
  Received: 8,
  Errors: 9,
  /** In hundredths; 0: as configured. */
  LoadFactor: 10,
  /** Plus 1; 0: as configured. */
  Set: 11,
  /** Health checks that have passed or failed one after the other, and when the latest was (seconds). */
  Passes: 12,
  Fails: 13,
  Checked: 14,
} as const;

/** The first record is the area's own: four words of a nonce. */
const FIRST = 1;

/** One member's numbers. */
export class MemberRecord {
  constructor(readonly words: Int32Array, readonly at: number) {}

  get(word: number): number {
    return Atomics.load(this.words, this.at + word);
  }

  set(word: number, value: number): void {
    Atomics.store(this.words, this.at + word, value);
  }

  add(word: number, value: number): number {
    return Atomics.add(this.words, this.at + word, value) + value;
  }

  /** Sets a word that still is `before`; false: somebody else was first. */
  exchange(word: number, before: number, after: number): boolean {
    return Atomics.compareExchange(this.words, this.at + word, before, after) === before;
  }
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash | 0 || 1;
}

/** The record of a name. Where there is no room left each thread has its own. */
export function memberRecord(area: Int32Array, name: string): MemberRecord {
  const hash = hashOf(name);
  const slots = area.length / WORDS | 0;
  for (let i = 0; i < slots - FIRST; i++) {
    const at = (FIRST + ((hash >>> 0) + i) % (slots - FIRST)) * WORDS;
    const found = Atomics.compareExchange(area, at + HASH, 0, hash);
    if (found === 0 || found === hash) return new MemberRecord(area, at);
  }
  return new MemberRecord(new Int32Array(WORDS), 0);
}

/** A secret that all threads of the server have, and nobody else: made by the first who asks. */
export function sharedNonce(area: Int32Array): string {
  const random = crypto.getRandomValues(new Int32Array(4));
  return Array.from(random, (word, i) => {
    const value = word || 1;
    const before = Atomics.compareExchange(area, i, 0, value);
    return ((before === 0 ? value : before) >>> 0).toString(16).padStart(8, "0");
  }).join("");
}
