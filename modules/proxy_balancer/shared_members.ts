// How do all children know how the members of a balancer fare? By records in the memory that modules share, found by the member's name
// (server/shared_record.ts): they stay over graceful restarts.

/** Numbers of a member's record. */
export const Word = {
  Busy: 1,
  Elected: 2,
  /** How far the member is from its share (byrequests). */
  Balance: 3,
  /** Status bits, and which of them somebody has changed. */
  Status: 4,
  Changed: 5,
  /** Left alone until then: seconds since 1970. */
  ErrorUntil: 6,
  /** KiB to and from it. */
  Sent: 7,
  Received: 8,
  Errors: 9,
  /** In hundredths; 0: as configured. */
  LoadFactor: 10,
  /** Plus 1; 0: as configured. */
  Set: 11,
  /** Health checks that have passed or failed one after the other, and when the latest was (seconds). */
  Passes: 12,
  Fails: 13,
  Checked: 14,
} as const;

/** A secret that all threads of the server have, and nobody else: made by the first who asks. */
export function sharedNonce(area: Int32Array): string {
  const random = crypto.getRandomValues(new Int32Array(4));
  return Array.from(random, (word, i) => {
    const value = word || 1;
    const before = Atomics.compareExchange(area, i, 0, value);
    return ((before === 0 ? value : before) >>> 0).toString(16).padStart(8, "0");
  }).join("");
}
