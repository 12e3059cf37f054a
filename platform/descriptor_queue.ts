// How does a process leave open connections to others, without knowing to whom? Through a Unix socket whose ends all of them have:
// what one puts in (SCM_RIGHTS) whoever is next takes out. Meanwhile it is the kernel's: nobody's end costs what is in it. Linux.

import * as posix from "./posix.ts";

const SYMBOLS = {
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
} as const;

const AF_UNIX = 1;
/** Messages with borders: a reader gets one whole. */
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;
const MSG_CTRUNC = 8;

/** Descriptors in one message; the kernel takes 253. */
export const MOST_AT_ONCE = 64;
/** Words (i32) that go with each descriptor. */
export const WORDS = 4;

// struct msghdr and struct cmsghdr where size_t has 64 bits.
const MSGHDR = 56;
const CMSGHDR = 16;
const IOV_AT = 16;
const IOV_COUNT_AT = 24;
const CONTROL_AT = 32;
const CONTROL_LENGTH_AT = 40;
const FLAGS_AT = 48;

let libc: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] | undefined;

function calls() {
  return libc ??= Deno.dlopen(posix.libraryName, SYMBOLS).symbols;
}

/** Both ends, as numbers that children inherit. */
export interface QueueEnds {
  readonly give: number;
  readonly take: number;
}

/** What was taken: descriptors, with WORDS words for each. Good until the next call. */
export interface Taken {
  readonly fds: Int32Array;
  readonly words: Int32Array;
}

/** The queue, as one process uses it. Made before the process gives up FFI. */
export class DescriptorQueue {
  readonly #words = new Int32Array(MOST_AT_ONCE * WORDS);
  readonly #vector = new BigUint64Array(2);
  readonly #control = new Uint8Array(CMSGHDR + MOST_AT_ONCE * 4);
  readonly #controlView = new DataView(this.#control.buffer);
  readonly #fds = new Int32Array(this.#control.buffer, CMSGHDR, MOST_AT_ONCE);
  readonly #header = new Uint8Array(MSGHDR);
  readonly #headerView = new DataView(this.#header.buffer);

  /** Of a queue that another process has made and left to this one. */
  constructor(readonly ends: QueueEnds) {
    const address = (memory: ArrayBufferView<ArrayBuffer>) =>
      BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(memory)));
    this.#vector[0] = address(this.#words);
    this.#headerView.setBigUint64(IOV_AT, address(this.#vector), true);
    this.#headerView.setBigUint64(IOV_COUNT_AT, 1n, true);
    this.#headerView.setBigUint64(CONTROL_AT, address(this.#control), true);
    calls();
  }

  /** A new queue, which children inherit; undefined where there is none. @throws SystemError */
  static create(): QueueEnds | undefined {
    if (Deno.build.os !== "linux") return undefined;
    const pair = new Int32Array(2);
    if (calls().socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, new Uint8Array(pair.buffer)) < 0) {
      throw new posix.SystemError("socketpair", posix.errno());
    }
    return { give: pair[0], take: pair[1] };
  }

  /**
   * Puts descriptors in, MOST_AT_ONCE at most, each with its WORDS words. Returns 0, or the errno: then none of them is in. The caller still has
   * his own, and closes them.
   */
  give(fds: readonly number[], words: ArrayLike<number>): number {
    this.#words.set(words);
    this.#fds.set(fds);
    this.#vector[1] = BigInt(fds.length * WORDS * 4);
    this.#controlView.setBigUint64(0, BigInt(CMSGHDR + fds.length * 4), true);
    this.#controlView.setInt32(8, SOL_SOCKET, true);
    this.#controlView.setInt32(12, SCM_RIGHTS, true);
    this.#headerView.setBigUint64(CONTROL_LENGTH_AT, BigInt(CMSGHDR + (fds.length + 1 & ~1) * 4), true);
    const sent = calls().sendmsg(this.ends.give, this.#header, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent < 0 ? posix.errno() : 0;
  }

  /** Takes what one message has; undefined: there is none. The descriptors are the caller's, close-on-exec. */
  take(): Taken | undefined {
    this.#vector[1] = BigInt(this.#words.byteLength);
    this.#headerView.setBigUint64(CONTROL_LENGTH_AT, BigInt(this.#control.length), true);
    const n = calls().recvmsg(this.ends.take, this.#header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n <= 0) return undefined;
    const given = Number(this.#headerView.getBigUint64(CONTROL_LENGTH_AT, true)) === 0
      ? 0
      : (Number(this.#controlView.getBigUint64(0, true)) - CMSGHDR) / 4;
    // Fewer than were sent where this process has no more numbers for them.
    const count = Math.min(given, n / (WORDS * 4));
    return { fds: this.#fds.slice(0, count), words: this.#words.subarray(0, count * WORDS) };
  }

  /** The last take() could not take all of its message: this process has no numbers left, and those connections are lost. */
  get wasShort(): boolean {
    return (this.#headerView.getInt32(FLAGS_AT, true) & MSG_CTRUNC) !== 0;
  }
}
