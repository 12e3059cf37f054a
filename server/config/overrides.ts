// What may .htaccess files say, and what are they called? AllowOverride, AllowOverrideList and AccessFileName.

import type { Context, Directive, DirectiveRow, OverrideClass } from "./directives.ts";
import { ArgumentError } from "./errors.ts";
import { dirKey, type DirStore, serverKey } from "./stores.ts";

const CLASSES: readonly OverrideClass[] = ["AuthConfig", "FileInfo", "Indexes", "Limit", "Options"];

/** The words of Options that AllowOverride Options=... may name. */
const OPTION_WORDS = [
  "None",
  "All",
  "Indexes",
  "Includes",
  "IncludesNOEXEC",
  "FollowSymLinks",
  "SymLinksIfOwnerMatch",
  "ExecCGI",
  "MultiViews",
];

/** What the .htaccess files of a place may say. */
export interface Overrides {
  readonly classes: ReadonlySet<OverrideClass>;
  /** Words, in lower case, that Options may have; undefined: all. */
  readonly options: ReadonlySet<string> | undefined;
  /** Directives, in lower case, that are allowed whatever their class. */
  readonly names: ReadonlySet<string>;
  /** A directive that is not allowed is passed over. */
  readonly ignoreForbidden: boolean;
  /** A directive that nobody knows is passed over. */
  readonly ignoreUnknown: boolean;
  /** Equal for equal values. */
  readonly key: string;
}

interface OverrideSettings {
  allowed: readonly string[] | undefined;
  names: readonly string[] | undefined;
}

const overrideDir = dirKey<OverrideSettings>("overrides", {
  create: () => ({ allowed: undefined, names: undefined }),
  merge: (base, over) => ({ allowed: over.allowed ?? base.allowed, names: over.names ?? base.names }),
});

const made = new Map<string, Overrides | undefined>();

/** What holds where `store` does; undefined: .htaccess files are not looked for. */
export function overridesOf(store: DirStore): Overrides | undefined {
  const { allowed = [], names = [] } = store.get(overrideDir);
  if (allowed.length === 0 && names.length === 0) return undefined;
  const key = [...allowed, "|", ...names].join(" ").toLowerCase();
  if (!made.has(key)) made.set(key, makeOverrides(allowed, names, key));
  return made.get(key);
}

function makeOverrides(
  allowed: readonly string[],
  names: readonly string[],
  key: string,
): Overrides | undefined {
  const classes = new Set<OverrideClass>();
  let options: Set<string> | undefined;
  let nonfatal = "";
  for (const word of allowed) {
    const [name, value] = word.toLowerCase().split("=");
    if (name === "none") classes.clear();
    else if (name === "all") { for (const each of CLASSES) classes.add(each); }
    else if (name === "nonfatal") nonfatal = value;
    else classes.add(CLASSES.find((each) => each.toLowerCase() === name)!);
    if (name === "all") options = undefined;
    if (name === "options") options = value === undefined ? undefined : new Set(value.split(","));
  }
  if (classes.size === 0 && names.length === 0) return undefined;
  return {
    classes,
    options,
    names: new Set(names.map((name) => name.toLowerCase())),
    ignoreForbidden: nonfatal === "override" || nonfatal === "all",
    ignoreUnknown: nonfatal === "unknown" || nonfatal === "all",
    key,
  };
}

/** True when `overrides` allow a directive in .htaccess files. */
export function allows({ classes, names }: Overrides, { name, override }: DirectiveRow): boolean {
  if (names.has(name.toLowerCase())) return true;
  if (override === undefined) return false;
  if (override === "All") return classes.size > 0;
  return typeof override === "string" ? classes.has(override) : override.some((each) => classes.has(each));
}

function checkedWord(word: string): string {
  const [name, value, ...more] = word.split("=");
  const lower = name.toLowerCase();
  if (more.length > 0) throw new ArgumentError(`Illegal override option ${word}`);
  if (lower === "nonfatal") {
    if (!/^(?:override|unknown|all)$/i.test(value ?? "")) {
      throw new ArgumentError(`=Override, =Unknown or =All expected after ${name}`);
    }
    return word;
  }
  if (lower === "options" && value !== undefined) {
    for (const option of value.split(",")) {
      if (!OPTION_WORDS.some((known) => known.toLowerCase() === option.toLowerCase())) {
        throw new ArgumentError(`Illegal option ${option}`);
      }
    }
    return word;
  }
  if (value === undefined && ["none", "all", ...CLASSES.map((each) => each.toLowerCase())].includes(lower)) {
    return word;
  }
  throw new ArgumentError(`Illegal override option ${name}`);
}

const DIRECTORY: readonly Context[] = ["directory"];
const HOST: readonly Context[] = ["server config", "virtual host"];

/** What they are called where AccessFileName says nothing. */
export const DEFAULT_ACCESS_FILE_NAMES: readonly string[] = [".htaccess"];

/** The names of .htaccess files; none: the default. */
export const accessFileNames = serverKey<{ names: readonly string[] }>("access file names", {
  create: () => ({ names: [] }),
  merge: (base, over) => over.names.length > 0 ? over : base,
});

/** The rows of the three directives. */
export const overrideRows: readonly Directive[] = [{
  name: "AllowOverride",
  contexts: DIRECTORY,
  args: [1, Infinity],
  syntax: "AllowOverride All|None|directive-type [directive-type] ...",
  help: "Which kinds of directives .htaccess files may have",
  default: "None",
  apply(words, to, where) {
    to.dir.get(overrideDir).allowed = words.map(checkedWord);
    if (to.section !== "Directory") {
      to.warnings.push({
        ...where,
        message: `AH00114: Useless use of AllowOverride: it counts in <Directory> sections only`,
      });
    }
  },
}, {
  name: "AllowOverrideList",
  contexts: DIRECTORY,
  args: [1, Infinity],
  syntax: "AllowOverrideList None|directive [directive] ...",
  help: "Directives that .htaccess files may have, whatever their kind",
  default: "None",
  apply(names, to, where) {
    const none = names.some((name) => name.toLowerCase() === "none");
    if (none && names.length > 1) {
      throw new ArgumentError("'None' not allowed with other directives in AllowOverrideList");
    }
    to.dir.get(overrideDir).names = none ? [] : names;
    if (to.section !== "Directory") {
      to.warnings.push({
        ...where,
        message: `AH00115: Useless use of AllowOverrideList: it counts in <Directory> sections only`,
      });
    }
  },
}, {
  name: "AccessFileName",
  contexts: HOST,
  args: [1, Infinity],
  syntax: "AccessFileName filename [filename] ...",
  help: "The names under which directories have their own configuration",
  default: ".htaccess",
  apply(names, to) {
    for (const name of names) {
      if (name === "" || /[/\\\0]/.test(name)) {
        throw new ArgumentError(`AccessFileName must be a name without slashes, not "${name}"`);
      }
    }
    to.server.get(accessFileNames).names = names;
  },
}];
