// What do signals mean to the process that the user started? The same under every MPM (mpm.md 11).

import { closeInspector, onSignals } from "../platform/signals.ts";

/** What the signals ask for. */
export interface SignalActions {
  stop(signal: string): void;
  restart(graceful: boolean): void;
  stopGracefully(): void;
}

/** What a server can be asked to do without signals: the actions of -k. */
export type RemoteAction = "stop" | "restart" | "graceful" | "graceful-stop";

/** Calls `carryOut` for what is asked, until the function that it returns is called. */
export type RemoteControl = (carryOut: (action: RemoteAction) => void) => () => void;

function remoteAction(actions: SignalActions, action: RemoteAction): void {
  if (action === "stop") actions.stop("a request to stop");
  else if (action === "graceful-stop") actions.stopGracefully();
  else actions.restart(action === "graceful");
}

/**
 * The signals of a server, from the moment it can be found (by its ports, its pid file) until end(). What arrives before
 * somebody carries it out waits for that.
 */
export class ServerSignals {
  readonly #ends: readonly (() => void)[];
  readonly #early: ((actions: SignalActions) => void)[] = [];
  #actions: SignalActions | undefined;

  /** `remote` is another way in which the same is asked for, where there are no signals. */
  constructor(remote: RemoteControl | undefined) {
    this.#ends = [
      remote?.((action) => this.#do((actions) => remoteAction(actions, action))) ?? (() => {}),
      onSignals(["SIGTERM", "SIGINT", "SIGBREAK"], (signal) => this.#do((actions) => actions.stop(signal))),
      onSignals(["SIGHUP"], () => this.#do((actions) => actions.restart(false))),
      onSignals(["SIGUSR1"], () => {
        closeInspector();
        this.#do((actions) => actions.restart(true));
      }),
      // A terminal sends this whenever its window changes its size: that must not end a server in its foreground.
      onSignals(
        Deno.stdin.isTerminal() ? [] : ["SIGWINCH"],
        () => this.#do((actions) => actions.stopGracefully()),
      ),
    ];
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
