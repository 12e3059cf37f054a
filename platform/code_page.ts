// Where are instructions of the machine's own, that the library may call on any thread? In pages of memory that are never freed.

import { errno, libraryName, SystemError } from "./posix.ts";

const SYMBOLS = {
  mmap: { parameters: ["usize", "usize", "i32", "i32", "i32", "i64"], result: "usize" },
  mprotect: { parameters: ["usize", "usize", "i32"], result: "i32" },
  memcpy: { parameters: ["usize", "buffer", "usize"], result: "usize" },
} as const;

const PAGE = 4096;
export const READ = 1;
const READ_WRITE = 3;
export const READ_EXECUTE = 5;
const PRIVATE_ANONYMOUS = 0x22;

/** A page of memory that has `bytes`, for as long as the process lives. @throws SystemError */
export function pageWith(bytes: Uint8Array<ArrayBuffer>, protection: number): bigint {
  const { mmap, mprotect, memcpy } = Deno.dlopen(libraryName, SYMBOLS).symbols;
  const address = mmap(0n, BigInt(PAGE), READ_WRITE, PRIVATE_ANONYMOUS, -1, 0n);
  if (BigInt.asIntN(64, address) === -1n) throw new SystemError("mmap", errno());
  memcpy(address, bytes, BigInt(bytes.length));
  if (mprotect(address, BigInt(PAGE), protection) !== 0) throw new SystemError("mprotect", errno());
  return address;
}
