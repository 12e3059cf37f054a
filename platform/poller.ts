// Which descriptors are ready? One interest set per thread, kept by the kernel (epoll on Linux, kqueue elsewhere).
//
// The set is a descriptor itself, and the threads of a process share their descriptors: one thread can put a connection
// into the set of another, which wakes up as soon as there is something to read. That is how a connection is handed over
// here, without a message.

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;

/** What can be waited for, and what is reported. */
export const Interest = {
  Read: 1,
  Write: 4,
  /** Reported, never asked for: an error or a hang-up of both directions (EPOLLERR | EPOLLHUP). */
  Error: 0x18,
  /** Linux: of several processes that wait for this socket, the kernel wakes one (EPOLLEXCLUSIVE). */
  Exclusive: 1 << 28,
} as const;

const EPOLL = {
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  wait_off_thread: {
    name: "epoll_wait",
    parameters: ["i32", "pointer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  malloc: { parameters: ["usize"], result: "pointer" },
} as const;

const KQUEUE = {
  kqueue: { parameters: [], result: "i32" },
  kevent: { parameters: ["i32", "buffer", "i32", "buffer", "i32", "buffer"], result: "i32" },
  wait_off_thread: {
    name: "kevent",
    parameters: ["i32", "pointer", "i32", "pointer", "i32", "pointer"],
    result: "i32",
    nonblocking: true,
  },
  malloc: { parameters: ["usize"], result: "pointer" },
} as const;

/** The most events one `wait` reports. */
export const MAX_EVENTS = 512;

/** A thread's view of interest sets: its own to wait on, and those of other threads to hand connections to. */
export interface Poller {
  /** Descriptors that the last wait reported: `ready[i]` with `events[i]` (Interest bits). */
  readonly ready: Int32Array;
  readonly events: Int32Array;
  /** What add() or modify() said of each of them: which use of the number the report is about. */
  readonly tags: Int32Array;
  /** A new, empty set. @throws Error when the system has no more descriptors */
  create(): number;
  /** Adds `fd` to `set`. Returns false when the kernel refuses (the descriptor is closed, or in the set already). */
  add(set: number, fd: number, interest: number, tag?: number): boolean;
  /** Changes what is waited for. */
  modify(set: number, fd: number, interest: number, tag?: number): void;
  /** Takes `fd` out of `set`; not being in it is no error. */
  remove(set: number, fd: number): void;
  /** Waits up to `timeout` ms on this thread (0: looks only). Returns how many are ready. */
  wait(set: number, timeout: number): number;
  /**
   * Waits up to `timeout` ms without blocking this thread's event loop; it cannot be cancelled. It only says that
   * something is ready (or that time is up): entries are level-triggered, `wait(set, 0)` then fetches them.
   */
  waitOffThread(set: number, timeout: number): Promise<void>;
}

let epoll: Deno.DynamicLibrary<typeof EPOLL>["symbols"] | undefined;
let kqueue: Deno.DynamicLibrary<typeof KQUEUE>["symbols"] | undefined;

function epollCalls() {
  return epoll ??= Deno.dlopen("libc.so.6", EPOLL).symbols;
}

function kqueueCalls() {
  return kqueue ??= Deno.dlopen("libSystem.dylib", KQUEUE).symbols;
}

class EpollPoller implements Poller {
  readonly ready: Int32Array = new Int32Array(MAX_EVENTS);
  readonly events: Int32Array = new Int32Array(MAX_EVENTS);
  readonly tags: Int32Array = new Int32Array(MAX_EVENTS);
  // struct epoll_event is packed (12 bytes) on x86_64 and 16 bytes elsewhere.
  readonly #size = Deno.build.arch === "x86_64" ? 12 : 16;
  readonly #fdAt = Deno.build.arch === "x86_64" ? 1 : 2;
  readonly #words = this.#size / 4;
  readonly #one = new Int32Array(4);
  readonly #oneBytes = new Uint8Array(this.#one.buffer);
  readonly #batch = new Int32Array(this.#words * MAX_EVENTS);
  readonly #batchBytes = new Uint8Array(this.#batch.buffer);
  readonly #libc = epollCalls();
  // A thread can be terminated while its call is pending: the kernel then writes into memory that nobody collects.
  readonly #offThread = this.#libc.malloc(BigInt(this.#size));

  create(): number {
    const set = this.#libc.epoll_create1(0o2000000);
    if (set < 0) throw new Error("epoll_create1 failed: no more descriptors");
    return set;
  }

  add(set: number, fd: number, interest: number, tag = 0): boolean {
    this.#one[0] = interest;
    this.#one[this.#fdAt] = fd;
    this.#one[this.#fdAt + 1] = tag;
    return this.#libc.epoll_ctl(set, EPOLL_CTL_ADD, fd, this.#oneBytes) === 0;
  }

  modify(set: number, fd: number, interest: number, tag = 0): void {
    this.#one[0] = interest;
    this.#one[this.#fdAt] = fd;
    this.#one[this.#fdAt + 1] = tag;
    this.#libc.epoll_ctl(set, EPOLL_CTL_MOD, fd, this.#oneBytes);
  }

  remove(set: number, fd: number): void {
    this.#libc.epoll_ctl(set, EPOLL_CTL_DEL, fd, this.#oneBytes);
  }

  wait(set: number, timeout: number): number {
    const n = this.#libc.epoll_wait(set, this.#batchBytes, MAX_EVENTS, timeout);
    const words = this.#words;
    const batch = this.#batch;
    for (let i = 0, at = 0; i < n; i++, at += words) {
      this.events[i] = batch[at];
      this.ready[i] = batch[at + this.#fdAt];
      this.tags[i] = batch[at + this.#fdAt + 1];
    }
    return n < 0 ? 0 : n;
  }

  async waitOffThread(set: number, timeout: number): Promise<void> {
    await this.#libc.wait_off_thread(set, this.#offThread, 1, timeout);
  }
}

const EVFILT_READ = -1;
const EVFILT_WRITE = -2;
const EV_ADD = 1;
const EV_DELETE = 2;
const EV_ENABLE = 4;
const EV_DISABLE = 8;
const EV_EOF = 0x8000;

class KqueuePoller implements Poller {
  readonly ready: Int32Array = new Int32Array(MAX_EVENTS);
  readonly events: Int32Array = new Int32Array(MAX_EVENTS);
  readonly tags: Int32Array = new Int32Array(MAX_EVENTS);
  // struct kevent: ident u64, filter i16, flags u16, fflags u32, data i64, udata u64.
  readonly #change = new DataView(new ArrayBuffer(64));
  readonly #changeBytes = new Uint8Array(this.#change.buffer);
  readonly #batch = new DataView(new ArrayBuffer(32 * MAX_EVENTS));
  readonly #batchBytes = new Uint8Array(this.#batch.buffer);
  readonly #time = new BigInt64Array(2);
  readonly #timeBytes = new Uint8Array(this.#time.buffer);
  readonly #none = new Uint8Array(0);
  readonly #libc = kqueueCalls();
  readonly #offThread = this.#libc.malloc(32n);
  readonly #offThreadTime = this.#libc.malloc(16n);
  readonly #offThreadTimeWords: BigInt64Array;

  create(): number {
    const set = this.#libc.kqueue();
    if (set < 0) throw new Error("kqueue failed: no more descriptors");
    return set;
  }

  constructor() {
    if (this.#offThreadTime === null) throw new Error("malloc failed");
    this.#offThreadTimeWords = new BigInt64Array(
      Deno.UnsafePointerView.getArrayBuffer(this.#offThreadTime, 16),
    );
  }

  #set(at: number, fd: number, filter: number, flags: number, tag = 0): void {
    this.#change.setBigUint64(at, BigInt(fd), true);
    this.#change.setInt16(at + 8, filter, true);
    this.#change.setUint16(at + 10, flags, true);
    this.#change.setUint32(at + 12, 0, true);
    this.#change.setInt32(at + 24, tag, true);
  }

  #apply(set: number, fd: number, interest: number, tag: number): boolean {
    const readOn = interest & Interest.Read ? EV_ENABLE : EV_DISABLE;
    const writeOn = interest & Interest.Write ? EV_ENABLE : EV_DISABLE;
    this.#set(0, fd, EVFILT_READ, EV_ADD | readOn, tag);
    this.#set(32, fd, EVFILT_WRITE, EV_ADD | writeOn, tag);
    return this.#libc.kevent(set, this.#changeBytes, 2, this.#none, 0, this.#timeBytes) >= 0;
  }

  add(set: number, fd: number, interest: number, tag = 0): boolean {
    return this.#apply(set, fd, interest, tag);
  }

  modify(set: number, fd: number, interest: number, tag = 0): void {
    this.#apply(set, fd, interest, tag);
  }

  remove(set: number, fd: number): void {
    for (const filter of [EVFILT_READ, EVFILT_WRITE]) {
      this.#set(0, fd, filter, EV_DELETE);
      this.#libc.kevent(set, this.#changeBytes, 1, this.#none, 0, this.#timeBytes);
    }
  }

  wait(set: number, timeout: number): number {
    this.#time[0] = BigInt(Math.trunc(timeout / 1000));
    this.#time[1] = BigInt(timeout % 1000 * 1_000_000);
    const n = this.#libc.kevent(set, this.#none, 0, this.#batchBytes, MAX_EVENTS, this.#timeBytes);
    for (let i = 0; i < n; i++) {
      const at = i * 32;
      this.ready[i] = Number(this.#batch.getBigUint64(at, true));
      this.tags[i] = this.#batch.getInt32(at + 24, true);
      const filter = this.#batch.getInt16(at + 8, true);
      // EV_EOF on the write filter: the peer reads no more. On the read filter it is an end of file like any other.
      const gone = filter === EVFILT_WRITE && (this.#batch.getUint16(at + 10, true) & EV_EOF) !== 0;
      this.events[i] = (filter === EVFILT_WRITE ? Interest.Write : Interest.Read) |
        (gone ? Interest.Error : 0);
    }
    return n < 0 ? 0 : n;
  }

  async waitOffThread(set: number, timeout: number): Promise<void> {
    this.#offThreadTimeWords[0] = BigInt(Math.trunc(timeout / 1000));
    this.#offThreadTimeWords[1] = BigInt(timeout % 1000 * 1_000_000);
    await this.#libc.wait_off_thread(set, null, 0, this.#offThread, 1, this.#offThreadTime);
  }
}

/** Loads what openPoller() needs, for a thread that will not be permitted to do so later. @throws what Deno.dlopen throws */
export function loadPoller(): void {
  if (Deno.build.os === "linux") epollCalls();
  else kqueueCalls();
}

/** The poller of this system, for the calling thread. @throws what Deno.dlopen throws */
export function openPoller(): Poller {
  return Deno.build.os === "linux" ? new EpollPoller() : new KqueuePoller();
}
