// How long does a connection wait for its client? The one timer of a transport, set for what is awaited: more of a request, or
// that the client takes some of a response.

import type { Transport } from "../../../mpm/mod.ts";
import { ReadTimer } from "./read_timer.ts";
import type { ReadTimeout } from "./service.ts";

/** The timer of one connection. */
export class Patience {
  readonly #reader = new ReadTimer();
  #transport!: Transport;
  /** What was on its way to the client when the latest wait for it began. */
  #unsent = 0;

  open(transport: Transport): void {
    this.#transport = transport;
  }

  /** More of a stage of the request is awaited: `rules` hold for the whole stage, `timeout` (ms) between two reads. */
  forInput(rules: ReadTimeout, timeout: number): void {
    const now = performance.now();
    if (!this.#reader.running) this.#reader.start(now, rules);
    this.#transport.setTimer(Math.max(1, this.#reader.left(now, timeout)));
  }

  /** `bytes` have arrived. */
  noteInput(bytes: number): void {
    if (this.#reader.running) this.#reader.note(bytes);
  }

  /** True while a stage of the request is being timed. */
  get timesInput(): boolean {
    return this.#reader.running;
  }

  /** The stage is complete, or it is not the client who is slow. */
  endInput(): void {
    if (!this.#reader.running) return;
    this.#reader.stop();
    this.#transport.setTimer(0);
  }

  /** Within `timeout` (ms) the client has to take something of what was sent. */
  forOutput(timeout: number): void {
    this.#unsent = this.#transport.backlog;
    this.#transport.setTimer(timeout);
  }

  /** The client has taken something since forOutput(). */
  get outputMoved(): boolean {
    return this.#transport.backlog < this.#unsent;
  }

  /** Nothing is awaited. */
  end(): void {
    this.#transport.setTimer(0);
  }

  /** Ready for another connection. */
  reset(): void {
    this.#reader.stop();
  }
}
