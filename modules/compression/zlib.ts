// When is node:zlib loaded? When the first answer is compressed: it takes 30 ms and 3 MB, which a thread that compresses nothing has no
// use for.

/** What the module offers. */
export type Zlib = typeof import("node:zlib");

let loaded: Zlib | undefined;

/** It, if it has been loaded. */
export function zlibNow(): Zlib | undefined {
  return loaded;
}

/** Loads it. */
export async function loadZlib(): Promise<Zlib> {
  return loaded ??= await import("node:zlib");
}
