// May this request pass? What the modules say of client and resource, and how Satisfy puts it together.

import type { Exchange } from "./exchange.ts";
import type { ModuleHooks } from "./module.ts";

/** Why a request is refused: the status for the client, the rest for the error log. */
export interface Refusal {
  readonly status: number;
  /** The module that refuses, by its short name. */
  readonly module: string;
  readonly ah: string;
  readonly message: string;
}

/** undefined: it may pass. A promise: something has to be found out first; to be asked again when it has settled. */
export type Access = Refusal | undefined | Promise<unknown>;

/** The refusal of what the configuration does not allow, by `module` (its short name); `ah` is the number of its message. */
export function deniedByConfiguration(module: string, ah: string, { filename, path }: Exchange): Refusal {
  const what = filename === "" ? `uri ${path}` : filename;
  return { status: 403, module, ah, message: `client denied by server configuration: ${what}` };
}

/** The access checks of all modules. */
export class AccessControl {
  readonly #accessCheckers: NonNullable<ModuleHooks["accessChecker"]>[];
  readonly #authCheckers: NonNullable<ModuleHooks["authChecker"]>[];
  readonly #satisfies: NonNullable<ModuleHooks["satisfies"]>[];

  constructor(hooks: readonly ModuleHooks[]) {
    this.#accessCheckers = hooks.flatMap(({ accessChecker }) => accessChecker ?? []);
    this.#authCheckers = hooks.flatMap(({ authChecker }) => authChecker ?? []);
    this.#satisfies = hooks.flatMap(({ satisfies }) => satisfies ?? []);
  }

  /** Asks for the place that `exchange.dir` has the values of. */
  check(exchange: Exchange): Access {
    const access = firstOf(this.#accessCheckers, exchange);
    if (access instanceof Promise) return access;
    const any = this.#satisfies.some((satisfies) => satisfies(exchange) === "any");
    if (any ? access === undefined : access !== undefined) return access;
    return firstOf(this.#authCheckers, exchange);
  }
}

/** The first that does not let the request pass. */
function firstOf(checkers: readonly ((exchange: Exchange) => Access)[], exchange: Exchange): Access {
  for (const check of checkers) {
    const access = check(exchange);
    if (access !== undefined) return access;
  }
  return undefined;
}
