// Who owns each connection of a child? One record per descriptor number, in memory that the listener and all threads share.
//
// A connection is handed over by changing its owner word with an atomic compare-and-exchange: of two threads that want it,
// one wins and the other lets go. A record is all that exists of a connection that has nothing to do.
//
//             accept                    claim                         release
//   Free ──────────────▶ Ready(thread) ───────▶ Busy(thread) ─────────────────────▶ Ready(thread)
//                          │  ▲                   │   close, or shutdown + Linger
//           take (listener)│  │hand               ▼
//                          ▼  │              Free / Linger (listener)
//                         Parked (listener)

import { addressText } from "../../platform/addresses.ts";
import type { ProxiedClient } from "./proxy_protocol.ts";

/** Who may touch a descriptor, and what for. */
export const Owner = {
  /** Nobody: the number is not a connection. */
  Free: 0,
  /** In the interest set of a thread, nothing in hand; that thread or the listener may claim it. */
  Ready: 1,
  /** A thread works on it, nobody else touches it. */
  Busy: 2,
  /** In the listener's set: an idle keep-alive connection. */
  Parked: 3,
  /** Readable, at the listener, waiting for a free slot. */
  Queued: 4,
  /** In the listener's set: answered, FIN sent, input is drained until the peer closes. */
  Linger: 5,
  /** Its thread is stuck in a handler: shut down, and closed when the process ends. */
  Lost: 6,
} as const;

const STATE_MASK = 0xf;
/** The listener has taken a slot of the thread for this connection already (a new one, or one that came back). */
const RESERVED = 0x10;
const THREAD_SHIFT = 8;

// Words of a record; the owner word is the first.
const WORDS = 14;
const DEADLINE = 1;
const SERVED = 2;
const SINCE = 3;
const LISTENER = 4;
const PEER = 5;
const ADDRESS = 6;
const TAG = 10;
/** In the word PEER, above the family: a PROXY header has been read, and the address is what it says. */
const PROXIED = 1 << 24;
/** Two words: the address of the SSL object; 0: there is none. */
const SESSION = 12;

/** Descriptors above this are refused like EMFILE: the table has its size for good. 14.7 MB of address space, used pages only. */
export const MAX_DESCRIPTORS = 262_144;

let clockOffset = 0;

/** Milliseconds of a clock that all threads of a process share and nobody can set; wraps at 2^31, so only differences mean something. */
export function clock(): number {
  return (performance.now() + clockOffset) & 0x7fffffff;
}

/** Sets this thread's clock by what clock() just said in the thread that started this one. */
export function setClock(value: number): void {
  clockOffset = value - performance.now();
}

/** `a - b` of two clock() values that are less than 12 days apart. */
export function elapsed(a: number, b: number): number {
  return (a - b) << 1 >> 1;
}

/** Texts of IPv4 addresses that are kept. */
const MAX_TEXTS = 1024;

/** The records; each thread makes its own object over the same memory. */
export class ConnectionTable {
  readonly #words: Int32Array;
  readonly #pairs: BigUint64Array;
  readonly #address = new Uint8Array(16);
  readonly #texts = new Map<number, string>();

  constructor(readonly memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
    this.#pairs = new BigUint64Array(memory);
  }

  /** Fresh memory for `descriptors` records. */
  static allocate(descriptors: number): SharedArrayBuffer {
    return new SharedArrayBuffer(Math.min(descriptors, MAX_DESCRIPTORS) * WORDS * 4);
  }

  /** How many descriptor numbers have a record. */
  get size(): number {
    return this.#words.length / WORDS;
  }

  /** The state of a record (Owner). */
  state(fd: number): number {
    return Atomics.load(this.#words, fd * WORDS) & STATE_MASK;
  }

  /** The thread that a Ready or Busy record belongs to. */
  thread(fd: number): number {
    return Atomics.load(this.#words, fd * WORDS) >> THREAD_SHIFT;
  }

  /** Whether a slot of its thread is taken for a Ready record already. */
  reserved(fd: number): boolean {
    return (Atomics.load(this.#words, fd * WORDS) & RESERVED) !== 0;
  }

  /**
   * Thread: Ready(thread) -> Busy(thread), because of a report with `tag`. Returns 0 when it is not this thread's, 1 when claimed,
   * 2 when a slot came with it.
   */
  claim(fd: number, thread: number, tag: number): 0 | 1 | 2 {
    const at = fd * WORDS;
    const word = Atomics.load(this.#words, at);
    if ((word & STATE_MASK) !== Owner.Ready || word >> THREAD_SHIFT !== thread) return 0;
    if (Atomics.compareExchange(this.#words, at, word, thread << THREAD_SHIFT | Owner.Busy) !== word) {
      return 0;
    }
    if (this.#words[at + TAG] !== tag) {
      // The report is older than the hand-over, which may have brought another connection with this number. The thread must
      // not be done with that before the listener has put it into its set: there it will be reported again.
      Atomics.store(this.#words, at, word);
      return 0;
    }
    return (word & RESERVED) !== 0 ? 2 : 1;
  }

  /** Listener: Ready(thread) -> Parked, so that the listener owns it. Returns false when the thread was faster; else whether a slot was reserved. */
  take(fd: number): { reserved: boolean; thread: number } | undefined {
    const at = fd * WORDS;
    const word = Atomics.load(this.#words, at);
    if ((word & STATE_MASK) !== Owner.Ready) return undefined;
    if (Atomics.compareExchange(this.#words, at, word, Owner.Parked) !== word) return undefined;
    return { reserved: (word & RESERVED) !== 0, thread: word >> THREAD_SHIFT };
  }

  /** The owner hands the record to `thread`, with a slot taken for it. Returns the tag by which this hand-over is reported. */
  hand(fd: number, thread: number): number {
    const at = fd * WORDS;
    const tag = this.#words[at + TAG] + 1 | 0;
    this.#words[at + TAG] = tag;
    Atomics.store(this.#words, at, thread << THREAD_SHIFT | RESERVED | Owner.Ready);
    return tag;
  }

  /** Of the latest hand-over. */
  tag(fd: number): number {
    return this.#words[fd * WORDS + TAG];
  }

  /**
   * Thread: Busy(thread) -> `state`. Returns false when the connection was taken from the thread because it was stuck: the
   * descriptor is then no longer its to touch.
   */
  finish(fd: number, thread: number, state: number): boolean {
    const busy = thread << THREAD_SHIFT | Owner.Busy;
    return Atomics.compareExchange(this.#words, fd * WORDS, busy, state) === busy;
  }

  /** Thread: leaves the record Ready in its own set; it is idle since `now` and to be closed at `deadline`. */
  release(fd: number, thread: number, served: number, now: number, deadline: number): void {
    this.note(fd, served, now, deadline);
    this.finish(fd, thread, thread << THREAD_SHIFT | Owner.Ready);
  }

  /** Owner: the connection is idle since `now`, and to be closed at `deadline`. */
  note(fd: number, served: number, now: number, deadline: number): void {
    const at = fd * WORDS;
    this.#words[at + DEADLINE] = deadline;
    this.#words[at + SERVED] = served;
    this.#words[at + SINCE] = now;
  }

  /** The owner changes the state to one that belongs to the listener, or to Free. */
  setState(fd: number, state: number): void {
    Atomics.store(this.#words, fd * WORDS, state);
  }

  /** When a Parked, Ready or Linger connection is to be closed (clock()). */
  deadline(fd: number): number {
    return this.#words[fd * WORDS + DEADLINE];
  }

  /** A lingering close begins. */
  beginLinger(fd: number, now: number, deadline: number): void {
    this.#words[fd * WORDS + SINCE] = now;
    this.#words[fd * WORDS + DEADLINE] = deadline;
  }

  setDeadline(fd: number, deadline: number): void {
    this.#words[fd * WORDS + DEADLINE] = deadline;
  }

  /** Since when a Ready connection has had nothing to do (clock()). */
  since(fd: number): number {
    return this.#words[fd * WORDS + SINCE];
  }

  /** Requests answered so far. */
  served(fd: number): number {
    return this.#words[fd * WORDS + SERVED];
  }

  /** The SSL object of a connection; 0n: none. Of whoever owns the record. */
  session(fd: number): bigint {
    return this.#pairs[fd * WORDS + SESSION >> 1];
  }

  setSession(fd: number, session: bigint): void {
    this.#pairs[fd * WORDS + SESSION >> 1] = session;
  }

  /** Which listening socket it came from. */
  listener(fd: number): number {
    return this.#words[fd * WORDS + LISTENER];
  }

  /** Fills the record of a connection that was just accepted. `address` as on the wire. */
  begin(
    fd: number,
    listener: number,
    now: number,
    deadline: number,
    family: number,
    port: number,
    address: Uint8Array,
  ): void {
    const at = fd * WORDS;
    const words = this.#words;
    words[at + DEADLINE] = deadline;
    words[at + SERVED] = 0;
    words[at + SINCE] = now;
    words[at + LISTENER] = listener;
    this.#setAddress(at, family, port, address);
  }

  #setAddress(at: number, family: number, port: number, address: Uint8Array): void {
    const words = this.#words;
    words[at + PEER] = family << 16 | port;
    for (let i = 0; i < (family === 4 ? 1 : 4); i++) {
      words[at + ADDRESS + i] = address[4 * i] << 24 | address[4 * i + 1] << 16 | address[4 * i + 2] << 8 |
        address[4 * i + 3];
    }
  }

  /** The connection has said for whom it is (PROXY protocol): what was accepted is not its client. Of whoever owns the record. */
  isProxied(fd: number): boolean {
    return (this.#words[fd * WORDS + PEER] & PROXIED) !== 0;
  }

  /** Its client is `client`; undefined: the peer. */
  setProxied(fd: number, client: ProxiedClient | undefined): void {
    const at = fd * WORDS;
    if (client !== undefined) this.#setAddress(at, client.family, client.port, client.bytes);
    this.#words[at + PEER] |= PROXIED;
  }

  /** Nothing of a connection is in its process but its record; another cannot find that out either. */
  isMovable(fd: number): boolean {
    return this.session(fd) === 0n && !this.isProxied(fd);
  }

  /** The port of the client. */
  clientPort(fd: number): number {
    return this.#words[fd * WORDS + PEER] & 0xffff;
  }

  /** The address of the client as text. */
  clientAddress(fd: number): string {
    const at = fd * WORDS + ADDRESS;
    const family = this.#words[fd * WORDS + PEER] >> 16 & 0xff;
    if (family === 4) return this.#ipv4(this.#words[at]);
    for (let i = 0; i < 16; i++) this.#address[i] = this.#words[at + (i >> 2)] >>> 24 - 8 * (i & 3);
    return addressText(family, this.#address);
  }

  /** Every request of a connection asks again, and most come from few addresses. */
  #ipv4(word: number): string {
    const known = this.#texts.get(word);
    if (known !== undefined) return known;
    if (this.#texts.size >= MAX_TEXTS) this.#texts.clear();
    const text = `${word >>> 24}.${word >>> 16 & 255}.${word >>> 8 & 255}.${word & 255}`;
    this.#texts.set(word, text);
    return text;
  }
}
