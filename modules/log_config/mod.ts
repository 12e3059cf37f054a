// Who asked for what, and what did they get? mod_log_config: access logs in formats of the administrator's making.

import type { ServerConfig, VirtualServer } from "../../server/config/mod.ts";
import { LineQueue } from "../../server/log/line_queue.ts";
import { openLogOutput } from "../../server/log/log_output.ts";
import { type OutputTarget, targetKey } from "../../server/log/target.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { compileCondition, type CustomLog } from "./custom_log.ts";
import { formatOf, logDirectives, logServer } from "./directives.ts";
import { ExchangeRecord } from "./exchange_record.ts";
import { compileFormat, type LineFormat } from "./format.ts";
import type { LogRecord } from "./record.ts";

/** The logs of a host, the same ones of the main server included. */
function logsOf(host: VirtualServer): readonly CustomLog[] {
  const { logs, globalLogs } = host.store.get(logServer).value;
  return [...logs, ...globalLogs];
}

/** A log of a host. */
interface HostLog {
  readonly queue: LineQueue;
  readonly format: LineFormat;
  /** Whether the request is logged; undefined: all are. */
  readonly accepts: ((record: LogRecord) => boolean) | undefined;
}

/** The logs of one thread. */
class AccessLogs {
  readonly #queues: Map<string, LineQueue> = new Map();
  readonly #logs: Map<VirtualServer, readonly HostLog[]> = new Map();
  readonly #record: ExchangeRecord;
  /** The same again, for a loop without an iterator. */
  #all: readonly LineQueue[];

  constructor(readonly context: ThreadContext) {
    this.#record = new ExchangeRecord(context.thread);
    const { config } = context;
    for (const host of [config.main, ...config.hosts]) {
      const settings = host.store.get(logServer).value;
      const logs = logsOf(host).map((log) => ({
        queue: this.#queue(log.target, settings.buffered),
        format: compileFormat(formatOf(settings, log)),
        accepts: log.condition && compileCondition(log.condition, () => this.#subject()),
      }));
      this.#logs.set(host, logs);
    }
    this.#all = [...this.#queues.values()];
  }

  /** The request in hand, as expressions see it. */
  #subject() {
    return this.context.subjectOf(this.#record.exchange);
  }

  #queue(target: OutputTarget, buffered: boolean): LineQueue {
    const key = targetKey(target);
    const known = this.#queues.get(key);
    if (known !== undefined) return known;
    const { logs, log } = this.context;
    const queue = new LineQueue({
      output: openLogOutput(target, logs, (message) => log("error", undefined, `${key}: ${message}`)),
      buffered,
      onError: ({ error, lostLines }) =>
        log("error", "AH00646", `Error writing to ${key}: ${error.message} (${lostLines} lines lost)`),
    });
    this.#queues.set(key, queue);
    return queue;
  }

  write(exchange: Exchange): void {
    const logs = this.#logs.get(exchange.vhost)!;
    const record = this.#record;
    record.exchange = exchange;
    for (let i = 0; i < logs.length; i++) {
      const { queue, format, accepts } = logs[i];
      if (accepts === undefined || accepts(record)) queue.line(format(record));
    }
  }

  endOfBatch(): void {
    for (let i = 0; i < this.#all.length; i++) this.#all[i].endOfBatch();
  }

  close(): void {
    for (const queue of this.#all) queue.close();
  }
}

/** Every log, once per host that writes to it. */
function* allLogs(config: ServerConfig): Generator<CustomLog> {
  for (const host of [config.main, ...config.hosts]) yield* logsOf(host);
}

export const logConfig: ServerModule = {
  name: "log_config_module",
  source: "mod_log_config.c",
  directives: logDirectives,
  checkConfig(config) {
    for (const host of [config.main, ...config.hosts]) {
      for (const log of logsOf(host)) compileFormat(formatOf(host.store.get(logServer).value, log));
    }
  },
  openLogs(config, logs) {
    for (const { target } of allLogs(config)) logs.open(target, "AH00649: could not open transfer log file");
  },
  hooks() {
    let logs: AccessLogs;
    return {
      threadInit(context) {
        logs = new AccessLogs(context);
      },
      logTransaction: (exchange) => logs.write(exchange),
      endOfBatch: () => logs.endOfBatch(),
      threadEnd: () => logs.close(),
    };
  },
};
