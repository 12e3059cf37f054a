// What do the directives of mod_include say? Rows, and the values they set.

import {
  ArgumentError,
  type Context,
  type Directive,
  dirKey,
  flag,
  oneOf,
  serverKey,
} from "../../server/config/mod.ts";

/** The values of a place; undefined: as around it, then the default. */
export interface IncludeSettings {
  errorMessage?: string;
  timeFormat?: string;
  undefinedEcho?: string;
  legacy?: boolean;
  etag?: boolean;
  lastModified?: boolean;
  xBitHack?: "on" | "off" | "full";
}

/** The key of the values of a place. */
export const includeDir = dirKey<IncludeSettings>("include", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

/** The tags of a virtual host. */
export const includeServer = serverKey<{ start?: string; end?: string }>("include", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

/** Defaults (httpd's). */
export const INCLUDE_DEFAULTS = {
  errorMessage: "[an error occurred while processing this directive]",
  timeFormat: "%A, %d-%b-%Y %H:%M:%S %Z",
  undefinedEcho: "(none)",
} as const;

const EVERYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];
const PLACES: readonly Context[] = ["directory", ".htaccess"];
const HOST: readonly Context[] = ["server config", "virtual host"];

function row<K extends keyof IncludeSettings>(
  name: string,
  key: K,
  contexts: readonly Context[],
  argument: string,
  help: string,
  parse: (word: string) => IncludeSettings[K],
  byDefault: string,
  override: Directive["override"] = "All",
): Directive {
  return {
    name,
    contexts,
    args: 1,
    syntax: `${name} ${argument}`,
    help,
    default: byDefault,
    override,
    apply([word], to) {
      to.dir.get(includeDir)[key] = parse(word);
    },
  };
}

function tag(name: string, key: "start" | "end", byDefault: string): Directive {
  return {
    name,
    contexts: HOST,
    args: 1,
    syntax: `${name} "tag"`,
    help: `What an element of server-side includes ${key === "start" ? "begins" : "ends"} with`,
    default: byDefault,
    apply([word], to) {
      if (word === "") throw new ArgumentError("must not be empty", true);
      to.server.get(includeServer)[key] = word;
    },
  };
}

const text = (word: string): string => word;

/** The rows. */
export const includeRows: readonly Directive[] = [
  row(
    "SSIErrorMsg",
    "errorMessage",
    EVERYWHERE,
    "message",
    "What stands where an element is wrong",
    text,
    INCLUDE_DEFAULTS.errorMessage,
  ),
  row(
    "SSITimeFormat",
    "timeFormat",
    EVERYWHERE,
    "format",
    "How elements write times, as strftime(3) has it",
    text,
    INCLUDE_DEFAULTS.timeFormat,
  ),
  row(
    "SSIUndefinedEcho",
    "undefinedEcho",
    EVERYWHERE,
    "string",
    "What echo writes for a variable that is not set",
    text,
    "(none)",
  ),
  row(
    "SSILegacyExprParser",
    "legacy",
    PLACES,
    "On|Off",
    "Whether conditions are in the language of httpd 2.2",
    flag,
    "Off",
  ),
  row(
    "SSIETag",
    "etag",
    PLACES,
    "On|Off",
    "Whether an answer with elements keeps the ETag of its file",
    flag,
    "Off",
  ),
  row(
    "SSILastModified",
    "lastModified",
    PLACES,
    "On|Off",
    "Whether an answer with elements keeps the Last-Modified of its file",
    flag,
    "Off",
  ),
  row(
    "XBitHack",
    "xBitHack",
    EVERYWHERE,
    "On|Off|Full",
    "Whether HTML files that their owner may execute have elements; Full: and Last-Modified, where their group may too",
    (word) => oneOf(word.toLowerCase(), ["on", "off", "full"]),
    "Off",
    "Options",
  ),
  tag("SSIStartTag", "start", "<!--#"),
  tag("SSIEndTag", "end", "-->"),
];
