// Which error log is a message for, and does it go through? That of the virtual host it is about, by the LogLevel of the place
// it is about; what is about no request goes to the main server's.

import type { DirStore, ServerConfig, VirtualServer } from "../config/mod.ts";
import { errorLogServer, errorTarget, logLevelDir } from "./config.ts";
import type { LogSubject } from "./error_format.ts";
import { ErrorLog } from "./error_log.ts";
import { type ErrorSink, openErrorSink } from "./error_sink.ts";
import type { OpenedLogs } from "./inherited_logs.ts";
import type { HttpdLevel } from "./levels.ts";
import { targetKey } from "./target.ts";
import { Thresholds } from "./thresholds.ts";

/** What a message is about. */
export interface Concern {
  readonly host: VirtualServer;
  /** undefined: the place is not known yet. */
  readonly dir: DirStore | undefined;
  /** Made when there is a line to write. */
  readonly subject: () => LogSubject;
}

/** What the error logs of a thread are opened with. */
export interface ErrorLogsParts {
  readonly config: ServerConfig;
  readonly serverRoot: string;
  readonly opened: OpenedLogs;
  /** As ErrorLogParts has it. */
  readonly thread: number | undefined;
}

/** The error logs of one thread. */
export class ErrorLogs {
  /** The main server's. */
  readonly main: ErrorLog;
  readonly #hosts: Map<VirtualServer, { readonly log: ErrorLog; readonly thresholds: Thresholds }> =
    new Map();
  /** Thresholds of places, per host. */
  readonly #places: WeakMap<readonly string[], Map<VirtualServer, Thresholds>> = new WeakMap();

  /** @throws as openErrorSink() */
  constructor({ config, serverRoot, opened, thread }: ErrorLogsParts) {
    const logs = new Map<string, ErrorLog>();
    const sinks = new Map<string, ErrorSink>();
    for (const host of [config.main, ...config.hosts]) {
      const { layout, levels } = host.store.get(errorLogServer);
      const target = errorTarget(host.store, serverRoot);
      const key = targetKey(target);
      const logKey = JSON.stringify([key, layout]);
      const thresholds = new Thresholds(levels);
      let log = logs.get(logKey);
      if (log === undefined) {
        const sink = sinks.get(key) ?? openErrorSink(target, opened);
        sinks.set(key, sink);
        log = new ErrorLog({ sink, layout, thresholds, thread, takesOthers: host === config.main });
        logs.set(logKey, log);
      }
      this.#hosts.set(host, { log, thresholds });
    }
    this.main = this.#hosts.get(config.main)!.log;
  }

  /** A message about a request would be written. */
  logsAbout({ host, dir }: Omit<Concern, "subject">, level: HttpdLevel, module: string): boolean {
    const { log, thresholds } = this.#hosts.get(host)!;
    return log.enabled(level, module, this.#thresholdsOf(host, dir, thresholds));
  }

  /** Writes a message about a request. */
  logAbout(
    { host, dir, subject }: Concern,
    level: HttpdLevel,
    module: string,
    ah: string | undefined,
    message: string,
  ): void {
    const { log, thresholds } = this.#hosts.get(host)!;
    const valid = this.#thresholdsOf(host, dir, thresholds);
    if (log.enabled(level, module, valid)) log.log(level, module, ah, message, { about: subject() }, valid);
  }

  /** Writes nothing any more. */
  close(): void {
    for (const { log } of this.#hosts.values()) log.close();
  }

  #thresholdsOf(host: VirtualServer, dir: DirStore | undefined, ofHost: Thresholds): Thresholds {
    const levels = dir?.get(logLevelDir).levels ?? [];
    if (levels.length === 0) return ofHost;
    let known = this.#places.get(levels);
    if (known === undefined) this.#places.set(levels, known = new Map());
    let thresholds = known.get(host);
    if (thresholds === undefined) {
      thresholds = new Thresholds([...host.store.get(errorLogServer).levels, ...levels]);
      known.set(host, thresholds);
    }
    return thresholds;
  }
}
