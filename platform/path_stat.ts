// What is at a path, as fast as the kernel can say? statx(2) through FFI: a microsecond, where Deno's own call takes five. Linux.

/** What there is: enough to know whether a file is the same as before. */
export interface PathStat {
  readonly isFile: boolean;
  readonly isDirectory: boolean;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970, with microseconds behind the point. */
  readonly mtime: number;
  readonly inode: number;
}

const SYMBOLS = {
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
} as const;

const AT_FDCWD = -100;
/** STATX_TYPE, MTIME, INO, SIZE */
const MASK = 0x0001 | 0x0040 | 0x0100 | 0x0200;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
// struct statx
const SIZE_OF = 256;
const MODE_AT = 28;
const INODE_AT = 32;
const SIZE_AT = 40;
const MTIME_AT = 112;
const PATH_MAX = 4096;
const ENAMETOOLONG = 36;

/** @param errno the thread's errno. @throws what Deno.dlopen throws. Returns what asks for a path: what is there (links followed), or -errno */
export function openPathStat(library: string, errno: Int32Array): (path: string) => PathStat | number {
  const { statx } = Deno.dlopen(library, SYMBOLS).symbols;
  const name = new Uint8Array(PATH_MAX);
  const encoder = new TextEncoder();
  const found = new Uint8Array(SIZE_OF);
  const view = new DataView(found.buffer);
  /** Two words of 32 bits, as far as a number is exact. */
  const wide = (at: number) => view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
  return (path) => {
    const { read, written } = encoder.encodeInto(path, name);
    if (read < path.length || written === PATH_MAX) return -ENAMETOOLONG;
    name[written] = 0;
    if (statx(AT_FDCWD, name, 0, MASK, found) < 0) return -errno[0];
    const type = view.getUint16(MODE_AT, true) & S_IFMT;
    const seconds = view.getInt32(MTIME_AT + 4, true) * 0x1_0000_0000 + view.getUint32(MTIME_AT, true);
    const micros = Math.trunc(view.getUint32(MTIME_AT + 8, true) / 1000);
    return {
      isFile: type === S_IFREG,
      isDirectory: type === S_IFDIR,
      size: wide(SIZE_AT),
      mtime: seconds * 1000 + micros / 1000,
      inode: wide(INODE_AT),
    };
  };
}
