// What is a macro? Lines with parameters that Use puts arguments into (mod_macro); text, not directives, until it is used.

import { ArgumentError, type Where } from "./errors.ts";
import { checkedLength, type Line } from "./grammar.ts";

/** A macro as `<Macro name $a ...>` defines it. */
export interface Macro {
  readonly name: string;
  readonly parameters: readonly string[];
  /** Numbered from 1 in the macro. */
  readonly lines: readonly Line[];
  readonly where: Where;
}

/** Checks the parameters of a definition. @throws ArgumentError */
export function defineMacro(args: readonly string[], lines: readonly Line[], where: Where): Macro {
  const [name, ...parameters] = args;
  parameters.forEach((parameter, index) => {
    if (parameter === "") throw new ArgumentError(`Macro '${name}': parameter ${index + 1} is empty`);
    if (parameters.findIndex((other) => other.toLowerCase() === parameter.toLowerCase()) !== index) {
      throw new ArgumentError(`Macro '${name}': there are several parameters called '${parameter}'`);
    }
  });
  return { name, parameters, lines, where };
}

/** Where the lines of a used macro come from, as messages name it. */
export function usedMacroName({ name, where }: Macro, used: Where): string {
  return `macro '${name}' (defined on line ${where.line} of "${where.file}") used on line ${used.line} of "${used.file}"`;
}

/** The lines of `macro` with `args` in the place of its parameters. @throws ArgumentError */
export function expandMacro(macro: Macro, args: readonly string[]): Line[] {
  const { name, parameters } = macro;
  if (args.length !== parameters.length) {
    throw new ArgumentError(`Macro '${name}' takes ${parameters.length} arguments, not ${args.length}`);
  }
  if (parameters.length === 0) return [...macro.lines];
  const values = new Map(parameters.map((parameter, index) => [parameter, args[index]]));
  // The longest parameter that fits wins, so that $name is not taken for $n; what was put in is not looked through again.
  const longestFirst = [...parameters].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(
    longestFirst.map((parameter) => parameter.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|"),
    "g",
  );
  return macro.lines.map(({ text, line }) => {
    let length = text.length;
    const replaced = text.replace(pattern, (parameter) => {
      const value = values.get(parameter) ?? parameter;
      length = checkedLength(length + value.length - parameter.length);
      return value;
    });
    return { text: replaced, line };
  });
}
