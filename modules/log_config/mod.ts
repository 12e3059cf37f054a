// Who asked for what, and what did they get? mod_log_config: access logs in formats of the administrator's making.

import { isAbsolute, join } from "@std/path";
import { ArgumentError, type Directive, serverKey, type VirtualServer } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { makeWritable } from "../../server/log/log_file.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { COMMON, compileFormat, type LineFormat } from "./format.ts";
import { LogWriter } from "./writer.ts";

/** A CustomLog or TransferLog line. */
interface LogLine {
  readonly file: string;
  /** A nickname or a format; undefined: what LogFormat without a nickname says. */
  readonly format: string | undefined;
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
    compileFormat(log.value.nicknames.get(format) ?? format, 0);
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
  apply([file, format], to) {
    addLog(to.server.get(logServer), { file, format });
  },
}, {
  name: "TransferLog",
  contexts: HOST,
  args: 1,
  syntax: "TransferLog file",
  help: "Sets the file name of a log in the format of the last LogFormat without a nickname",
  apply([file], to) {
    addLog(to.server.get(logServer), { file, format: undefined });
  },
}];

function addLog(log: { value: LogSettings }, line: LogLine): void {
  if (line.file.startsWith("|")) throw new ArgumentError("piped logs are not supported yet");
  log.value = { ...log.value, logs: [...log.value.logs, line] };
}

/** Nicknames may be defined after they are used, in the main server or in the host: they are looked up when all is read. */
function formatOf({ nicknames, transferFormat }: LogSettings, { format }: LogLine): string {
  const named = format ?? transferFormat ?? COMMON;
  return nicknames.get(named) ?? (named === "CLF" || named === "common" ? COMMON : named);
}

/** The logs of one thread. */
class AccessLogs {
  readonly #writers: Map<string, LogWriter> = new Map();
  readonly #logs: Map<VirtualServer, readonly { readonly writer: LogWriter; readonly format: LineFormat }[]> =
    new Map();

  open({ config, serverRoot, thread, log }: ThreadContext): void {
    for (const host of [config.main, ...config.hosts]) {
      const settings = host.store.get(logServer).value;
      this.#logs.set(
        host,
        settings.logs.map((line) => ({
          writer: this.#writer(isAbsolute(line.file) ? line.file : join(serverRoot, line.file), log),
          format: compileFormat(formatOf(settings, line), thread),
        })),
      );
    }
  }

  #writer(path: string, log: ThreadContext["log"]): LogWriter {
    let writer = this.#writers.get(path);
    if (writer === undefined) {
      writer = new LogWriter(path, (message) => log("error", undefined, message));
      this.#writers.set(path, writer);
    }
    return writer;
  }

  write(exchange: Exchange): void {
    for (const { writer, format } of this.#logs.get(exchange.vhost)!) writer.line(format(exchange));
  }

  flush(): void {
    for (const writer of this.#writers.values()) writer.flush();
  }
}

export const logConfig: ServerModule = {
  name: "log_config_module",
  source: "mod_log_config.c",
  directives,
  openLogs(config, serverRoot) {
    for (const host of [config.main, ...config.hosts]) {
      for (const { file } of host.store.get(logServer).value.logs) {
        makeWritable(
          isAbsolute(file) ? file : join(serverRoot, file),
          "AH00649: could not open transfer log file",
        );
      }
    }
  },
  hooks() {
    const logs = new AccessLogs();
    return {
      threadInit: (context) => logs.open(context),
      logTransaction: (exchange) => logs.write(exchange),
      endOfBatch: () => logs.flush(),
    };
  },
};
