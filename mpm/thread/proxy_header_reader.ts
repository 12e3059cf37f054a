// What does a connection begin with where it says for whom it is? The PROXY header, looked at before it is read: what follows it is
// somebody else's (the handshake of TLS, a request).

import * as posix from "../../platform/posix.ts";
import type { ConnectionTable } from "../shared/connection_table.ts";
import {
  LONGEST_PROXY_HEADER,
  type ProxyHeader,
  type ProxyProtocolPolicy,
} from "../shared/proxy_protocol.ts";

/** A look that takes less (ms) and shows nothing new has found the end of the input. */
const FRUITLESS_MS = 20;
const MOST_FRUITLESS = 3;

/** Reads the header of one connection after the other. */
export class ProxyHeaderReader {
  #looks = 0;
  #seen = 0;

  constructor(readonly policy: ProxyProtocolPolicy, readonly table: ConnectionTable) {}

  /** Another connection begins. */
  reset(): void {
    this.#looks = 0;
    this.#seen = 0;
  }

  /**
   * Takes the header from the beginning of `fd`, and notes what it says. "wait": it is not all there yet; "gone": nothing more will
   * come.
   */
  take(fd: number, buffer: Uint8Array<ArrayBuffer>): "taken" | "wait" | "gone" | Refused {
    const before = performance.now();
    const n = posix.peek(fd, buffer.subarray(0, LONGEST_PROXY_HEADER));
    if (n === -posix.Errno.EAGAIN || n === -posix.Errno.EINTR) return "wait";
    if (n <= 0) return "gone";
    const header = this.policy.read(buffer, n);
    if (header.kind === "refused") return header;
    if (header.kind === "partial") {
      this.#looks = n === this.#seen && performance.now() - before < FRUITLESS_MS ? this.#looks + 1 : 0;
      if (this.#looks >= MOST_FRUITLESS) return "gone";
      this.#seen = n;
      // What is there stays there: without this it would be reported again and again.
      posix.setLowWater(fd, header.needed);
      return "wait";
    }
    if (this.#seen > 0) posix.setLowWater(fd, 1);
    if (posix.receive(fd, buffer.subarray(0, header.length)) !== header.length) return "gone";
    this.table.setProxied(fd, header.client);
    return "taken";
  }
}

type Refused = Extract<ProxyHeader, { kind: "refused" }>;
