// How much may a client still send over all streams? The window of the connection (RFC 9113, 5.2); each stream has its own.

import type { OutputBuffer } from "../engine/output.ts";
import { ConnectionError, ErrorCode } from "./error.ts";
import { writeWindowUpdate } from "./frame.ts";
import { CONNECTION_WINDOW } from "./settings.ts";

/** The client's room on one connection. */
export class ReceiveWindow {
  #room = CONNECTION_WINDOW;
  /** What was taken of that and not told yet. */
  #taken = 0;

  /** `bytes` of DATA have come. @throws ConnectionError when they are more than was allowed */
  take(bytes: number): void {
    this.#room -= bytes;
    if (this.#room < 0) throw new ConnectionError(ErrorCode.FlowControlError, "more DATA than the window");
    this.#taken += bytes;
  }

  /** Tells the client once half of the window was used that it is open again. */
  replenish(output: OutputBuffer): void {
    if (this.#taken * 2 <= CONNECTION_WINDOW) return;
    writeWindowUpdate(output, 0, this.#taken);
    this.#room += this.#taken;
    this.#taken = 0;
  }
}
