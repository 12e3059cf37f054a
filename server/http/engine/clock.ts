// What time is it? Asked once per batch of input, not several times per request: a look at the clock costs as much as a tenth
// of a small response.

/** The clocks of this thread as they were when the input in hand arrived. */
export const clock = {
  /** Milliseconds since 1970. */
  date: Date.now(),
  /** performance.now(): steady, for durations. */
  steady: performance.now(),
  /**
   * The same when the input was there that is being handed out, of one connection or several: what a file is then, it is for all of these
   * requests, which have been sent before.
   */
  look: performance.now(),
};

/** Input is about to be handed out that has arrived together. */
export function beginOfBatch(): void {
  clock.look = performance.now();
}

/** Input has arrived, or a handler goes on: the clocks are read again. */
export function readClocks(): void {
  clock.date = Date.now();
  clock.steady = performance.now();
}
