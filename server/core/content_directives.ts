// Which directives has the core about what is sent for a place? Handlers, types, ranges, ETags.

import { ArgumentError, type Directive, flag, integer, oneOf } from "../config/mod.ts";
import { ETAG_ALL, ETagPart } from "../http/content/mod.ts";
import { coreDir, type ETagForm, joinedForm, withForm } from "./config.ts";
import { DIR, dirRow, number, type Parse } from "./rows.ts";

/** Parts by name; or, with signs, what is to be added to and taken from those of the place around. */
function fileETag(args: readonly string[]): ETagForm {
  const parts: Readonly<Record<string, number>> = {
    none: 0,
    all: ETAG_ALL,
    inode: ETagPart.INode,
    mtime: ETagPart.MTime,
    size: ETagPart.Size,
  };
  let [form, add, remove] = [0, 0, 0];
  for (const arg of args) {
    const part = parts[arg.replace(/^[+-]/, "").toLowerCase()];
    if (part === undefined) {
      throw new ArgumentError(`FileETag accepts None, All, INode, MTime and Size, not "${arg}"`);
    }
    if (arg.startsWith("-")) [add, remove] = [add & ~part, remove | part];
    else if (arg.startsWith("+")) [add, remove] = [add | part, remove & ~part];
    else form |= part;
  }
  const relative = args.some((arg) => /^[+-]/.test(arg));
  return relative ? { add, remove } : { add: form, remove: ETAG_ALL };
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

export const contentDirectives: readonly Directive[] = [
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
  {
    name: "FileETag",
    contexts: DIR,
    override: "FileInfo",
    args: [1, 5],
    syntax: "FileETag component ...",
    help: "What the ETag of a file is made of",
    default: "MTime Size",
    apply(args, to) {
      const values = to.dir.get(coreDir);
      const form = fileETag(args);
      values.etagForm = values.etagForm === undefined ? form : joinedForm(values.etagForm, form);
      values.fileETag = withForm(values.fileETag, form);
    },
  },
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
