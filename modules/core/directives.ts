// Which directives has the core? Rows for the directive table; each puts its arguments into the values of config.ts.

import { isAbsolute, join } from "@std/path";
import {
  ArgumentError,
  type Directive,
  flag,
  integer,
  oneOf,
  timeInterval,
} from "../../server/config/mod.ts";
import {
  ETAG_ALL,
  ETAG_DEFAULT,
  ETagPart,
  isFieldName,
  serverTokensForms,
} from "../../server/http/content/mod.ts";
import { errorDocumentRows } from "../../server/request/error_document.ts";
import type { ReadTimeout } from "../../server/http/engine/service.ts";
import { optionsRow } from "./place_options.ts";
import { type CoreDir, coreDir, type CoreServer, coreServer } from "./config.ts";

const SERVER = ["server config"] as const;
const HOST = ["server config", "virtual host"] as const;
const SECTIONS = ["server config", "virtual host", "directory"] as const;
const DIR = ["server config", "virtual host", "directory", ".htaccess"] as const;

type Parse<T> = (args: readonly string[]) => T;

/** A row that sets one value of the virtual host (or, with SERVER, of the main server). */
function serverRow<K extends keyof CoreServer>(
  name: string,
  key: K,
  contexts: Directive["contexts"],
  syntax: string,
  help: string,
  parse: Parse<CoreServer[K]>,
  args: Directive["args"] = 1,
  more: Pick<Directive, "default" | "differs"> = {},
): Directive {
  return {
    name,
    contexts,
    args,
    syntax: `${name} ${syntax}`,
    help,
    ...more,
    apply: (values, to) => {
      to.server.get(coreServer)[key] = parse(values);
    },
  };
}

/** A row that sets one value of a place; without `override` not in .htaccess files. */
function dirRow<K extends keyof CoreDir>(
  name: string,
  key: K,
  override: Directive["override"],
  syntax: string,
  help: string,
  parse: Parse<CoreDir[K]>,
  args: Directive["args"] = 1,
  more: Pick<Directive, "default" | "differs"> = {},
): Directive {
  return {
    name,
    contexts: override === undefined ? SECTIONS : DIR,
    override,
    args,
    syntax: `${name} ${syntax}`,
    help,
    ...more,
    apply: (values, to) => {
      to.dir.get(coreDir)[key] = parse(values);
    },
  };
}

function number(name: string, min: number, max?: number): Parse<number> {
  return ([arg]) => integer(arg, { name, min, max });
}

/** `initial[-max][,MinRate=n]` (http-core.md 4). */
function readTimeout(stage: string, text: string): ReadTimeout {
  const found = /^(\d{1,6})(?:-(\d{1,6}))?(?:,minrate=(\d{1,9}))?$/i.exec(text);
  if (found === null) {
    throw new ArgumentError(
      `RequestReadTimeout ${stage} must be timeout[-maxtimeout][,MinRate=rate], not "${text}"`,
    );
  }
  const [initial, max, minRate] = found.slice(1).map((part) => Number(part ?? 0));
  if (found[2] !== undefined && minRate === 0) {
    throw new ArgumentError("Must set MinRate option if using timeout range");
  }
  if (found[2] !== undefined && max <= initial) {
    throw new ArgumentError("Maximum timeout must be larger than initial timeout");
  }
  if (found[3] !== undefined && minRate === 0) throw new ArgumentError("MinRate must be larger than 0");
  return { initial: initial * 1000, max: max * 1000, minRate };
}

const requestReadTimeout: Directive = {
  name: "RequestReadTimeout",
  contexts: HOST,
  args: [1, 3],
  syntax: "RequestReadTimeout [handshake|header|body]=timeout[-maxtimeout][,MinRate=rate] ...",
  help: "How long a client may take to send head and body of a request; handshake: there is no TLS here yet",
  default: "header=20-40,MinRate=500 body=20,MinRate=500",
  differs: "There is no handshake stage.",
  apply(args, to) {
    for (const arg of args) {
      const [stage, value = ""] = arg.split(/=(.*)/s);
      const core = to.server.get(coreServer);
      const timeout = () => readTimeout(stage.toLowerCase(), value);
      if (stage.toLowerCase() === "header") core.headTimeout = timeout();
      else if (stage.toLowerCase() === "body") core.bodyTimeout = timeout();
      // A stage of TLS connections only: what is said of it is checked.
      else if (stage.toLowerCase() === "handshake") timeout();
      else throw new ArgumentError(`Unknown RequestReadTimeout parameter: ${stage}`);
    }
  },
};

const httpProtocolOptions: Directive = {
  name: "HttpProtocolOptions",
  contexts: HOST,
  args: [1, 3],
  syntax: "HttpProtocolOptions [Strict|Unsafe] [RegisteredMethods|LenientMethods] [Allow0.9|Require1.0]",
  help: "How strictly requests are held to the grammar of HTTP/1.1",
  default: "Strict LenientMethods Allow0.9",
  apply(args, to) {
    const core = to.server.get(coreServer);
    for (const arg of args) {
      const lower = arg.toLowerCase();
      if (lower === "strict" || lower === "unsafe") core.strict = lower === "strict";
      else if (lower === "registeredmethods" || lower === "lenientmethods") {
        core.lenientMethods = lower === "lenientmethods";
      } else if (lower === "allow0.9" || lower === "require1.0") core.allow09 = lower === "allow0.9";
      else {throw new ArgumentError(
          `HttpProtocolOptions accepts Strict, Unsafe, RegisteredMethods, LenientMethods, Allow0.9 and Require1.0, not "${arg}"`,
        );}
    }
  },
};

function fileETag(args: readonly string[]): number {
  const parts: Readonly<Record<string, number>> = {
    none: 0,
    all: ETAG_ALL,
    inode: ETagPart.INode,
    mtime: ETagPart.MTime,
    size: ETagPart.Size,
  };
  let form = args.some((arg) => /^[+-]/.test(arg)) ? ETAG_DEFAULT : 0;
  for (const arg of args) {
    const part = parts[arg.replace(/^[+-]/, "").toLowerCase()];
    if (part === undefined) {
      throw new ArgumentError(`FileETag accepts None, All, INode, MTime and Size, not "${arg}"`);
    }
    form = arg.startsWith("-") ? form & ~part : form | part;
  }
  return form;
}

/** A count, or one of httpd's words for none, the default and no limit. */
function rangeLimit(name: string, fallback: number): Parse<number> {
  return ([arg]) => {
    const word = arg.toLowerCase();
    if (word === "default") return fallback;
    if (word === "none") return 0;
    return word === "unlimited" ? Infinity : integer(arg, { name, min: 1 });
  };
}

const registerHttpMethod: Directive = {
  name: "RegisterHttpMethod",
  contexts: SERVER,
  args: [1, 32],
  syntax: "RegisterHttpMethod method [method] ...",
  help: "Methods beside the standard ones that HttpProtocolOptions RegisteredMethods lets through",
  apply(methods, to) {
    const core = to.server.get(coreServer);
    for (const method of methods) {
      if (!isFieldName(method)) throw new ArgumentError(`"${method}" is not an HTTP method`);
    }
    core.registeredMethods = new Set([...core.registeredMethods ?? [], ...methods]);
  },
};

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
  serverRow(
    "Timeout",
    "timeout",
    HOST,
    "seconds",
    "How long any single read or write may take",
    ([arg]) => timeInterval(arg, "s"),
    1,
    { default: "60" },
  ),
  serverRow(
    "KeepAlive",
    "keepAlive",
    HOST,
    "On|Off",
    "Whether connections stay open for further requests",
    ([arg]) => flag(arg),
    1,
    { default: "On" },
  ),
  serverRow(
    "KeepAliveTimeout",
    "keepAliveTimeout",
    HOST,
    "num[ms]",
    "How long a connection waits for its next request",
    ([arg]) => timeInterval(arg, "s"),
    1,
    { default: "5" },
  ),
  serverRow(
    "MaxKeepAliveRequests",
    "maxKeepAliveRequests",
    HOST,
    "number",
    "Requests a connection may carry; 0: no limit",
    number("MaxKeepAliveRequests", 0),
    1,
    { default: "100" },
  ),
  requestReadTimeout,
  httpProtocolOptions,
  registerHttpMethod,
  serverRow(
    "LimitRequestLine",
    "limitRequestLine",
    HOST,
    "bytes",
    "The longest request line",
    number("LimitRequestLine", 0),
    1,
    { default: "8190" },
  ),
  serverRow(
    "LimitRequestFieldSize",
    "limitRequestFieldSize",
    HOST,
    "bytes",
    "The longest header field",
    number("LimitRequestFieldSize", 0),
    1,
    { default: "8190" },
  ),
  serverRow(
    "LimitRequestFields",
    "limitRequestFields",
    HOST,
    "number",
    "The most header fields; 0: no limit",
    number("LimitRequestFields", 0, 32767),
    1,
    { default: "100" },
  ),
  serverRow(
    "TraceEnable",
    "traceEnable",
    HOST,
    "on|off|extended",
    "Whether TRACE is answered, with a body too if extended",
    ([arg]) => oneOf(arg, ["on", "off", "extended"] as const),
    1,
    { default: "on" },
  ),
  serverRow(
    "MergeSlashes",
    "mergeSlashes",
    HOST,
    "On|Off",
    "Whether repeated slashes of a path count as one",
    ([arg]) => flag(arg),
    1,
    { default: "On" },
  ),
  serverRow(
    "AllowEncodedSlashes",
    "allowEncodedSlashes",
    HOST,
    "On|Off|NoDecode",
    "What becomes of %2F in a path",
    ([arg]) => oneOf(arg, ["off", "on", "nodecode"] as const),
    1,
    { default: "Off" },
  ),
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
    "How long an open file is believed to be unchanged",
    ([arg]) => timeInterval(arg, "s"),
    1,
    { default: "1" },
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
  dirRow(
    "LimitRequestBody",
    "limitRequestBody",
    "All",
    "bytes",
    "The longest request body; 0: no limit",
    number("LimitRequestBody", 0),
    1,
    { default: "1073741824" },
  ),
  dirRow(
    "FileETag",
    "fileETag",
    "FileInfo",
    "component ...",
    "What the ETag of a file is made of",
    fileETag,
    [1, 5],
    { default: "MTime Size" },
  ),
  dirRow(
    "EnableSendfile",
    "enableSendfile",
    "FileInfo",
    "On|Off",
    "Whether files go out by sendfile",
    ([arg]) => flag(arg),
    1,
    {
      default: "Off",
      differs:
        "Off never waits for a disk; On costs half the work, and the thread waits for what is not in memory. Linux.",
    },
  ),
  {
    name: "EnableMMAP",
    contexts: DIR,
    override: "FileInfo",
    args: 1,
    syntax: "EnableMMAP On|Off",
    help: "Has no effect: files are not mapped into memory",
    differs: "Has no effect: files are not mapped into memory.",
    apply: ([arg]) => void flag(arg),
  },
  dirRow(
    "MaxRanges",
    "maxRanges",
    undefined,
    "default|unlimited|none|number",
    "The most ranges of one request",
    rangeLimit("MaxRanges", 200),
    1,
    { default: "200" },
  ),
  dirRow(
    "MaxRangeOverlaps",
    "maxOverlaps",
    undefined,
    "default|unlimited|none|number",
    "The most ranges that overlap",
    rangeLimit("MaxRangeOverlaps", 20),
    1,
    { default: "20" },
  ),
  dirRow(
    "MaxRangeReversals",
    "maxReversals",
    undefined,
    "default|unlimited|none|number",
    "The most ranges that go backwards",
    rangeLimit("MaxRangeReversals", 20),
    1,
    { default: "20" },
  ),
  dirRow(
    "ForceType",
    "forceType",
    "FileInfo",
    "media-type|None",
    "The media type of all files here, whatever their names say",
    ([type]) => type.toLowerCase(),
  ),
  dirRow(
    "AcceptPathInfo",
    "acceptPathInfo",
    "FileInfo",
    "On|Off|Default",
    "Whether a path may stand behind the name of a file; Default and Off: not for files that are sent as they are",
    ([word]) => oneOf(word, ["on", "off", "default"] as const),
  ),
  dirRow(
    "AddDefaultCharset",
    "defaultCharset",
    "FileInfo",
    "On|Off|charset",
    "The charset of texts (text/plain, text/html) that say none; On: iso-8859-1",
    ([charset]) => /^on$/i.test(charset) ? "iso-8859-1" : /^off$/i.test(charset) ? "off" : charset,
  ),
  dirRow(
    "SetHandler",
    "handler",
    "FileInfo",
    "handler-name|None",
    "The handler that answers requests here",
    ([name]) => name.toLowerCase(),
    1,
    { differs: "The handlers are server-status and, mpmd only, server-metrics; other names have no effect." },
  ),
];
