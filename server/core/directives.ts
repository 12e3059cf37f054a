// Which directives has the core? Rows for the directive table; each puts its arguments into the values of config.ts.

import { isAbsolute, join } from "@std/path";
import { type Directive, flag, integer, oneOf, timeInterval } from "../config/mod.ts";
import { serverTokensForms } from "../http/content/mod.ts";
import { errorDocumentRows } from "../request/error_document.ts";
import { filterRows } from "../request/filters/mod.ts";
import { coreServer } from "./config.ts";
import { contentDirectives } from "./content_directives.ts";
import { optionsRow } from "./place_options.ts";
import { programDirectives } from "./program_directives.ts";
import { protocolDirectives } from "./protocol_directives.ts";
import { HOST, number, SERVER, serverRow } from "./rows.ts";

/** The core's rows. */
export const coreDirectives: readonly Directive[] = [
  {
    name: "DocumentRoot",
    contexts: HOST,
    args: 1,
    syntax: "DocumentRoot directory",
    help: "The directory that the tree of files is served from; a relative one is below ServerRoot",
    differs: "There is no default: without it nothing is served from files.",
    apply([dir], to, where) {
      const core = to.server.get(coreServer);
      core.documentRoot = isAbsolute(dir) ? dir : join(to.serverRoot, dir);
      core.documentRootAt = where;
    },
  },
  ...protocolDirectives,
  serverRow(
    "LimitInternalRecursion",
    "mostRedirects",
    HOST,
    "number [number]",
    "How often a request may be redirected within the server (the second number, of subrequests, says nothing here)",
    (numbers) => numbers.map((arg) => integer(arg, { name: "LimitInternalRecursion", min: 1 }))[0],
    [1, 2],
  ),
  ...errorDocumentRows,
  ...filterRows,
  optionsRow,
  serverRow(
    "PidFile",
    "pidFile",
    SERVER,
    "file",
    "Where the process id of the control process is written",
    ([file]) => file,
    1,
    { default: "logs/httpd.pid", differs: "none writes no file; -k then finds no server." },
  ),
  serverRow(
    "ServerTokens",
    "serverTokens",
    SERVER,
    "Full|OS|Min|Minor|Major|Prod",
    "What the Server field tells",
    ([arg]) => oneOf(arg, serverTokensForms),
    1,
    { default: "Full" },
  ),
  serverRow(
    "ExtendedStatus",
    "extendedStatus",
    SERVER,
    "On|Off",
    "Whether the scoreboard has client and request of every slot, and durations; unset: when some place shows it",
    ([arg]) => flag(arg),
  ),
  serverRow(
    "SeeRequestTail",
    "seeRequestTail",
    SERVER,
    "On|Off",
    "Whether the scoreboard has the last 63 characters of a request line, not the first",
    ([arg]) => flag(arg),
  ),
  serverRow(
    "OpenFileCacheMax",
    "openFileCacheMax",
    SERVER,
    "number",
    "Files each thread keeps open; 0: none, every request looks at the file itself",
    number("OpenFileCacheMax", 0),
    1,
    { default: "1000" },
  ),
  serverRow(
    "OpenFileCacheValid",
    "openFileCacheValid",
    SERVER,
    "num[ms]",
    "How long a file, also a .htaccess file, is believed to be unchanged; 0: it is looked at for each request",
    ([arg]) => timeInterval(arg, "s"),
    1,
    { default: "0" },
  ),
  serverRow(
    "OpenFileCacheContent",
    "openFileCacheContent",
    SERVER,
    "bytes",
    "Files up to this size are kept in memory",
    number("OpenFileCacheContent", 0, 16_777_216),
    1,
    { default: "65536" },
  ),
  ...contentDirectives,
  ...programDirectives,
];
