// Which addresses has a backend? Its name is looked up without a thread that waits, and again after some time: the answer is kept until then.

import type { Destination } from "../../mpm/mod.ts";

/** How long (ms) an answer is good where nobody says (addressttl), and how long a failure is. */
const KEPT_MS = 60_000;
const FAILED_MS = 1000;

/** What has been found out. */
interface Answer {
  readonly addresses: readonly string[];
  readonly until: number;
}

/** The addresses of one host. */
export class Addresses {
  readonly #fixed: boolean;
  #answer: Answer | undefined;
  #pending: Promise<readonly string[]> | undefined;

  constructor(readonly host: string, readonly port: number, readonly ttl: number = KEPT_MS) {
    this.#fixed = /^[0-9.]+$|:/.test(host);
    if (this.#fixed) this.#answer = { addresses: [host], until: Infinity };
  }

  /** Where to connect, the first that answers; a promise while it is being found out. None: there is no such host. */
  get(): readonly string[] | Promise<readonly string[]> {
    const known = this.#answer;
    if (known !== undefined && performance.now() < known.until) return known.addresses;
    this.#pending ??= this.#find();
    // What was good a moment ago will do meanwhile.
    return known !== undefined && known.addresses.length > 0 ? known.addresses : this.#pending;
  }

  async #find(): Promise<readonly string[]> {
    let addresses: string[] = [];
    try {
      // Loaded when it is used: it costs every thread some milliseconds.
      const { lookup } = await import("node:dns/promises");
      addresses = (await lookup(this.host, { all: true })).map(({ address }) => address);
    } catch (error) {
      // No such host, or nobody who knows: whoever asked says so. Anything else is a fault of ours.
      if (!(error instanceof Error) || !("code" in error)) throw error;
    } finally {
      this.#pending = undefined;
    }
    const failed = addresses.length === 0;
    // A server of names that is out of order does not put backends out of order that were there.
    if (failed && this.#answer !== undefined) addresses = [...this.#answer.addresses];
    this.#answer = { addresses, until: performance.now() + (failed ? FAILED_MS : this.ttl) };
    return addresses;
  }

  destination(address: string, from: string | undefined): Destination {
    return { kind: "tcp", address, port: this.port, from };
  }
}
