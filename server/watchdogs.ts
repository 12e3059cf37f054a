// Who works beside the requests? Modules, in the control process: from when the configuration in force serves until another one does.

import type { CarryOut, Supervisor } from "../mpm/mod.ts";

/** Begins with a configuration, and gives what ends that. */
export type StartWatchdogs = (restart: () => void) => () => void;

/** Follows the server, and has the work of the configuration in force done. */
export class Watchdogs implements Supervisor {
  #carryOut: CarryOut = () => {};
  /** Of the configuration that serves, or will do so next. */
  #start: StartWatchdogs;
  #begun: StartWatchdogs | undefined;
  #end: () => void = () => {};

  constructor(start: StartWatchdogs) {
    this.#start = start;
  }

  /** How restarts come to the server. */
  readonly remote = (carryOut: CarryOut): () => void => {
    this.#carryOut = carryOut;
    return () => this.stopping();
  };

  /** Another configuration is in force. */
  adopted(start: StartWatchdogs): void {
    this.stopping();
    this.#start = start;
  }

  ready(): void {
    if (this.#begun === this.#start) return;
    this.#begun = this.#start;
    this.#end = this.#start(() => this.#carryOut("graceful"));
  }

  watch(): void {}
  reloading(): void {}
  failing(): void {}

  stopping(): void {
    this.#end();
    this.#end = () => {};
  }
}
