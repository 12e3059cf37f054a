// How is it limited what a program that runs may use? prlimit(2), Linux: nothing else sets limits of another process.

import { libraryName } from "./posix.ts";

const SYMBOLS = {
  prlimit: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
} as const;

/** What may be limited, by its number (asm-generic/resource.h). */
export const Resource = { ProcessorTime: 0, Processes: 6, AddressSpace: 9 } as const;

let symbols: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] | undefined;

/** Loads what is needed here, for a thread that will not be permitted to do so later. Returns whether there is such a call. */
export function loadProgramLimits(): boolean {
  if (Deno.build.os !== "linux") return false;
  symbols ??= Deno.dlopen(libraryName, SYMBOLS).symbols;
  return true;
}

const old = new BigUint64Array(2);
const wanted = new BigUint64Array(2);

/**
 * Limits process `pid`: soft and hard limit; Infinity: as high as it may be now. Returns false where that cannot be done: the process
 * has ended, or there is no such call.
 */
export function limitProgram(pid: number, resource: number, soft: number, hard: number): boolean {
  if (symbols === undefined || symbols.prlimit(pid, resource, null, new Uint8Array(old.buffer)) !== 0) {
    return false;
  }
  const [, most] = old;
  const highest = hard === Infinity || BigInt(hard) > most ? most : BigInt(hard);
  wanted[0] = soft === Infinity || BigInt(soft) > highest ? highest : BigInt(soft);
  wanted[1] = highest;
  return symbols.prlimit(pid, resource, new Uint8Array(wanted.buffer), null) === 0;
}
