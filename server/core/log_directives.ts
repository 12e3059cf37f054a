// Which directives has the error log? Rows for the directive table; what they say is in server/log/config.ts.

import { ArgumentError, type Directive, type Target } from "../config/mod.ts";
import { BUILT_IN_ELSEWHERE, isHttpdModule } from "../httpd_names.ts";
import { errorLogServer, logLevelDir } from "../log/config.ts";
import { compileErrorFormat } from "../log/error_format.ts";
import { parseErrorTarget } from "../log/target.ts";
import { shortModuleName, Thresholds } from "../log/thresholds.ts";

const HOST = ["server config", "virtual host"] as const;

/** Modules of ours that httpd does not have. */
const OWN_MODULES: ReadonlySet<string> = new Set(["core", "app"]);

/** A module that is not there is told of, not refused: a configuration may be shared with a server that has it. */
function warnOfUnknown(levels: readonly string[], to: Target, where: { file: string; line: number }): void {
  for (const level of levels.filter((word) => word.includes(":"))) {
    const name = shortModuleName(level.slice(0, level.lastIndexOf(":")));
    const id = `${name}_module`;
    if (OWN_MODULES.has(name) || name.startsWith("mpm")) continue;
    if (isHttpdModule(id) || BUILT_IN_ELSEWHERE.has(id)) continue;
    to.warnings.push({ ...where, message: `LogLevel ${level}: there is no module ${name}` });
  }
}

/** The rows of the error log. */
export const errorLogDirectives: readonly Directive[] = [
  {
    name: "ErrorLog",
    contexts: HOST,
    args: 1,
    syntax: 'ErrorLog file|"|program"|"rotate:file seconds"|syslog[:[facility][:tag]]',
    help: "Where errors are logged",
    default: "logs/error_log",
    apply([target], to) {
      to.server.get(errorLogServer).target = parseErrorTarget(target, to.serverRoot);
    },
  },
  {
    name: "ErrorLogFormat",
    contexts: HOST,
    args: [1, 2],
    syntax: "ErrorLogFormat [connection|request] format",
    help: "How lines of the error log look, and lines that precede the first of a connection or request",
    apply(args, to) {
      const settings = to.server.get(errorLogServer);
      const [kind, format] = args.length === 1 ? ["message", args[0]] : [args[0].toLowerCase(), args[1]];
      compileErrorFormat(format);
      const { layout } = settings;
      if (kind === "message") settings.layout = { ...layout, format };
      else if (kind === "connection" || kind === "request") {
        settings.layout = { ...layout, [kind]: [...layout[kind], format] };
      } else {
        throw new ArgumentError(`ErrorLogFormat type must be connection or request, not "${args[0]}"`);
      }
    },
  },
  {
    name: "LogLevel",
    contexts: ["server config", "virtual host", "directory"],
    args: [1, 32],
    syntax: "LogLevel [module:]level [module:level] ...",
    help: "How much is logged: by the whole host, or about requests for a place",
    default: "warn",
    apply(levels, to, where) {
      new Thresholds(levels);
      warnOfUnknown(levels, to, where);
      const settings = to.context === "directory" ? to.dir.get(logLevelDir) : to.server.get(errorLogServer);
      settings.levels = [...settings.levels, ...levels];
    },
  },
];
