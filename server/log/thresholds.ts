// Which messages go through? The LogLevel directive: one threshold for all modules, and others for single ones.

import { ArgumentError } from "../config/mod.ts";
import { type HttpdLevel, isHttpdLevel, severity } from "./levels.ts";

/** `mpm_event`, `mpm_event_module`, `mod_mpm_event.c` and `core.c` are ways to name a module. */
export function shortModuleName(module: string): string {
  return module.replace(/_module$/, "").replace(/^(?:mod_)?(.*)\.c$/, "$1");
}

/** The thresholds of LogLevel's arguments, `warn` where they say nothing. */
export class Thresholds {
  readonly #modules: Map<string, HttpdLevel> = new Map();
  #default: HttpdLevel = "warn";

  /**
   * @param args `level` (for all modules, which forgets what was said of single ones before) or `module:level`
   * @throws ArgumentError
   */
  constructor(args: readonly string[]) {
    for (const arg of args) {
      const colon = arg.lastIndexOf(":");
      const level = arg.slice(colon + 1).toLowerCase();
      if (!isHttpdLevel(level)) {
        throw new ArgumentError(
          `LogLevel requires level keyword: one of emerg/alert/crit/error/warn/notice/info/debug/trace1/.../trace8, not "${
            arg.slice(colon + 1)
          }"`,
        );
      }
      if (colon < 0) {
        this.#default = level;
        this.#modules.clear();
      } else this.#modules.set(shortModuleName(arg.slice(0, colon)), level);
    }
  }

  /** The most talkative of all thresholds. */
  get lowest(): HttpdLevel {
    return [this.#default, ...this.#modules.values()].reduce((a, b) => severity(a) > severity(b) ? a : b);
  }

  /** True when a message of this level and module is to be written. */
  allows(level: HttpdLevel, module: string): boolean {
    return severity(level) <= severity(this.#modules.get(module) ?? this.#default);
  }
}
