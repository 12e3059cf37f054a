// Which connections of a thread have run out of time? A timer wheel: setting, moving and clearing a timer are O(1) and
// allocate nothing; the entries are the connections themselves, in doubly linked lists.

/** What can stand in a wheel; the fields belong to the wheel. */
export interface WheelEntry {
  /** When it is due, in ms of the wheel's clock; 0: not set. */
  due: number;
  wheelSlot: number;
  wheelNext: WheelEntry | undefined;
  wheelPrevious: WheelEntry | undefined;
}

const SLOTS = 512;

/** Timers of one thread. `resolution` in ms: an entry fires at most that much late, never early. */
export class TimerWheel {
  readonly #heads: (WheelEntry | undefined)[] = new Array(SLOTS).fill(undefined);
  #tick: number;
  #size = 0;

  constructor(now: number, readonly resolution: number = 100) {
    this.#tick = Math.floor(now / resolution);
  }

  /** Number of entries that are set. */
  get size(): number {
    return this.#size;
  }

  /** Sets the timer of `entry` to `due` (ms, same clock as advance), replacing an earlier one. */
  set(entry: WheelEntry, due: number): void {
    if (entry.due !== 0) this.#unlink(entry);
    else this.#size++;
    entry.due = due;
    // The tick that is being served is over for this turn: the earliest slot is the next one.
    const tick = Math.max(Math.ceil(due / this.resolution), this.#tick + 1);
    this.#link(entry, tick % SLOTS);
  }

  clear(entry: WheelEntry): void {
    if (entry.due === 0) return;
    this.#unlink(entry);
    entry.due = 0;
    this.#size--;
  }

  /** Calls `fire` for each entry due at `now`; it may set and clear timers. */
  advance(now: number, fire: (entry: WheelEntry) => void): void {
    const until = Math.floor(now / this.resolution);
    // After a long sleep each slot needs one visit only.
    if (until - this.#tick > SLOTS) this.#tick = until - SLOTS;
    while (this.#tick < until) {
      this.#tick++;
      const slot = this.#tick % SLOTS;
      let entry = this.#heads[slot];
      this.#heads[slot] = undefined;
      // The slot is served from a list of its own: what fires may set timers into the same slot for a later round.
      while (entry !== undefined) {
        const next: WheelEntry | undefined = entry.wheelNext;
        if (next !== undefined) next.wheelPrevious = undefined;
        entry.wheelNext = undefined;
        entry.wheelPrevious = undefined;
        entry.wheelSlot = -1;
        if (entry.due > now) this.#link(entry, slot);
        else {
          entry.due = 0;
          this.#size--;
          this.#serving = next;
          fire(entry);
          entry = this.#serving;
          continue;
        }
        entry = next;
      }
    }
    this.#serving = undefined;
  }

  /** The rest of the list that advance() is serving; clear() of its head must move it on. */
  #serving: WheelEntry | undefined;

  #link(entry: WheelEntry, slot: number): void {
    const head = this.#heads[slot];
    entry.wheelSlot = slot;
    entry.wheelNext = head;
    entry.wheelPrevious = undefined;
    if (head !== undefined) head.wheelPrevious = entry;
    this.#heads[slot] = entry;
  }

  #unlink(entry: WheelEntry): void {
    const { wheelNext: next, wheelPrevious: previous } = entry;
    if (previous !== undefined) previous.wheelNext = next;
    else if (entry === this.#serving) this.#serving = next;
    else this.#heads[entry.wheelSlot] = next;
    if (next !== undefined) next.wheelPrevious = previous;
    entry.wheelNext = undefined;
    entry.wheelPrevious = undefined;
  }
}
