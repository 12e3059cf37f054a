// Which directives has mod_log_config? Rows that put formats and logs into the values of a virtual host.

import { type Directive, flag, serverKey } from "../../server/config/mod.ts";
import { COMMON, type CustomLog, parseCustomLog, resolveFormat } from "./custom_log.ts";
import { compileFormat } from "./format.ts";

/** What is said of logs in a virtual host. */
export interface LogSettings {
  readonly nicknames: ReadonlyMap<string, string>;
  readonly transferFormat: string | undefined;
  readonly logs: readonly CustomLog[];
  /** GlobalLog lines: of all hosts, whatever logs of their own they have. */
  readonly globalLogs: readonly CustomLog[];
  readonly buffered: boolean;
}

const NOTHING: LogSettings = {
  nicknames: new Map(),
  transferFormat: undefined,
  logs: [],
  globalLogs: [],
  buffered: false,
};

/** The key of the logs of a virtual host. */
export const logServer = serverKey<{ value: LogSettings }>("log_config", {
  create: () => ({ value: NOTHING }),
  // A virtual host with logs of its own does not write to the main server's.
  merge: ({ value: base }, { value: over }) => ({
    value: {
      nicknames: new Map([...base.nicknames, ...over.nicknames]),
      transferFormat: over.transferFormat ?? base.transferFormat,
      logs: over.logs.length > 0 ? over.logs : base.logs,
      globalLogs: base.globalLogs,
      buffered: base.buffered,
    },
  }),
});

/** The format of a log. Nicknames may be defined after they are used, in the main server or in the host. */
export function formatOf({ nicknames, transferFormat }: LogSettings, { format }: CustomLog): string {
  return resolveFormat(format ?? transferFormat ?? COMMON, nicknames);
}

const HOST = ["server config", "virtual host"] as const;

/** CustomLog and GlobalLog. */
function logRow(
  name: "CustomLog" | "GlobalLog",
  contexts: Directive["contexts"],
  list: "logs" | "globalLogs",
  help: string,
): Directive {
  return {
    name,
    contexts,
    args: [2, 3],
    syntax: `${name} file|"|program"|"rotate:file seconds" format|nickname [env=[!]variable|expr=expression]`,
    help,
    apply(args, to) {
      const log = to.server.get(logServer);
      // A nickname compiles too, to itself: it may be defined further down.
      compileFormat(args[1]);
      log.value = { ...log.value, [list]: [...log.value[list], parseCustomLog(args, to.serverRoot)] };
    },
  };
}

export const logDirectives: readonly Directive[] = [
  {
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
  },
  logRow("CustomLog", HOST, "logs", "Sets target and format of a log"),
  logRow(
    "GlobalLog",
    ["server config"],
    "globalLogs",
    "Sets target and format of a log of all hosts, those with logs of their own included",
  ),
  {
    name: "TransferLog",
    contexts: HOST,
    args: 1,
    syntax: 'TransferLog file|"|program"|"rotate:file seconds"',
    help: "Sets the target of a log in the format of the last LogFormat without a nickname",
    apply(args, to) {
      const log = to.server.get(logServer);
      log.value = { ...log.value, logs: [...log.value.logs, parseCustomLog(args, to.serverRoot)] };
    },
  },
  {
    name: "BufferedLogs",
    contexts: ["server config"],
    args: 1,
    syntax: "BufferedLogs On|Off",
    help: "Whether lines wait for more of them before they are written, at most a second",
    default: "Off",
    apply([arg], to) {
      const log = to.server.get(logServer);
      log.value = { ...log.value, buffered: flag(arg) };
    },
  },
];
