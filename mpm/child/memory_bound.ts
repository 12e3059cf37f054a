// Has a child grown too large? MaxMemFree, in the sense it has here: a bound on the resident memory of a child, which is then
// replaced (httpd bounds what its allocators keep; there is no such thing to bound in V8). ThreadHeapLimit does the same for the heap of
// a thread before V8 gives up, which ends the process with all of its threads: Deno's workers have no limits of their own.

import type { ServingEvents } from "./serving.ts";

/** How often (ms) the process looks at itself. */
const LOOK_MS = 1000;
/** A child that has not served anything has some 100 MB resident: httpd's 2 MB cannot be meant for it. */
export const LEAST_BOUND_KIB = 131_072;

/** Calls `exceeded` once when this process has more than `bound` bytes resident; 0: never. Returns a function that ends the watch. */
export function watchMemory(bound: number, exceeded: (resident: number) => void): () => void {
  if (bound === 0) return () => {};
  const timer = setInterval(() => {
    const { rss } = Deno.memoryUsage();
    if (rss <= bound) return;
    clearInterval(timer);
    exceeded(rss);
  }, LOOK_MS);
  return () => clearInterval(timer);
}

/** Says why a child is replaced: the heap of `thread` has `used` bytes, `bound` is three quarters of ThreadHeapLimit. */
export function logFullHeap(thread: number, used: number, bound: number, events: ServingEvents): void {
  const megabytes = (bytes: number) => Math.round(bytes / (1 << 20));
  events.log(
    "warn",
    undefined,
    `thread ${thread} has ${megabytes(used)} MB of heap, and ThreadHeapLimit is ${
      megabytes(bound / 0.75)
    } MB: this child is replaced`,
  );
}

/** Says why a child is replaced. */
export function logTooLarge(resident: number, events: ServingEvents): void {
  const megabytes = Math.round(resident / (1 << 20));
  events.log(
    "notice",
    undefined,
    `${megabytes} MB are resident, more than MaxMemFree allows: this child is replaced`,
  );
}
