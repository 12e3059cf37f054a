// Which messages go through? The LogLevel directive: one threshold for all modules, and others for single ones.

import { type HttpdLevel, isHttpdLevel, severity } from "./levels.ts";

/** A LogLevel argument that names no level. */
export class LogLevelError extends RangeError {
  override readonly name = "LogLevelError";
}

/** `mpm_event`, `mpm_event_module`, `mod_mpm_event.c` and `core.c` are ways to name a module. */
function shortName(module: string): string {
  return module.replace(/_module$/, "").replace(/^(?:mod_)?(.*)\.c$/, "$1");
}

/** The thresholds of LogLevel's arguments, `warn` where they say nothing. */
export class Thresholds {
  readonly #modules: Map<string, HttpdLevel> = new Map();
  #default: HttpdLevel = "warn";

  /**
   * @param args `level` (for all modules, which forgets what was said of single ones before) or `module:level`
   * @throws LogLevelError
   */
  constructor(args: readonly string[]) {
    for (const arg of args) {
      const colon = arg.lastIndexOf(":");
      const level = arg.slice(colon + 1).toLowerCase();
      if (!isHttpdLevel(level)) {
        throw new LogLevelError(
          `LogLevel requires level keyword: one of emerg/alert/crit/error/warn/notice/info/debug/trace1/.../trace8, not "${
            arg.slice(colon + 1)
          }"`,
        );
      }
      if (colon < 0) {
        this.#default = level;
        this.#modules.clear();
      } else this.#modules.set(shortName(arg.slice(0, colon)), level);
    }
  }

  /** The threshold of the modules that have none of their own. */
  get default(): HttpdLevel {
    return this.#default;
  }

  /** Modules with a threshold of their own. */
  get modules(): ReadonlyMap<string, HttpdLevel> {
    return this.#modules;
  }

  /** True when a message of this level and module is to be written. `notice` always is (mpm.md 13.4). */
  allows(level: HttpdLevel, module: string): boolean {
    return level === "notice" || severity(level) <= severity(this.#modules.get(module) ?? this.#default);
  }
}
