// How do modules know of something in all children and threads at once? By records of numbers in the memory that they share
// (Scoreboard.moduleWords), found by a name: they are 0 at the start, and stay over graceful restarts.

const WORDS = 16;
const HASH = 0;
/** The first record is the area's own: four words of a nonce. */
const FIRST = 1;

/** Numbers that all threads share, 32-bit integers: those from 1 to 15 are the module's. */
export class SharedRecord {
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
export function sharedRecord(area: Int32Array, name: string): SharedRecord {
  const hash = hashOf(name);
  const slots = area.length / WORDS | 0;
  for (let i = 0; i < slots - FIRST; i++) {
    const at = (FIRST + ((hash >>> 0) + i) % (slots - FIRST)) * WORDS;
    const found = Atomics.compareExchange(area, at + HASH, 0, hash);
    if (found === 0 || found === hash) return new SharedRecord(area, at);
  }
  return new SharedRecord(new Int32Array(WORDS), 0);
}
