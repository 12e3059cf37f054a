// Does the heap of this thread stay too large? ThreadHeapLimit, seen from within: only a thread itself can look at its heap.

/** How often (ms) a thread looks at its heap. */
const LOOK_MS = 1000;
/** Memory that is garbage counts until V8 has collected it: a heap is too large when it was at each of so many looks. */
const HEAP_LOOKS = 4;

/** Calls `exceeded` once when the heap of this thread stays above `bound` bytes; 0: never. Returns a function that ends the watch. */
export function watchHeap(bound: number, exceeded: (used: number) => void): () => void {
  if (bound === 0) return () => {};
  let above = 0;
  const timer = setInterval(() => {
    const { heapUsed } = Deno.memoryUsage();
    above = heapUsed > bound ? above + 1 : 0;
    if (above < HEAP_LOOKS) return;
    clearInterval(timer);
    exceeded(heapUsed);
  }, LOOK_MS);
  return () => clearInterval(timer);
}
