// Does a condition of httpd 2.2's language hold (SSILegacyExprParser)? Strings with variables in them, compared with = != < <= > >=, with
// /regular expressions/, joined by && || ! and parentheses.

import { ArgumentError, compileRegex } from "../../server/config/mod.ts";

const TOKEN =
  /^\s*(?:(&&|\|\||==|!=|<=|>=|[=<>!()])|\/((?:[^/\\]|\\[^])*)\/|"((?:[^"\\]|\\[^])*)"|'((?:[^'\\]|\\[^])*)'|((?:\\[^]|[^\s&|=<>!()"'])+))/;

type Token =
  | { readonly kind: "operator" | "string"; readonly text: string }
  | { readonly kind: "regex"; readonly text: string };

function tokens(text: string): Token[] {
  const found: Token[] = [];
  for (let rest = text; rest.trim() !== "";) {
    const match = TOKEN.exec(rest);
    if (match === null) throw new ArgumentError(`the condition cannot be read at "${rest.trim()}"`);
    const [whole, operator, regex, double, single, word] = match;
    rest = rest.slice(whole.length);
    const last = found.at(-1);
    if (operator !== undefined) found.push({ kind: "operator", text: operator });
    else if (regex !== undefined) found.push({ kind: "regex", text: regex });
    // Words that follow each other are one string.
    else if (word !== undefined && last?.kind === "string") {
      found[found.length - 1] = { kind: "string", text: `${last.text} ${word}` };
    } else found.push({ kind: "string", text: double ?? single ?? word });
  }
  return found;
}

/** True when the condition holds; `expanded` puts the values of variables into a string. @throws ArgumentError when it is none */
export function legacyCondition(text: string, expanded: (text: string) => string): boolean {
  const list = tokens(text);
  let at = 0;
  const takes = (operator: string): boolean => {
    const token = list[at];
    if (token?.kind !== "operator" || token.text !== operator) return false;
    at++;
    return true;
  };
  // Every operand is read, whatever is known of the result.
  const either = (): boolean => {
    let value = both();
    while (takes("||")) value = both() || value;
    return value;
  };
  const both = (): boolean => {
    let value = not();
    while (takes("&&")) value = not() && value;
    return value;
  };
  const not = (): boolean => takes("!") ? !not() : primary();
  const primary = (): boolean => {
    if (takes("(")) {
      const value = either();
      if (!takes(")")) throw new ArgumentError("a parenthesis is not closed");
      return value;
    }
    const left = string();
    const operator = ["==", "=", "!=", "<=", ">=", "<", ">"].find(takes);
    if (operator === undefined) return left !== "";
    const right = list[at];
    if (right?.kind === "regex") {
      at++;
      const found = compileRegex(right.text).test(left);
      if (operator === "=" || operator === "==") return found;
      if (operator === "!=") return !found;
      throw new ArgumentError("a regular expression is compared with = or != only");
    }
    return compared(left, operator, string());
  };
  const string = (): string => {
    const token = list[at];
    if (token?.kind !== "string") throw new ArgumentError("a string is missing in the condition");
    at++;
    return expanded(token.text);
  };
  const value = either();
  if (at < list.length) throw new ArgumentError("something follows the condition");
  return value;
}

function compared(left: string, operator: string, right: string): boolean {
  if (operator === "!=") return left !== right;
  if (operator === "<") return left < right;
  if (operator === "<=") return left <= right;
  if (operator === ">") return left > right;
  return operator === ">=" ? left >= right : left === right;
}
