// What do signals mean to the process that the user started? The same under every MPM (mpm.md 11).

import { onUsr1 } from "../../platform/inspector_signal.ts";
import { onSignals } from "../../platform/signals.ts";

/** What the signals ask for. */
export interface SignalActions {
  stop(signal: string): void;
  /** The next one is asked for when this has been carried out. */
  restart(graceful: boolean): Promise<void>;
  stopGracefully(): void;
}

/** What a server can be asked to do without signals: the actions of -k. */
export type RemoteAction = "stop" | "restart" | "graceful" | "graceful-stop";

/** Takes what was asked for. */
export type CarryOut = (action: RemoteAction) => void;

/** Calls `carryOut` for what is asked, until the function that it returns is called. */
export type RemoteControl = (carryOut: CarryOut) => () => void;

/**
 * The signals of a server, from the moment it can be found (by its ports, its pid file) until end(). What arrives before
 * somebody carries it out waits for that.
 */
export class ServerSignals {
  readonly #ends: readonly (() => void)[];
  readonly #early: ((actions: SignalActions) => void)[] = [];
  #actions: SignalActions | undefined;
  #restarting = false;
  /** Another restart was asked for meanwhile, graceful or not: what has changed since this one was read counts too. */
  #again: boolean | undefined;

  /** `remotes` are other ways in which the same is asked for. */
  constructor(remotes: readonly RemoteControl[]) {
    this.#ends = [
      ...remotes.map((remote) => remote((action) => this.#do((actions) => this.#carryOut(actions, action)))),
      onSignals(["SIGTERM", "SIGINT", "SIGBREAK"], (signal) => this.#do((actions) => actions.stop(signal))),
      onSignals(["SIGHUP"], () => this.#do((actions) => this.#restart(actions, false))),
      onUsr1(() => this.#do((actions) => this.#restart(actions, true))),
      // A terminal sends this whenever its window changes its size: that must not end a server in its foreground.
      onSignals(
        Deno.stdin.isTerminal() ? [] : ["SIGWINCH"],
        () => this.#do((actions) => actions.stopGracefully()),
      ),
    ];
  }

  #carryOut(actions: SignalActions, action: RemoteAction): void {
    if (action === "stop") actions.stop("a request to stop");
    else if (action === "graceful-stop") actions.stopGracefully();
    else this.#restart(actions, action === "graceful");
  }

  /** One after the other; those that are asked for while one is carried out are one more. */
  async #restart(actions: SignalActions, graceful: boolean): Promise<void> {
    if (this.#restarting) {
      this.#again = graceful && this.#again !== false;
      return;
    }
    this.#restarting = true;
    for (let next: boolean | undefined = graceful; next !== undefined; next = this.#again) {
      this.#again = undefined;
      await actions.restart(next);
    }
    this.#restarting = false;
  }

  #do(action: (actions: SignalActions) => void): void {
    if (this.#actions !== undefined) action(this.#actions);
    else this.#early.push(action);
  }

  /** From now on `actions` are taken. */
  deliverTo(actions: SignalActions): void {
    this.#actions = actions;
    for (const action of this.#early.splice(0)) action(actions);
  }

  end(): void {
    for (const end of this.#ends) end();
  }
}
