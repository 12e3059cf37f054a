// Which expression does a text stand for? httpd's expression language (ap_expr) read into plain data; no I/O. Names are looked
// up here, so that a misspelled one is an error of the configuration and not of a request.

import { ArgumentError } from "../errors.ts";
import { compileRegex } from "../regex.ts";
import { parseSubnet } from "../subnet.ts";
import type { Comparison, Condition, Word } from "./ast.ts";
import { Cursor, KEYWORDS } from "./cursor.ts";
import { foundIn, FUNCTIONS, UNARY, VARIABLES } from "./vocabulary.ts";

/** Parentheses and negations within each other: neither reading nor evaluating may use up the stack. */
const DEEPEST = 100;

const TEXT_OPERATORS: Readonly<Record<string, Comparison | undefined>> = {
  "=": "==",
  "==": "==",
  "!=": "!=",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
};

const NUMBER_OPERATORS: Readonly<Record<string, Comparison | undefined>> = {
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
};

const MATCHERS = ["fnmatch", "strmatch", "strcmatch"] as const;

/** In parentheses either may stand; which one it is shows when they close. */
type Operand = { readonly condition: Condition } | { readonly word: Word };

const wordOf = (operand: Operand, cursor: Cursor): Word => {
  if ("word" in operand) return operand.word;
  throw cursor.error("a condition stands where a word is expected");
};

/**
 * Reads a condition, as of `<If>`; `byLength`: as of SSLRequire, where all comparisons are of text, and the shorter comes first. @throws
 * ArgumentError with the place in the text
 */
export function parseCondition(text: string, byLength = false): Condition {
  const parser = new Parser(text, byLength);
  const condition = parser.condition();
  parser.cursor.expectEnd();
  return condition;
}

/** Reads text with `%{...}` and `$0` in it, as of ErrorDocument. @throws ArgumentError with the place in the text */
export function parseString(text: string): Word {
  const parser = new Parser(text);
  return parser.string(undefined);
}

class Parser {
  readonly cursor: Cursor;
  #depth = 0;

  constructor(text: string, readonly byLength = false) {
    this.cursor = new Cursor(text);
  }

  condition(): Condition {
    const operand = this.#or();
    if ("condition" in operand) return operand.condition;
    const found = this.cursor.peek();
    throw this.cursor.error(
      found === undefined ? "unexpected end: an operator is expected" : `unexpected '${found}'`,
    );
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > DEEPEST) throw this.cursor.error("nested too deeply");
    const result = read();
    this.#depth--;
    return result;
  }

  #conditionOf(operand: Operand): Condition {
    if ("condition" in operand) return operand.condition;
    throw this.cursor.error("a word stands where a condition is expected");
  }

  #or(): Operand {
    return this.#joined("or", "||", () => this.#and());
  }

  #and(): Operand {
    return this.#joined("and", "&&", () => this.#not());
  }

  /** A list, not a tree: a long chain is not deep. */
  #joined(kind: "and" | "or", sign: string, read: () => Operand): Operand {
    const first = read();
    if (!this.cursor.accept(sign, kind)) return first;
    const of = [this.#conditionOf(first)];
    do of.push(this.#conditionOf(read())); while (this.cursor.accept(sign, kind));
    return { condition: { kind, of } };
  }

  #not(): Operand {
    if (this.cursor.accept("!", "not")) {
      return this.#nested(() => ({ condition: { kind: "not", of: this.#conditionOf(this.#not()) } }));
    }
    return this.#comparison();
  }

  #comparison(): Operand {
    const { cursor } = this;
    if (cursor.accept("true")) return { condition: { kind: "constant", value: true } };
    if (cursor.accept("false")) return { condition: { kind: "constant", value: false } };
    const unary = cursor.acceptUnary();
    if (unary !== undefined) return { condition: this.#unary(unary) };
    const left = this.#concat();
    if ("condition" in left) return left;
    const operator = cursor.acceptOperator();
    return operator === undefined ? left : { condition: this.#binary(left.word, operator) };
  }

  #unary(name: string): Condition {
    const subject = () => wordOf(this.#concat(), this.cursor);
    if (name === "R") return this.#address(name, { kind: "variable", name: "REMOTE_ADDR" });
    const known = UNARY.find((operator) => operator === name);
    if (known === undefined) throw this.cursor.error(`Unary operator '-${name}' does not exist`);
    return { kind: "test", name: known, subject: subject() };
  }

  #address(name: string, subject: Word): Condition {
    const network = wordOf(this.#concat(), this.cursor);
    if (network.kind !== "text") {
      throw this.cursor.error(`-${name} requires subnet/netmask as constant argument`);
    }
    return { kind: "address", subject, subnet: parseSubnet(network.text) };
  }

  #binary(left: Word, operator: string): Condition {
    const { cursor } = this;
    const right = () => wordOf(this.#concat(), cursor);
    const asText = TEXT_OPERATORS[operator];
    if (asText !== undefined) {
      return {
        kind: "compare",
        operator: asText,
        by: this.byLength ? "length" : "text",
        left,
        right: right(),
      };
    }
    const bare = operator.replace(/^-/, "");
    const asNumbers = NUMBER_OPERATORS[bare];
    if (asNumbers !== undefined) {
      return {
        kind: "compare",
        operator: asNumbers,
        by: this.byLength ? "length" : "number",
        left,
        right: right(),
      };
    }
    if (bare === "in") return { kind: "in", subject: left, list: this.#list() };
    if (operator === "=~" || operator === "!~") {
      return { kind: "regex", subject: left, regex: this.#regex(), negated: operator === "!~" };
    }
    if (bare.toLowerCase() === "ipmatch") return this.#address(bare, left);
    const name = foundIn(MATCHERS, bare);
    if (name === undefined) throw cursor.error(`Binary operator '${operator}' does not exist`);
    return { kind: "match", name, subject: left, pattern: right() };
  }

  #list(): Word[] {
    const { cursor } = this;
    if (cursor.accept("{")) return this.#words("}");
    const name = cursor.acceptIdentifier();
    // Functions that make lists come from modules (mod_ssl's PeerExtList): there are none.
    throw cursor.error(
      name === undefined
        ? "a list { word, ... } is expected"
        : `List-returning function '${name}' does not exist`,
    );
  }

  #words(end: string): Word[] {
    const found: Word[] = [];
    do found.push(wordOf(this.#concat(), this.cursor)); while (this.cursor.accept(","));
    this.cursor.expect(end);
    return found;
  }

  #regex(): RegExp {
    const { pattern, flags } = this.cursor.regex();
    return compileRegex(pattern, flags.replaceAll("g", ""));
  }

  #concat(): Operand {
    const first = this.#primary();
    if (!this.cursor.accept(".")) return first;
    const parts = [wordOf(first, this.cursor)];
    do parts.push(wordOf(this.#primary(), this.cursor)); while (this.cursor.accept("."));
    return { word: { kind: "concat", parts } };
  }

  #primary(): Operand {
    const { cursor } = this;
    const digits = cursor.acceptDigits();
    if (digits !== undefined) return { word: { kind: "text", text: digits } };
    const quote = cursor.acceptQuote();
    if (quote !== undefined) return { word: this.string(quote) };
    if (cursor.accept("%{")) return { word: this.#variable() };
    const group = cursor.acceptBackreference();
    if (group !== undefined) return { word: { kind: "backreference", group } };
    if (cursor.accept("(")) {
      return this.#nested(() => {
        const inner = this.#or();
        cursor.expect(")");
        return inner;
      });
    }
    const found = cursor.peek();
    const name = KEYWORDS.has(found ?? "") ? undefined : cursor.acceptIdentifier();
    if (name === undefined) {
      throw cursor.error(found === undefined ? "unexpected end" : `unexpected '${found}'`);
    }
    cursor.expect("(");
    return { word: this.#nested(() => this.#call(name, this.#words(")"))) };
  }

  #call(name: string, args: readonly Word[]): Word {
    const known = foundIn(Object.keys(FUNCTIONS) as (keyof typeof FUNCTIONS)[], name);
    if (known === undefined) throw this.cursor.error(`Function '${name}' does not exist`);
    const count = FUNCTIONS[known];
    if (args.length !== count) {
      throw this.cursor.error(
        `Function '${known}' takes ${
          count === 1 ? "one argument" : `${count} arguments`
        }, not ${args.length}`,
      );
    }
    return { kind: "call", name: known, args };
  }

  /** Behind `%{`, up to its `}`. */
  #variable(): Word {
    const { cursor } = this;
    const name = cursor.identifierAtOnce();
    if (name === undefined) throw cursor.error("a variable name is expected");
    if (cursor.charAtOnce("}")) {
      const known = foundIn(VARIABLES, name);
      // Of a connection that is encrypted (mod_ssl).
      if (known === undefined && /^SSL_/.test(name)) {
        return { kind: "call", name: "reqenv", args: [{ kind: "text", text: name }] };
      }
      if (known === undefined) throw cursor.error(`Variable '${name}' does not exist`);
      return { kind: "variable", name: known };
    }
    if (!cursor.charAtOnce(":")) throw cursor.error(`the variable %{${name} is not closed`);
    return this.#nested(() => {
      const arg = this.string("}");
      if (arg.kind === "text" && arg.text === "") throw cursor.error(`%{${name}:} has no argument`);
      return this.#call(name, [arg]);
    });
  }

  /** Text up to `end`, which is passed; undefined: all that is left. */
  string(end: string | undefined): Word {
    const { cursor } = this;
    const parts: Word[] = [];
    for (;;) {
      const text = cursor.text(end);
      if (text !== "") parts.push({ kind: "text", text });
      const stop = cursor.stringStop(end);
      if (stop === "end") break;
      parts.push(
        stop === "variable"
          ? this.#nested(() => this.#variable())
          : { kind: "backreference", group: cursor.acceptBackreference()! },
      );
    }
    if (parts.length === 1) return parts[0];
    return parts.length === 0 ? { kind: "text", text: "" } : { kind: "concat", parts };
  }
}

/** True for text without variables and backreferences: it says the same of every request. */
export function constantText(word: Word): string | undefined {
  return word.kind === "text" ? word.text : undefined;
}

/** Wraps an error of the language for the directive that it stands in. @throws ArgumentError */
export function explained<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new ArgumentError(`${what}: ${error.message}`);
  }
}
