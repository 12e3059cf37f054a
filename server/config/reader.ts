// Which directives does a configuration consist of? Reads files into a tree of plain data. What decides about the reading itself
// (variables, conditions, includes, macros, LoadModule, ServerRoot) is carried out at its line and leaves no node.

import { conditionOf } from "./conditions.ts";
import { ArgumentError, ConfigError, placed, type Where } from "./errors.ts";
import { type ConfigNode, getWord, type Line, logicalLines, words } from "./grammar.ts";
import { guarded } from "./include.ts";
import { lineDirectiveOf } from "./line_directives.ts";
import { defineMacro, expandMacro, type Macro, usedMacroName } from "./macro.ts";
import { ReadState } from "./read_state.ts";
import type { ConfigTree, ReadOptions } from "./read_options.ts";

/** Include and Use, one within the other (httpd's AP_MAX_INCLUDE_DEPTH). */
const NESTING_LIMIT = 128;
/** The name of what -C and -c give, in messages. */
const COMMAND_LINE = "-c/-C directives";

/** Reads a configuration: the -C lines, the file, the -c lines. @throws ConfigError */
export function readConfig(options: ReadOptions): ConfigTree {
  const reader = new Reader(options);
  const nodes: ConfigNode[] = [];
  reader.readLines(linesOf(options.before), COMMAND_LINE, { children: nodes });
  if (options.file !== undefined) reader.readMain(options.file, nodes);
  reader.readLines(linesOf(options.after), COMMAND_LINE, { children: nodes });
  const { currentRoot: serverRoot, defines, includes, warnings } = reader.state;
  return { nodes, serverRoot, defines: [...defines], includes, warnings };
}

function linesOf(texts: readonly string[] = []): Iterator<Line> {
  return logicalLines(texts.join("\n"));
}

/** A section that is open: its nodes go to `children`. */
interface Frame {
  readonly name?: string;
  readonly where?: Where;
  readonly children: ConfigNode[];
  /** The section of the configuration around this place; conditions are none. */
  readonly enclosing?: string;
}

class Reader {
  readonly state: ReadState;
  readonly #options: ReadOptions;
  readonly #macros = new Map<string, Macro>();
  readonly #macrosInUse: Macro[] = [];
  #depth = 0;

  constructor(options: ReadOptions) {
    this.#options = options;
    this.state = new ReadState(options);
  }

  readMain(file: string, children: ConfigNode[]): void {
    this.state.includes.push({ file, depth: 0 });
    // A main file that is not there has no line to blame but its first.
    const text = placed(
      { file, line: 1 },
      "",
      () => guarded(file, () => this.#options.files.readTextFile(file)),
    );
    this.readLines(logicalLines(text), file, { children });
  }

  /** Reads lines up to their end; sections have to end with them. */
  readLines(lines: Iterator<Line>, file: string, outer: Frame): void {
    const open: Frame[] = [outer];
    for (let next = lines.next(); !next.done; next = lines.next()) {
      const where: Where = { file, line: next.value.line };
      const text = placed(where, undefined, () => this.state.expand(next.value.text, where));
      const { word, rest } = getWord(text);
      if (word === "") continue;
      if (word.startsWith("</")) this.#close(word, where, open);
      else if (word.startsWith("<")) this.#open(word, rest, where, open, lines);
      else this.#directive(word, rest, where, open[open.length - 1]);
    }
    if (open.length === 1) return;
    const unclosed = open.slice(1).reverse().map(({ name, where }) =>
      `${where!.file}:${where!.line}: <${name}> was not closed.`
    );
    const innermost = open[open.length - 1];
    throw new ConfigError(innermost.where!, unclosed.join("\n"), `<${innermost.name}>`);
  }

  #close(word: string, where: Where, open: Frame[]): void {
    const { name } = open[open.length - 1];
    if (!word.endsWith(">")) throw new ConfigError(where, `${word}> directive missing closing '>'`, word);
    if (name === undefined) {
      throw new ConfigError(where, `${word} without matching <${word.slice(2, -1)}> section`, word);
    }
    if (word.slice(2, -1).toLowerCase() !== name.toLowerCase()) {
      throw new ConfigError(where, `Expected </${name}> but saw ${word}`, word);
    }
    open.pop();
  }

  #open(word: string, rest: string, where: Where, open: Frame[], lines: Iterator<Line>): void {
    const complete = word.endsWith(">");
    const name = word.slice(1, complete ? -1 : undefined);
    if (name === "") throw new ConfigError(where, `'${word}' does not name a section`, word);
    const end = rest.lastIndexOf(">");
    if (end < 0 && !(complete && rest === "")) {
      throw new ConfigError(where, `<${name}> directive missing closing '>'`, `<${name}>`);
    }
    const raw = rest.slice(0, Math.max(end, 0)).trimEnd();
    const args = words(raw);
    const frame = open[open.length - 1];
    const condition = conditionOf(name.toLowerCase());
    if (condition !== undefined || name.toLowerCase() === "macro") {
      if (args.length === 0) {
        throw new ConfigError(where, `<${name}> directive requires additional arguments`, `<${name}>`);
      }
    }
    if (condition !== undefined) {
      if (placed(where, `<${name}>`, () => condition(args, this.state))) {
        open.push({ name, where, children: frame.children, enclosing: frame.enclosing });
      } else {
        skipSection(lines, name, where);
      }
    } else if (name.toLowerCase() === "macro") {
      const macro = placed(
        where,
        `<${name}>`,
        () => defineMacro(args, macroLines(lines, name, where), where),
      );
      this.#macros.set(macro.name.toLowerCase(), macro);
    } else {
      const children: ConfigNode[] = [];
      frame.children.push({ name, args, raw, file: where.file, line: where.line, children });
      open.push({ name, where, children, enclosing: name });
    }
  }

  #directive(name: string, raw: string, where: Where, frame: Frame): void {
    const args = words(raw);
    const special = lineDirectiveOf(name);
    if (special === undefined) {
      frame.children.push({ name, args, raw, file: where.file, line: where.line });
      return;
    }
    const action = placed(where, name, () => {
      if (this.#options.htaccess === true && special.anywhere !== true) {
        throw new ArgumentError(`${name} not allowed here`);
      }
      if (special.global && frame.enclosing !== undefined) {
        throw new ArgumentError(`${name} cannot occur within <${frame.enclosing}> section`);
      }
      const [min, max] = special.args;
      if (args.length < min || args.length > max) {
        throw new ArgumentError(`${name}: wrong number of arguments; syntax: ${special.syntax}`);
      }
      return special.apply(args, { state: this.state, where, raw, options: this.#options });
    });
    switch (action?.kind) {
      case "include":
        for (const file of action.files) this.#include(file, where, frame);
        break;
      case "use":
        this.#use(action.name, action.args, where, frame);
        break;
      case "undefine macro":
        if (!this.#macros.delete(action.name.toLowerCase())) {
          throw new ConfigError(where, `Macro '${action.name}' is not defined`, name);
        }
        break;
    }
  }

  #include(file: string, where: Where, frame: Frame): void {
    this.#nested(where, "Include", () => {
      this.state.includes.push({ file, includedAt: where, depth: this.#depth });
      const text = placed(
        where,
        "Include",
        () => guarded(file, () => this.#options.files.readTextFile(file)),
      );
      this.readLines(logicalLines(text), file, { children: frame.children, enclosing: frame.enclosing });
    });
  }

  #use(name: string, args: readonly string[], where: Where, frame: Frame): void {
    const macro = this.#macros.get(name.toLowerCase());
    if (macro === undefined) throw new ConfigError(where, `Macro '${name}' is not defined`, "Use");
    if (this.#macrosInUse.includes(macro)) {
      throw new ConfigError(where, `Macro '${name}' uses itself`, "Use");
    }
    const lines = placed(where, "Use", () => expandMacro(macro, args));
    this.#macrosInUse.push(macro);
    this.#nested(where, "Use", () =>
      this.readLines(lines.values(), usedMacroName(macro, where), {
        children: frame.children,
        enclosing: frame.enclosing,
      }));
    this.#macrosInUse.pop();
  }

  #nested(where: Where, directive: string, action: () => void): void {
    if (this.#depth >= NESTING_LIMIT) {
      throw new ConfigError(
        where,
        `Exceeded the nesting limit of ${NESTING_LIMIT} for Include and Use: do these files include themselves?`,
        directive,
      );
    }
    this.#depth++;
    action();
    this.#depth--;
  }
}

/** The name in `<Name`, `<Name>` or `</Name>`. */
function sectionName(word: string): string {
  return word.slice(word.startsWith("</") ? 2 : 1, word.endsWith(">") ? -1 : undefined);
}

/** Passes over a section whose condition does not hold; sections within have to be closed there too. @throws ConfigError */
function skipSection(lines: Iterator<Line>, name: string, where: Where): void {
  const open = [name];
  for (let next = lines.next(); !next.done; next = lines.next()) {
    const { word } = getWord(next.value.text);
    if (word.startsWith("</")) {
      if (sectionName(word).toLowerCase() !== open[open.length - 1].toLowerCase()) {
        const place = { file: where.file, line: next.value.line };
        throw new ConfigError(place, `Expected </${open[open.length - 1]}> but saw ${word}`, word);
      }
      open.pop();
      if (open.length === 0) return;
    } else if (word.startsWith("<")) {
      open.push(sectionName(word));
    }
  }
  throw new ConfigError(where, `${where.file}:${where.line}: <${name}> was not closed.`, `<${name}>`);
}

/** The lines of a macro, up to its `</Macro>`. @throws ConfigError */
function macroLines(lines: Iterator<Line>, name: string, where: Where): Line[] {
  const found: Line[] = [];
  let depth = 1;
  for (let next = lines.next(); !next.done; next = lines.next()) {
    const { word } = getWord(next.value.text);
    if (word.startsWith("<") && sectionName(word).toLowerCase() === "macro") {
      depth += word.startsWith("</") ? -1 : 1;
    }
    if (depth === 0) return found;
    found.push({ text: next.value.text, line: next.value.line - where.line });
  }
  throw new ConfigError(where, `${where.file}:${where.line}: <${name}> was not closed.`, `<${name}>`);
}
