// How do the listener and the server threads of a child tell each other what they do, without messages? A few words of
// shared memory per thread, and a pipe to wake whoever sleeps.

// Words that concern the whole child.
const STOPPING = 0;
const CONNECTIONS = 1;
const LISTENER_WAITS = 2;
const WRITING = 3;
const UNFAIR = 4;
const YIELDING = 5;
const PASSING_ON = 6;
const GLOBAL_WORDS = 16;

// Words of one thread.
const LOAD = 0;
const BEAT = 1;
const WAITS = 2;
const LONGEST = 3;
const STATE = 4;
const THREAD_WORDS = 16;

/** Life of a thread. `Retiring`: it is to end, and has no connection any more. */
export const ThreadState = { Absent: 0, Starting: 1, Running: 2, Retiring: 3 } as const;

/** The shared words; each thread makes its own object over the same memory. */
export class ThreadControl {
  readonly #words: Int32Array;

  constructor(readonly memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
  }

  static allocate(threads: number): SharedArrayBuffer {
    return new SharedArrayBuffer((GLOBAL_WORDS + threads * THREAD_WORDS) * 4);
  }

  /** The child is ending: answers say `Connection: close`, nothing is kept alive. */
  get stopping(): boolean {
    return Atomics.load(this.#words, STOPPING) !== 0;
  }

  stop(): void {
    Atomics.store(this.#words, STOPPING, 1);
  }

  /** The child is ending, and others take over its idle connections: they are kept alive until then. */
  get passingOn(): boolean {
    return Atomics.load(this.#words, PASSING_ON) !== 0;
  }

  passOn(): void {
    Atomics.store(this.#words, PASSING_ON, 1);
  }

  /** Open connections of the child, idle ones included. */
  get connections(): number {
    return Atomics.load(this.#words, CONNECTIONS);
  }

  addConnection(): void {
    Atomics.add(this.#words, CONNECTIONS, 1);
  }

  removeConnection(): void {
    Atomics.sub(this.#words, CONNECTIONS, 1);
  }

  /** Connections whose response is being written without a slot. */
  get writing(): number {
    return Atomics.load(this.#words, WRITING);
  }

  addWriting(delta: number): void {
    Atomics.add(this.#words, WRITING, delta);
  }

  /** The listener wants to be woken when a slot becomes free or a connection ends. */
  setListenerWaits(on: boolean): void {
    Atomics.store(this.#words, LISTENER_WAITS, on ? 1 : 0);
  }

  /** True once after setListenerWaits(true): the caller is the one who wakes the listener. */
  listenerToWake(): boolean {
    return Atomics.load(this.#words, LISTENER_WAITS) !== 0 &&
      Atomics.exchange(this.#words, LISTENER_WAITS, 0) !== 0;
  }

  /** Somebody waits too long for a slot: threads take none themselves for connections that have been idle, but leave them to the listener. */
  get unfair(): boolean {
    return Atomics.load(this.#words, UNFAIR) !== 0;
  }

  setUnfair(on: boolean): void {
    Atomics.store(this.#words, UNFAIR, on ? 1 : 0);
  }

  /** No thread is free, but more may be had: until they are there a dedicated thread keeps no connection that has nothing to do. */
  get yielding(): boolean {
    return Atomics.load(this.#words, YIELDING) !== 0;
  }

  setYielding(on: boolean): void {
    Atomics.store(this.#words, YIELDING, on ? 1 : 0);
  }

  /** Slots of a thread that are taken or reserved. */
  load(thread: number): number {
    return Atomics.load(this.#words, GLOBAL_WORDS + thread * THREAD_WORDS + LOAD);
  }

  /** Takes one slot of a thread unless all `slots` are taken. */
  takeSlot(thread: number, slots: number): boolean {
    const at = GLOBAL_WORDS + thread * THREAD_WORDS + LOAD;
    if (Atomics.add(this.#words, at, 1) < slots) return true;
    Atomics.sub(this.#words, at, 1);
    return false;
  }

  returnSlot(thread: number): void {
    Atomics.sub(this.#words, GLOBAL_WORDS + thread * THREAD_WORDS + LOAD, 1);
  }

  /** Turns of the thread's loop: it moves as long as the thread is not stuck in a handler. */
  beat(thread: number): number {
    return Atomics.load(this.#words, GLOBAL_WORDS + thread * THREAD_WORDS + BEAT);
  }

  addBeat(thread: number): void {
    this.#words[GLOBAL_WORDS + thread * THREAD_WORDS + BEAT]++;
  }

  /** How often the thread found nothing to do: a thread whose number stands still is saturated. */
  waits(thread: number): number {
    return Atomics.load(this.#words, GLOBAL_WORDS + thread * THREAD_WORDS + WAITS);
  }

  addWait(thread: number): void {
    this.#words[GLOBAL_WORDS + thread * THREAD_WORDS + WAITS]++;
  }

  /** The longest time in ms that one batch has kept the thread since this was last read; reading resets it. */
  takeLongest(thread: number): number {
    return Atomics.exchange(this.#words, GLOBAL_WORDS + thread * THREAD_WORDS + LONGEST, 0);
  }

  noteBatch(thread: number, ms: number): void {
    const at = GLOBAL_WORDS + thread * THREAD_WORDS + LONGEST;
    if (ms > this.#words[at]) this.#words[at] = ms;
  }

  state(thread: number): number {
    return Atomics.load(this.#words, GLOBAL_WORDS + thread * THREAD_WORDS + STATE);
  }

  setState(thread: number, state: number): void {
    Atomics.store(this.#words, GLOBAL_WORDS + thread * THREAD_WORDS + STATE, state);
  }

  /** A new thread begins with no slot taken. */
  beginThread(thread: number): void {
    this.#words.fill(0, GLOBAL_WORDS + thread * THREAD_WORDS, GLOBAL_WORDS + (thread + 1) * THREAD_WORDS);
    this.setState(thread, ThreadState.Starting);
  }
}
