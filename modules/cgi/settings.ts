// What do the directives of mod_cgi and mod_cgid say? Rows, and the values they set.

import { isAbsolute, join } from "@std/path";
import { type Directive, hostRow, integer, serverKey, timeInterval } from "../../server/config/mod.ts";
import { SCRIPT_LOG_DEFAULTS, type ScriptLogSettings } from "./script_log.ts";

/** The values of a virtual host. */
export interface CgiSettings extends ScriptLogSettings {
  /** How long (ms) a program may say nothing; undefined: TimeOut. */
  timeout?: number;
}

/** The key of the values of a virtual host. */
export const cgiServer = serverKey<CgiSettings>("cgi", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

function row(
  name: string,
  argument: string,
  help: string,
  set: (settings: CgiSettings, arg: string, serverRoot: string) => void,
  more: Pick<Directive, "default" | "differs"> = {},
): Directive {
  return hostRow(
    name,
    argument,
    { help, ...more },
    ([arg], to) => set(to.server.get(cgiServer), arg, to.serverRoot),
  );
}

function timeoutRow(name: string): Directive {
  return row(
    name,
    "time[s]",
    "How long a CGI program may say nothing",
    (settings, arg) => void (settings.timeout = timeInterval(arg, "s")),
    { default: "that of TimeOut" },
  );
}

/** mod_cgi's rows. */
export const cgiRows: readonly Directive[] = [
  timeoutRow("CGIScriptTimeout"),
  row(
    "ScriptLog",
    "file",
    "Where requests are noted for which a CGI program failed, with what it has said",
    (settings, file, root) => void (settings.file = isAbsolute(file) ? file : join(root, file)),
  ),
  row(
    "ScriptLogLength",
    "bytes",
    "When the ScriptLog is longer, nothing is written to it any more",
    (settings, arg) => void (settings.length = integer(arg, { name: "ScriptLogLength", min: 0 })),
    { default: String(SCRIPT_LOG_DEFAULTS.length) },
  ),
  row(
    "ScriptLogBuffer",
    "bytes",
    "So much of the body of a PUT or POST is written to the ScriptLog",
    (settings, arg) => void (settings.buffer = integer(arg, { name: "ScriptLogBuffer", min: 0 })),
    { default: String(SCRIPT_LOG_DEFAULTS.buffer) },
  ),
];

/** mod_cgid's rows. */
export const cgidRows: readonly Directive[] = [
  timeoutRow("CGIDScriptTimeout"),
  {
    name: "ScriptSock",
    contexts: ["server config"],
    args: 1,
    syntax: "ScriptSock file",
    help: "Accepted: server threads start programs themselves, there is no daemon that has a socket",
    default: "cgisock",
    apply() {},
  },
];
