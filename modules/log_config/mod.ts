// Who asked for what, and what did they get? mod_log_config: access logs in formats of the administrator's making.

import { isAbsolute, join } from "@std/path";
import { ArgumentError, type Directive, serverKey, type VirtualServer } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { logOutput } from "../../server/log/log_file.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { COMMON, compileCondition, parseCustomLog, resolveFormat } from "./custom_log.ts";
import { ExchangeRecord } from "./exchange_record.ts";
import { compileFormat, type LineFormat } from "./format.ts";
import type { LogRecord } from "./record.ts";
import { AccessLogWriter } from "./writer.ts";

/** A CustomLog or TransferLog line. */
interface LogLine {
  readonly file: string;
  /** A nickname or a format; undefined: what LogFormat without a nickname says. */
  readonly format: string | undefined;
  /** Which requests; undefined: all. */
  readonly accepts: ((record: LogRecord) => boolean) | undefined;
}

interface LogSettings {
  readonly nicknames: ReadonlyMap<string, string>;
  readonly transferFormat: string | undefined;
  readonly logs: readonly LogLine[];
}

const logServer = serverKey<{ value: LogSettings }>("log_config", {
  create: () => ({ value: { nicknames: new Map(), transferFormat: undefined, logs: [] } }),
  // A virtual host with logs of its own does not write to the main server's.
  merge: ({ value: base }, { value: over }) => ({
    value: {
      nicknames: new Map([...base.nicknames, ...over.nicknames]),
      transferFormat: over.transferFormat ?? base.transferFormat,
      logs: over.logs.length > 0 ? over.logs : base.logs,
    },
  }),
});

const HOST = ["server config", "virtual host"] as const;

const directives: readonly Directive[] = [{
  name: "LogFormat",
  contexts: HOST,
  args: [1, 2],
  syntax: "LogFormat format|nickname [nickname]",
  help: "Describes a format for use in a log file",
  apply([format, nickname], to) {
    const log = to.server.get(logServer);
    compileFormat(log.value.nicknames.get(format) ?? format);
    log.value = nickname === undefined
      ? { ...log.value, transferFormat: format }
      : { ...log.value, nicknames: new Map([...log.value.nicknames, [nickname, format]]) };
  },
}, {
  name: "CustomLog",
  contexts: HOST,
  args: 2,
  syntax: "CustomLog file format|nickname",
  help: "Sets file name and format of a log",
  apply(args, to) {
    const [, format] = args;
    // A nickname compiles too, to itself: it may be defined further down.
    compileFormat(format);
    addLog(to.server.get(logServer), args);
  },
}, {
  name: "TransferLog",
  contexts: HOST,
  args: 1,
  syntax: "TransferLog file",
  help: "Sets the file name of a log in the format of the last LogFormat without a nickname",
  apply(args, to) {
    addLog(to.server.get(logServer), args);
  },
}];

function addLog(log: { value: LogSettings }, args: readonly string[]): void {
  const { target, format, condition } = parseCustomLog(args);
  if (target.kind === "pipe") throw new ArgumentError("piped logs are not supported yet");
  const accepts = condition === undefined ? undefined : compileCondition(condition);
  log.value = { ...log.value, logs: [...log.value.logs, { file: target.path, format, accepts }] };
}

/** Nicknames may be defined after they are used, in the main server or in the host: they are looked up when all is read. */
function formatOf({ nicknames, transferFormat }: LogSettings, { format }: LogLine): string {
  return resolveFormat(format ?? transferFormat ?? COMMON, nicknames);
}

/** A log that is being written. */
interface OpenLog {
  readonly writer: AccessLogWriter;
  readonly format: LineFormat;
  readonly accepts: LogLine["accepts"];
}

/** The logs of one thread. */
class AccessLogs {
  readonly #writers: Map<string, AccessLogWriter> = new Map();
  readonly #logs: Map<VirtualServer, readonly OpenLog[]> = new Map();
  readonly #record: ExchangeRecord;

  constructor(thread: number) {
    this.#record = new ExchangeRecord(thread);
  }

  open({ config, serverRoot, logs, log }: ThreadContext): void {
    for (const host of [config.main, ...config.hosts]) {
      const settings = host.store.get(logServer).value;
      this.#logs.set(
        host,
        settings.logs.map((line) => ({
          writer: this.#writer(isAbsolute(line.file) ? line.file : join(serverRoot, line.file), logs, log),
          format: compileFormat(formatOf(settings, line)),
          accepts: line.accepts,
        })),
      );
    }
  }

  #writer(path: string, logs: ThreadContext["logs"], log: ThreadContext["log"]): AccessLogWriter {
    let writer = this.#writers.get(path);
    if (writer === undefined) {
      writer = new AccessLogWriter({
        write: logOutput(path, logs),
        onError: ({ error, lostLines }) =>
          log("error", "AH00646", `Error writing to ${path}: ${error.message} (${lostLines} lines lost)`),
      });
      this.#writers.set(path, writer);
    }
    return writer;
  }

  write(exchange: Exchange): void {
    this.#record.exchange = exchange;
    for (const { writer, format, accepts } of this.#logs.get(exchange.vhost)!) {
      if (accepts === undefined || accepts(this.#record)) writer.line(format(this.#record));
    }
  }

  flush(): void {
    for (const writer of this.#writers.values()) writer.flush();
  }
}

export const logConfig: ServerModule = {
  name: "log_config_module",
  source: "mod_log_config.c",
  directives,
  openLogs(config, serverRoot, logs) {
    for (const host of [config.main, ...config.hosts]) {
      for (const { file } of host.store.get(logServer).value.logs) {
        logs.open(
          isAbsolute(file) ? file : join(serverRoot, file),
          "AH00649: could not open transfer log file",
        );
      }
    }
  },
  hooks() {
    let logs: AccessLogs;
    return {
      threadInit(context) {
        logs = new AccessLogs(context.thread);
        logs.open(context);
      },
      logTransaction: (exchange) => logs.write(exchange),
      endOfBatch: () => logs.flush(),
    };
  },
};
