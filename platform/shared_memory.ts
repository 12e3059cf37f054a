// Which memory do processes, and the threads of one, share? A file that is mapped, by its address.

import { close, duplicate, errno, libraryName, openReadWrite, SystemError } from "./posix.ts";

const SYMBOLS = {
  mmap: { parameters: ["pointer", "u64", "i32", "i32", "i32", "i64"], result: "pointer" },
} as const;

/**
 * Maps `length` bytes of an open file, shared with every process that maps it.
 * @returns the address, which other threads of this process pass to `memoryAt`. @throws SystemError
 */
export function mapShared(fd: number, length: number): bigint {
  const { mmap } = Deno.dlopen(libraryName, SYMBOLS).symbols;
  const address = mmap(null, BigInt(length), 3, 1, fd, 0n);
  const value = Deno.UnsafePointer.value(address);
  if (BigInt.asIntN(64, value) === -1n) throw new SystemError("mmap", errno());
  return value;
}

/**
 * `size` bytes, all zero, that processes share which are started by this one: a file that has no name any more, by a descriptor that
 * they inherit.
 */
export function sharedFile(size: number): number {
  const path = Deno.makeTempFileSync({ prefix: "mpmd-shared-" });
  Deno.truncateSync(path, size);
  const opened = openReadWrite(path);
  Deno.removeSync(path);
  const fd = duplicate(opened, true);
  close(opened);
  return fd;
}

const memories = new Map<bigint, ArrayBuffer>();

/**
 * The memory at an address that `mapShared` gave; it stays mapped as long as the process lives. A thread that has had it once
 * gets it again, also after giveUpFfi().
 */
export function memoryAt(address: bigint, length: number): ArrayBuffer {
  const known = memories.get(address);
  if (known?.byteLength === length) return known;
  const pointer = Deno.UnsafePointer.create(address);
  if (pointer === null) throw new RangeError("no memory is mapped at address 0");
  const memory = Deno.UnsafePointerView.getArrayBuffer(pointer, length);
  memories.set(address, memory);
  return memory;
}
