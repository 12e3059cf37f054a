// Which directives are carried out while the configuration is read? One row each; they leave no node in the tree.

import { resolve } from "@std/path";
import { conditionNames } from "./conditions.ts";
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
    apply: ([name, value], { state }) => state.define(withoutColon(name), value),
  },
  {
    name: "UnDefine",
    args: [1, 1],
    syntax: "UnDefine name",
    apply: ([name], { state }) => state.undefine(withoutColon(name)),
  },
  {
    name: "LoadModule",
    args: [2, 2],
    syntax: "LoadModule module filename",
    global: true,
    apply: ([id, file], { options, where }) => options.loadModule(id, file, where),
  },
  {
    name: "ServerRoot",
    args: [1, 1],
    syntax: "ServerRoot directory-path",
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
    anywhere: true,
    apply: ([name, ...args]) => ({ kind: "use", name, args }),
  },
  {
    name: "UndefMacro",
    args: [1, 1],
    syntax: "UndefMacro name",
    anywhere: true,
    apply: ([name]) => ({ kind: "undefine macro", name }),
  },
  {
    name: "Error",
    args: [1, Infinity],
    syntax: "Error message",
    anywhere: true,
    apply(_args, { raw }) {
      throw new ArgumentError(/^["']/.test(raw) ? getWord(raw).word : raw);
    },
  },
];

const BY_NAME: ReadonlyMap<string, LineDirective> = new Map(ROWS.map((row) => [row.name.toLowerCase(), row]));
const SECTIONS: ReadonlySet<string> = new Set([...conditionNames(), "macro"].map((name) => `<${name}>`));

/** The row of `name`, whatever its case. */
export function lineDirectiveOf(name: string): LineDirective | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** True for what the reader itself carries out; sections are `<Name>`. */
export function isReaderDirective(name: string): boolean {
  return BY_NAME.has(name.toLowerCase()) || SECTIONS.has(name.toLowerCase());
}

/** The directives of the reader, as their users write them. */
export const readerDirectiveNames: readonly string[] = ROWS.map(({ name }) => name);
