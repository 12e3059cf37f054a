// May this request pass? What the modules say of client and resource, and how Satisfy puts it together.

import type { Fields } from "../http/engine/reply.ts";
import type { Exchange } from "./exchange.ts";
import type { ModuleHooks } from "./module.ts";

/** Why a request is refused: the status for the client, the rest for the error log. */
export interface Refusal {
  readonly status: number;
  /** The module that refuses, by its short name. */
  readonly module: string;
  /** Without a message: there is nothing to log. */
  readonly ah?: string;
  readonly message?: string;
  /** The client is to be told how to authenticate. */
  readonly challenges?: boolean;
  /** Of the answer. */
  readonly fields?: Fields;
}

/** undefined: it may pass. A promise: something has to be found out first; to be asked again when it has settled. */
export type Access = Refusal | undefined | Promise<unknown>;

/** What authorization says before anybody has authenticated: it depends on who the user is. */
export const USER_WANTED = "user wanted";

/** The refusal of what the configuration does not allow, by `module` (its short name); `ah` is the number of its message. */
export function deniedByConfiguration(module: string, ah: string, { filename, path }: Exchange): Refusal {
  const what = filename === "" ? `uri ${path}` : filename;
  return { status: 403, module, ah, message: `client denied by server configuration: ${what}` };
}

/** The access checks of all modules. */
export class AccessControl {
  readonly #accessCheckers: NonNullable<ModuleHooks["accessChecker"]>[];
  readonly #authCheckers: NonNullable<ModuleHooks["authChecker"]>[];
  readonly #userCheckers: NonNullable<ModuleHooks["userChecker"]>[];
  readonly #challengers: NonNullable<ModuleHooks["challenge"]>[];
  readonly #satisfies: NonNullable<ModuleHooks["satisfies"]>[];

  constructor(hooks: readonly ModuleHooks[]) {
    this.#accessCheckers = hooks.flatMap(({ accessChecker }) => accessChecker ?? []);
    this.#authCheckers = hooks.flatMap(({ authChecker }) => authChecker ?? []);
    this.#userCheckers = hooks.flatMap(({ userChecker }) => userChecker ?? []);
    this.#challengers = hooks.flatMap(({ challenge }) => challenge ?? []);
    this.#satisfies = hooks.flatMap(({ satisfies }) => satisfies ?? []);
  }

  /** Asks for the place that `exchange.dir` has the values of. */
  check(exchange: Exchange): Access {
    // Who has come in at another place is not known here: that may ask others, and in another way.
    if (exchange.user !== undefined && exchange.userPlace !== exchange.dir) {
      exchange.user = undefined;
      exchange.authType = undefined;
    }
    const access = firstOf(this.#accessCheckers, exchange);
    if (access instanceof Promise) return access;
    const any = this.#satisfies.some((satisfies) => satisfies(exchange) === "any");
    if (any ? access === undefined : access !== undefined) return access;
    const authorized = firstOf(this.#authCheckers, exchange);
    return authorized === USER_WANTED ? this.#authenticated(exchange) : authorized;
  }

  /** Tells whoever is refused with 401 how to authenticate (RFC 9110 11.6.1). */
  challenge(exchange: Exchange): Fields {
    return firstOf(this.#challengers, exchange) ?? [];
  }

  /** Finds out who the user is, and whether that one may. */
  #authenticated(exchange: Exchange): Access {
    exchange.dependsOn = "request";
    for (const check of this.#userCheckers) {
      const checked = check(exchange);
      if (checked !== undefined) return checked;
      if (exchange.user !== undefined) break;
    }
    if (exchange.user === undefined) return withoutUser(exchange);
    exchange.userPlace = exchange.dir;
    const authorized = firstOf(this.#authCheckers, exchange);
    return authorized === USER_WANTED ? withoutUser(exchange) : authorized;
  }
}

/** Somebody has to be known here, and nothing says how. */
function withoutUser({ path }: Exchange): Refusal {
  return {
    status: 500,
    module: "core",
    ah: "AH00027",
    message: `No authentication done but request not allowed without authentication for ${path}. ` +
      "Authentication not configured?",
  };
}

/** The first that does not let the request pass. */
function firstOf<T>(
  checkers: readonly ((exchange: Exchange) => T | undefined)[],
  exchange: Exchange,
): T | undefined {
  for (const check of checkers) {
    const access = check(exchange);
    if (access !== undefined) return access;
  }
  return undefined;
}
