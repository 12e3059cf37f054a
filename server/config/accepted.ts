// Which directives of httpd ask for nothing here? What they would change does not exist in this server, or holds anyway: they are
// read so that configurations need not be cut, and refused where they ask for more.

import type { Context, Directive } from "./directives.ts";
import { ArgumentError } from "./errors.ts";

const SERVER: readonly Context[] = ["server config"];
const PLACES: readonly Context[] = ["server config", "virtual host", "directory"];

/** The rows. */
export const acceptedRows: readonly Directive[] = [
  {
    name: "NameVirtualHost",
    contexts: SERVER,
    args: 1,
    syntax: "NameVirtualHost addr[:port]",
    help: "Has no effect: virtual hosts are always found by name (as in httpd 2.4)",
    apply(_args, to, where) {
      to.warnings.push({ ...where, message: "AH00548: NameVirtualHost has no effect" });
    },
  },
  {
    name: "DefaultRuntimeDir",
    contexts: SERVER,
    args: 1,
    syntax: "DefaultRuntimeDir directory-path",
    help: "Has no effect: there are no run-time files but PidFile",
    differs: "Nothing is put there.",
    apply() {},
  },
  {
    name: "HostnameLookups",
    contexts: PLACES,
    args: 1,
    syntax: "HostnameLookups Off",
    help: "Logs have the addresses of clients, not their names",
    differs: "On and Double are errors.",
    default: "Off",
    apply([word]) {
      if (word.toLowerCase() === "off") return;
      throw new ArgumentError("HostnameLookups can only be Off: logs have addresses");
    },
  },
  {
    name: "Mutex",
    contexts: SERVER,
    args: [1, 3],
    syntax: "Mutex mechanism [default|mutex-name] ... [OmitPID]",
    help: "Has no effect: the server has no locks between processes",
    apply() {},
  },
];
