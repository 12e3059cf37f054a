// Who looks at this server from outside? Several may: a service manager, the program that has started it, who watches its files.

import type { ServerView, Supervisor } from "../mpm/mod.ts";

/** All of them as one; what happens is told to each. */
export class Supervisors implements Supervisor {
  readonly #all: readonly Supervisor[];

  constructor(...all: readonly (Supervisor | undefined)[]) {
    this.#all = all.filter((one) => one !== undefined);
  }

  watch(view: ServerView): void {
    for (const one of this.#all) one.watch(view);
  }

  ready(): void {
    for (const one of this.#all) one.ready();
  }

  reloading(): void {
    for (const one of this.#all) one.reloading();
  }

  failing(): void {
    for (const one of this.#all) one.failing();
  }

  stopping(): void {
    for (const one of this.#all) one.stopping();
  }
}
