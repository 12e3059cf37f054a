// Does a client make more work than it asks for? One account per connection: frames that cost something and bring nothing are charged,
// responses that were taken are credited, and time heals. Who has used it up is sent away (RFC 9113, 10.5).

import { ConnectionError, ErrorCode } from "./error.ts";

/** What a connection may cost before it has brought anything, and the most that it can save up. */
const FULL = 1000;
/** Credit a second. */
const HEALING = 100;

/** What single frames cost, in credit. */
export const Cost = {
  /** PING, SETTINGS, PRIORITY, PRIORITY_UPDATE, frames of unknown types, WINDOW_UPDATE, frames about streams that are over. */
  Frame: 1,
  /** DATA or HEADERS that carry nothing. */
  Empty: 2,
  /** A request that is given up before it is answered, or that the client makes us reset: work for nothing. */
  Vain: 8,
} as const;

/** What is gained by a response that was sent to its end, and by a DATA frame that was sent and was not tiny: windows may be small. */
export const Gain = { Response: 2, Data: 2 } as const;

/** The account of one connection. */
export class Calm {
  #credit = FULL;
  #since = 0;

  /** @param now performance.now() */
  constructor(now: number) {
    this.#since = now;
  }

  /** The client has cost `cost`. @throws ConnectionError when the account is used up */
  charge(cost: number, now: number): void {
    this.#credit -= cost;
    if (this.#credit > 0) return;
    this.credit((now - this.#since) * HEALING / 1000);
    this.#since = now;
    if (this.#credit > 0) return;
    throw new ConnectionError(
      ErrorCode.EnhanceYourCalm,
      "more frames came that cost work than this connection has brought",
    );
  }

  credit(gain: number): void {
    this.#credit = Math.min(FULL, this.#credit + gain);
  }
}

/** DATA with less (bytes) is tiny: a client that opens its window byte by byte gains nothing. */
export const TINY = 256;
