// Where is the reader of an expression, and what comes next? The words of the language, taken off one by one.

import { ArgumentError } from "../errors.ts";

/** Words that are operators or constants, not names of functions. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  "true",
  "false",
  "and",
  "or",
  "not",
  "in",
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
]);

const TOKEN = /-?\d+|-[A-Za-z_]\w*|[A-Za-z]\w*|==|=~|!=|!~|<=|>=|&&|\|\||%\{|\$\d|[=!<>.(){},"']/y;

const OPERATOR = /^(?:==?|=~|!=|!~|<=?|>=?|-[A-Za-z_]\w+|in|eq|ne|lt|le|gt|ge)$/;

const ESCAPED: Readonly<Record<string, string | undefined>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  f: "\f",
};

/** A place in a text. */
export class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** An error with the place. */
  error(message: string): ArgumentError {
    return new ArgumentError(`${message}, at character ${this.#at + 1} of '${this.#text}'`);
  }

  /** The next word, or a character that begins none; undefined at the end. */
  peek(): string | undefined {
    while (/[ \t\n]/.test(this.#text[this.#at] ?? "")) this.#at++;
    if (this.#at >= this.#text.length) return undefined;
    TOKEN.lastIndex = this.#at;
    return TOKEN.exec(this.#text)?.[0] ?? this.#text[this.#at];
  }

  /** Passes the next word if it is one of `words`. */
  accept(...words: readonly string[]): boolean {
    const next = this.peek();
    if (next === undefined || !words.includes(next)) return false;
    this.#at += next.length;
    return true;
  }

  expect(word: string): void {
    if (this.accept(word)) return;
    const next = this.peek();
    throw this.error(
      next === undefined
        ? `unexpected end: '${word}' is expected`
        : `unexpected '${next}': '${word}' is expected`,
    );
  }

  expectEnd(): void {
    const next = this.peek();
    if (next !== undefined) throw this.error(`unexpected '${next}'`);
  }

  #acceptIf(pattern: RegExp): string | undefined {
    const next = this.peek();
    if (next === undefined || !pattern.test(next)) return undefined;
    this.#at += next.length;
    return next;
  }

  /** `-d`: its letter. */
  acceptUnary(): string | undefined {
    return this.#acceptIf(/^-[A-Za-z_]$/)?.slice(1);
  }

  acceptOperator(): string | undefined {
    return this.#acceptIf(OPERATOR);
  }

  acceptDigits(): string | undefined {
    return this.#acceptIf(/^-?\d+$/);
  }

  acceptIdentifier(): string | undefined {
    return this.#acceptIf(/^[A-Za-z]\w*$/);
  }

  acceptQuote(): string | undefined {
    return this.#acceptIf(/^["']$/);
  }

  /** `$0` to `$9`. */
  acceptBackreference(): number | undefined {
    const found = this.#acceptIf(/^\$\d$/);
    return found === undefined ? undefined : Number(found[1]);
  }

  /** A name without blanks before it. */
  identifierAtOnce(): string | undefined {
    const pattern = /[A-Za-z]\w*/y;
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  /** Passes `char` if it comes next, without blanks before it. */
  charAtOnce(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  /** `/pattern/flags` or `m#pattern#flags`: within it nothing protects the separator. */
  regex(): { pattern: string; flags: string } {
    this.peek();
    const opening = /\/|m[/#$%^|?!'",;:._-]/y;
    opening.lastIndex = this.#at;
    const found = opening.exec(this.#text)?.[0];
    if (found === undefined) throw this.error("a regular expression is expected");
    const start = this.#at + found.length;
    const end = this.#text.indexOf(found[found.length - 1], start);
    if (end < 0) throw this.error("Unterminated regexp");
    const flags = /[A-Za-z0-9]*/y;
    flags.lastIndex = end + 1;
    const letters = flags.exec(this.#text)![0];
    this.#at = end + 1 + letters.length;
    if (!/^[ismg]*$/.test(letters)) throw this.error(`Invalid regexp flag(s) '${letters}'`);
    return { pattern: this.#text.slice(start, end), flags: [...new Set(letters)].join("") };
  }

  /** Text up to a variable, a backreference, `end`, or the end of all; escapes are carried out. */
  text(end: string | undefined): string {
    const parts: string[] = [];
    let copied = this.#at;
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at];
      if (char === "\\") {
        parts.push(this.#text.slice(copied, this.#at), this.#escape());
        copied = this.#at + 1;
      } else if (char === end || this.#startsVariable() || this.#startsBackreference()) {
        break;
      }
    }
    parts.push(this.#text.slice(copied, this.#at));
    return parts.join("");
  }

  /** Carries out the escape here and stops at its last character. A backslash that ends the text is one. */
  #escape(): string {
    const number = /\\(?:(\d+)|x([0-9A-Fa-f]{1,2}))/y;
    number.lastIndex = this.#at;
    const found = number.exec(this.#text);
    if (found !== null) {
      const [whole, octal, hexadecimal] = found;
      if (octal !== undefined && !/^[0-3]?[0-7]{1,2}$/.test(octal)) {
        throw this.error(`Bad escape sequence '${whole}'`);
      }
      this.#at += whole.length - 1;
      return String.fromCharCode(octal === undefined ? parseInt(hexadecimal, 16) : parseInt(octal, 8));
    }
    const next = this.#text[this.#at + 1];
    if (next === undefined) return "\\";
    this.#at++;
    return ESCAPED[next] ?? next;
  }

  #startsVariable(): boolean {
    return this.#text.startsWith("%{", this.#at);
  }

  #startsBackreference(): boolean {
    return this.#text[this.#at] === "$" && /\d/.test(this.#text[this.#at + 1] ?? "");
  }

  /** What text() has stopped at; `end` and `%{` are passed. */
  stringStop(end: string | undefined): "end" | "variable" | "backreference" {
    if (this.#at >= this.#text.length) {
      if (end === undefined) return "end";
      throw this.error(end === "}" ? "Unterminated variable" : "Unterminated string");
    }
    if (this.#startsBackreference()) return "backreference";
    this.#at += this.#startsVariable() ? 2 : 1;
    return this.#text[this.#at - 1] === "{" ? "variable" : "end";
  }
}
