// Is an expression true of a request, and which text does it make? Evaluates what the parser has read.

import { compileGlob } from "../glob.ts";
import { inSubnet } from "../subnet.ts";
import type { Condition, Word } from "./ast.ts";
import { call } from "./functions.ts";
import type { ExpressionSubject } from "./subject.ts";
import type { UnaryName, VariableName } from "./vocabulary.ts";

/** What groups of a regular expression have found; [0] is the whole match. */
export type Captures = readonly (string | undefined)[];

/** True or false of `subject`. `captures` are what `$0` to `$9` stand for until a regular expression in it matches. */
export function evaluateCondition(
  condition: Condition,
  subject: ExpressionSubject,
  captures: Captures = [],
): boolean {
  return new Evaluation(subject, captures).condition(condition);
}

/** The text that `word` makes of `subject`. */
export function evaluateString(word: Word, subject: ExpressionSubject, captures: Captures = []): string {
  return word.kind === "text" ? word.text : new Evaluation(subject, captures).word(word);
}

class Evaluation {
  readonly #subject: ExpressionSubject;
  #captures: Captures;

  constructor(subject: ExpressionSubject, captures: Captures) {
    this.#subject = subject;
    this.#captures = captures;
  }

  condition(node: Condition): boolean {
    switch (node.kind) {
      case "constant":
        return node.value;
      case "not":
        return !this.condition(node.of);
      case "and":
        return node.of.every((condition) => this.condition(condition));
      case "or":
        return node.of.some((condition) => this.condition(condition));
      case "compare": {
        const left = this.word(node.left);
        const right = this.word(node.right);
        const order = node.by === "number"
          ? difference(wholeNumber(left), wholeNumber(right))
          : node.by === "length" && left.length !== right.length
          ? left.length - right.length
          : byCharacter(left, right);
        return holds(order, node.operator);
      }
      case "regex":
        return this.#regex(node.regex, this.word(node.subject)) !== node.negated;
      case "in": {
        const subject = this.word(node.subject);
        return node.list.some((word) => this.word(word) === subject);
      }
      case "test":
        return this.#test(node.name, this.word(node.subject));
      case "match": {
        const [subject, pattern] = [this.word(node.subject), this.word(node.pattern)];
        if (node.name === "strcmatch") return compileGlob(pattern.toLowerCase())(subject.toLowerCase());
        return compileGlob(pattern, { pathname: node.name === "fnmatch" })(subject);
      }
      case "address":
        return inSubnet(this.word(node.subject), node.subnet);
    }
  }

  /** A regular expression without groups leaves `$0` to `$9` as they were, as httpd does; so does one that does not match. */
  #regex(regex: RegExp, text: string): boolean {
    const found = regex.exec(text);
    if (found === null) {
      return false;
    }
    if (found.length > 1) this.#captures = found;
    return true;
  }

  #test(name: UnaryName, text: string): boolean {
    const { files } = this.#subject;
    switch (name) {
      case "n":
        return text !== "";
      case "z":
        return text === "";
      case "T":
        return !["", "0", "off", "no", "false"].includes(text.toLowerCase());
      case "d":
        return files.stat(text)?.isDirectory === true;
      case "e":
        return files.stat(text) !== undefined;
      case "f":
        return files.stat(text)?.isFile === true;
      case "s": {
        const found = files.stat(text);
        return found?.isFile === true && found.size > 0;
      }
      case "L":
      case "h":
        return files.isLink(text);
      case "x":
        return ((files.stat(text)?.mode ?? 0) & 0o111) !== 0;
      case "U":
      case "A":
        return this.#subject.isReachable("url", text);
      case "F":
        return this.#subject.isReachable("file", text);
    }
  }

  word(node: Word): string {
    switch (node.kind) {
      case "text":
        return node.text;
      case "concat":
        return node.parts.map((part) => this.word(part)).join("");
      case "variable":
        return this.#variable(node.name);
      case "backreference":
        return this.#captures[node.group] ?? "";
      case "call":
        return call(node.name, node.args.map((arg) => this.word(arg)), this.#subject);
    }
  }

  #variable(name: VariableName): string {
    switch (name) {
      case "HTTP_ACCEPT":
      case "HTTP_COOKIE":
      case "HTTP_FORWARDED":
      case "HTTP_HOST":
      case "HTTP_PROXY_CONNECTION":
      case "HTTP_REFERER":
      case "HTTP_USER_AGENT": {
        const field = name.slice("HTTP_".length).toLowerCase().replaceAll("_", "-");
        // Every answer depends on the host: no cache needs to be told.
        return this.#subject.requestField(field, field !== "host") ?? "";
      }
      case "TIME":
      case "TIME_YEAR":
      case "TIME_MON":
      case "TIME_DAY":
      case "TIME_HOUR":
      case "TIME_MIN":
      case "TIME_SEC":
      case "TIME_WDAY":
        return timePart(name, new Date(this.#subject.now()));
      default:
        return this.#subject.variable(name) ?? "";
    }
  }
}

const two = (number: number) => String(number).padStart(2, "0");

/** Local time, as everywhere in httpd. */
function timePart(name: `TIME${string}`, date: Date): string {
  const parts = [
    date.getFullYear(),
    date.getMonth() + 1,
    date.getDate(),
    date.getHours(),
    date.getMinutes(),
    date.getSeconds(),
  ];
  switch (name) {
    case "TIME":
      return parts.map(two).join("");
    case "TIME_WDAY":
      return String(date.getDay());
  }
  return two(parts[["TIME_YEAR", "TIME_MON", "TIME_DAY", "TIME_HOUR", "TIME_MIN", "TIME_SEC"].indexOf(name)]);
}

/** As atoi() of C: the number that the text begins with; 0 if it begins with none. */
function wholeNumber(text: string): bigint {
  return BigInt(/^\s*\+?(-?\d{1,18})/.exec(text)?.[1] ?? 0);
}

const difference = (left: bigint, right: bigint): number => left < right ? -1 : left > right ? 1 : 0;
const byCharacter = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0;

function holds(order: number, operator: "==" | "!=" | "<" | "<=" | ">" | ">="): boolean {
  switch (operator) {
    case "==":
      return order === 0;
    case "!=":
      return order !== 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
  }
}
