// How is a file read by a thread that other connections are waiting for? Only what is in memory already (Linux: preadv2 with
// RWF_NOWAIT), into a buffer that all files of the thread share; the rest is fetched by another thread, and tried again.
//
// mincore() would tell what is in memory for files of one's own only, sendfile() and memory maps wait for the device.

/** Reads parts of files into its buffer. */
export interface FileReader {
  /** What read() fills. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** Reads up to `length` bytes of `fd` at `offset` as far as that takes no wait. Returns the count, 0 at the end, or -errno: -EAGAIN when nothing is in memory. */
  read(fd: number, length: number, offset: number): number;
  /** The same, with any wait that it takes. */
  readWaiting(fd: number, length: number, offset: number): number;
  /** Brings `length` bytes of `fd` at `offset` into memory, on another thread. Settled when that is done, or has failed. */
  fetch(fd: number, length: number, offset: number): Promise<void>;
}

/** The most that is read in one go, in bytes. A whole megabyte before the first send costs the least at both ends (docs/architecture.md). */
const BUFFER = 1 << 20;
const RWF_NOWAIT = 8;
const EINTR = 4;
/** The file system, or the kernel, cannot tell what is in memory. */
const CANNOT_TELL = new Set([22, 38, 95]);

const COMMON = {
  pread: { parameters: ["i32", "buffer", "u32", "i64"], result: "i32" },
} as const;
const OFF_THREAD = {
  pread: { parameters: ["i32", "buffer", "u32", "i64"], result: "i32", nonblocking: true },
} as const;
const LINUX = {
  preadv2: { parameters: ["i32", "buffer", "i32", "i64", "i32"], result: "i32" },
} as const;

/** @param errno the thread's errno. @throws what Deno.dlopen throws */
export function openFileReader(library: string, errno: Int32Array): FileReader {
  const { pread } = Deno.dlopen(library, COMMON).symbols;
  const offThread = Deno.dlopen(library, OFF_THREAD).symbols;
  const preadv2 = Deno.build.os === "linux" ? Deno.dlopen(library, LINUX).symbols.preadv2 : undefined;
  // Nothing of it is in memory before it is used.
  const buffer = new Uint8Array(BUFFER);
  // struct iovec: address, length.
  const vector = new BigUint64Array(2);
  const vectorBytes = new Uint8Array(vector.buffer);
  if (preadv2 !== undefined) vector[0] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
  let scratch: Uint8Array<ArrayBuffer> | undefined;

  const readWaiting = (fd: number, length: number, offset: number): number => {
    for (;;) {
      const n = pread(fd, buffer, Math.min(length, BUFFER), BigInt(offset));
      if (n >= 0) return n;
      if (errno[0] !== EINTR) return -errno[0];
    }
  };

  return {
    buffer,
    readWaiting,
    read(fd, length, offset) {
      if (preadv2 === undefined) return readWaiting(fd, length, offset);
      vector[1] = BigInt(Math.min(length, BUFFER));
      const n = preadv2(fd, vectorBytes, 1, BigInt(offset), RWF_NOWAIT);
      if (n >= 0) return n;
      return CANNOT_TELL.has(errno[0]) ? readWaiting(fd, length, offset) : -errno[0];
    },
    async fetch(fd, length, offset) {
      // Nobody looks at what is read: it is in the system's cache afterwards.
      scratch ??= new Uint8Array(BUFFER);
      await offThread.pread(fd, scratch, Math.min(length, BUFFER), BigInt(offset));
    },
  };
}
