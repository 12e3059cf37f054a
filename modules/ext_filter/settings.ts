// Which programs are filters? ExtFilterDefine and ExtFilterOptions: rows, and the values they set.

import {
  ArgumentError,
  type Directive,
  dirKey,
  getWord,
  integer,
  oneOf,
  serverKey,
} from "../../server/config/mod.ts";
import { FilterType } from "../../server/request/filters/mod.ts";
import { commandWords } from "../cgi/arguments.ts";

/** One filter. */
export interface ExternalFilter {
  readonly name: string;
  readonly mode: "input" | "output";
  /** As FilterType. */
  readonly type: number;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Content of this type only passes through it; undefined: any. */
  readonly inType: string | undefined;
  /** The type of what comes out; undefined: that of what goes in. */
  readonly outType: string | undefined;
  /** A variable that has to be set, and one that must not be. */
  readonly enabledBy: string | undefined;
  readonly disabledBy: string | undefined;
  readonly keepsLength: boolean;
}

/** The filters of a configuration, by their names in lower case. */
export const externalFilters = serverKey<{ filters: ReadonlyMap<string, ExternalFilter> }>("ext_filter", {
  create: () => ({ filters: new Map() }),
  merge: (base) => base,
});

/** What a place says of them; undefined: as around it, then the default. */
export interface ExternalOptions {
  logsErrors?: boolean;
  onFail?: "abort" | "remove";
}

/** The key of that. */
export const externalOptions = dirKey<ExternalOptions>("ext_filter", {
  create: () => ({}),
  merge: (base, over) => ({ ...base, ...over }),
});

/** `word=value`, where the value may be in quotes; `rest` is what follows. */
function nextOption(text: string): { readonly name: string; readonly value: string; readonly rest: string } {
  const [, name, equals, after] = /^([^\s=]+)(=?)([^]*)$/.exec(text) ?? [];
  if (name === undefined) throw new ArgumentError(`Unrecognized parameter: ${text}`);
  if (equals === "") return { name, value: "", rest: after.trimStart() };
  const quoted = /^"((?:[^"\\]|\\[^])*)"([^]*)$/.exec(after);
  if (quoted !== null) {
    return { name, value: quoted[1].replace(/\\(["\\])/g, "$1"), rest: quoted[2].trimStart() };
  }
  const plain = /^\S*/.exec(after)![0];
  return { name, value: plain, rest: after.slice(plain.length).trimStart() };
}

/** @throws ArgumentError */
function definition(line: string): ExternalFilter {
  const { word: name, rest: options } = getWord(line);
  if (name === "") throw new ArgumentError("Filter name not found");
  let mode: ExternalFilter["mode"] = "output";
  let type: number = FilterType.Resource;
  let command: string[] = [];
  let keepsLength = false;
  const values: Record<string, string> = {};
  for (let rest = options.trimStart(); rest !== "";) {
    const option = nextOption(rest);
    rest = option.rest;
    const word = option.name.toLowerCase();
    if (word === "preservescontentlength") keepsLength = true;
    else if (word === "mode") mode = oneOf(option.value, ["input", "output"]);
    else if (word === "ftype") type = integer(option.value, { name: "ftype", min: 0 });
    else if (word === "cmd") command = commandWords(option.value);
    else if (["enableenv", "disableenv", "intype", "outtype"].includes(word)) values[word] = option.value;
    else throw new ArgumentError(`Unrecognized parameter: ${option.name}`);
  }
  if (command.length === 0) throw new ArgumentError("missing cmd= parameter");
  return {
    name,
    mode,
    type,
    command,
    keepsLength,
    inType: values.intype === "*/*" ? undefined : values.intype,
    outType: values.outtype,
    enabledBy: values.enableenv,
    disabledBy: values.disableenv,
  };
}

/** The rows. */
export const externalRows: readonly Directive[] = [
  {
    name: "ExtFilterDefine",
    contexts: ["server config"],
    args: "raw",
    syntax: 'ExtFilterDefine name [mode=input|output] [option=value ...] cmd="program argument ..."',
    help:
      "A filter that is a program: ftype, intype, outtype, enableenv, disableenv, PreservesContentLength say for what",
    apply([line], to) {
      const values = to.server.get(externalFilters);
      const filter = definition(line);
      const known = filter.name.toLowerCase();
      if (values.filters.has(known)) throw new ArgumentError(`ExtFilter ${filter.name} is already defined`);
      values.filters = new Map([...values.filters, [known, filter]]);
    },
  },
  {
    name: "ExtFilterOptions",
    contexts: ["directory"],
    args: [1, Infinity],
    syntax: "ExtFilterOptions [LogStderr|NoLogStderr] [Onfail=abort|remove]",
    help:
      "Whether the error log gets what filters write to their standard error, and what becomes of answers without them",
    default: "NoLogStderr Onfail=abort",
    apply(args, to) {
      const options = to.dir.get(externalOptions);
      for (const arg of args) {
        const word = oneOf(arg, ["LogStderr", "NoLogStderr", "Onfail=abort", "Onfail=remove"]);
        if (word.startsWith("Onfail")) options.onFail = word === "Onfail=remove" ? "remove" : "abort";
        else options.logsErrors = word === "LogStderr";
      }
    },
  },
];
