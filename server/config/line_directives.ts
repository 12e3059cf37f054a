// Which directives are carried out while the configuration is read? One row each; they leave no node in the tree.

import { resolve } from "@std/path";
import { conditionFacts } from "./conditions.ts";
import type { Context, DirectiveFacts } from "./directives.ts";
import { ArgumentError, type Where } from "./errors.ts";
import { getWord } from "./grammar.ts";
import { guarded, includedFiles } from "./include.ts";
import type { ReadOptions } from "./read_options.ts";
import type { ReadState } from "./read_state.ts";

/** What a row works with. */
interface At {
  readonly state: ReadState;
  readonly options: ReadOptions;
  readonly where: Where;
  readonly raw: string;
}

/** What is left for the reader to do. */
export type ReaderAction =
  | { readonly kind: "include"; readonly files: readonly string[] }
  | { readonly kind: "use"; readonly name: string; readonly args: readonly string[] }
  | { readonly kind: "undefine macro"; readonly name: string };

/** One row. */
interface LineDirective {
  readonly name: string;
  readonly args: readonly [min: number, max: number];
  readonly syntax: string;
  readonly help: string;
  readonly differs?: string;
  /** Not within sections. */
  readonly global?: boolean;
  /** In .htaccess files too. */
  readonly anywhere?: boolean;
  apply(args: readonly string[], at: At): ReaderAction | void;
}

function include(name: string, optional: boolean): LineDirective {
  return {
    name,
    args: [1, 1],
    syntax: `${name} file-path|directory-path|wildcard`,
    help: optional
      ? "As Include, but nothing there is no error"
      : "Reads other files in this place: one, a directory with all below it, or names with wildcards in the order of their characters",
    apply: ([pattern], { state, options }) => ({
      kind: "include",
      files: includedFiles(options.files, { pattern, serverRoot: state.currentRoot, optional }),
    }),
  };
}

function withoutColon(name: string): string {
  if (name === "" || name.includes(":")) {
    throw new ArgumentError(`'${name}' is no variable name: it is empty or has a ':'`);
  }
  return name;
}

const ROWS: readonly LineDirective[] = [
  include("Include", false),
  include("IncludeOptional", true),
  {
    name: "Define",
    args: [1, 2],
    syntax: "Define name [value]",
    help:
      "Sets a name for <IfDefine> and, with a value, for ${name}; variables of the environment are found by ${name} too",
    apply: ([name, value], { state }) => state.define(withoutColon(name), value),
  },
  {
    name: "UnDefine",
    args: [1, 1],
    syntax: "UnDefine name",
    help: "Forgets a name that Define or -D has set",
    apply: ([name], { state }) => state.undefine(withoutColon(name)),
  },
  {
    name: "LoadModule",
    args: [2, 2],
    syntax: "LoadModule module filename",
    help: "Chooses the MPM; loads a module of a third party from a file; names modules that are there",
    differs:
      "httpd's modules are built in: their files are not looked at. One that is not here gives a warning. A file that ends with .ts or .js, or a URL, is loaded; see docs/modules.md.",
    global: true,
    apply: ([id, file], { state, options, where }) => options.loadModule(id, file, where, state.currentRoot),
  },
  {
    name: "ServerRoot",
    args: [1, 1],
    syntax: "ServerRoot directory-path",
    help: "The directory that relative names are below; -d says it too",
    global: true,
    apply([path], { state, options }) {
      const root = resolve(path);
      if (guarded(root, () => options.files.stat(root))?.isDirectory !== true) {
        throw new ArgumentError("ServerRoot must be a valid directory");
      }
      state.currentRoot = root;
    },
  },
  {
    name: "Use",
    args: [1, Infinity],
    syntax: "Use name [argument] ...",
    help: "Puts in the lines of a macro, with arguments for its parameters",
    anywhere: true,
    apply: ([name, ...args]) => ({ kind: "use", name, args }),
  },
  {
    name: "UndefMacro",
    args: [1, 1],
    syntax: "UndefMacro name",
    help: "Forgets a macro",
    anywhere: true,
    apply: ([name]) => ({ kind: "undefine macro", name }),
  },
  {
    name: "Error",
    args: [1, Infinity],
    syntax: "Error message",
    help: "Stops reading with this message",
    anywhere: true,
    apply(_args, { raw }) {
      throw new ArgumentError(/^["']/.test(raw) ? getWord(raw).word : raw);
    },
  },
];

const BY_NAME: ReadonlyMap<string, LineDirective> = new Map(ROWS.map((row) => [row.name.toLowerCase(), row]));

const CONF: readonly Context[] = ["server config", "virtual host", "directory"];

function contextsOf({ global, anywhere }: LineDirective): readonly Context[] {
  if (global === true) return ["server config"];
  return anywhere === true ? [...CONF, ".htaccess"] : CONF;
}

/** What the reader itself carries out, for people. */
export const readerFacts: readonly DirectiveFacts[] = [
  ...ROWS.map((row): DirectiveFacts => ({
    name: row.name,
    syntax: row.syntax,
    help: row.help,
    differs: row.differs,
    contexts: contextsOf(row),
    override: row.anywhere === true ? "All" : undefined,
  })),
  {
    name: "<Macro>",
    contexts: [...CONF, ".htaccess"],
    syntax: "<Macro name [parameter] ...>",
    help: "Lines with parameters, for Use",
    override: "All",
  },
  ...conditionFacts,
];

const READER_NAMES: ReadonlySet<string> = new Set(readerFacts.map(({ name }) => name.toLowerCase()));

/** The row of `name`, whatever its case. */
export function lineDirectiveOf(name: string): LineDirective | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** True for what the reader itself carries out; sections are `<Name>`. */
export function isReaderDirective(name: string): boolean {
  return READER_NAMES.has(name.toLowerCase());
}
