// Does a RewriteCond hold? Its test string, and what that is compared with.

import { evaluateCondition, explained, parseCondition } from "../../server/config/expression/mod.ts";
import { ArgumentError, compileRegex } from "../../server/config/mod.ts";
import { splitFlags } from "./flags.ts";
import { parseTemplate, type Scope } from "./template.ts";

/** One RewriteCond. */
export interface Condition {
  /** Together with the next: one of them is enough. */
  readonly or: boolean;
  /** What it looks at may go to Vary. */
  readonly varies: boolean;
  holds(scope: Scope): boolean;
}

type Test = (text: string, scope: Scope) => boolean;

const FILE_TESTS: Readonly<Record<string, Test>> = {
  "-d": (path, { subject }) => subject.files.stat(path)?.isDirectory === true,
  "-f": (path, { subject }) => subject.files.stat(path)?.isFile === true,
  "-s": (path, { subject }) => {
    const found = subject.files.stat(path);
    return found?.isFile === true && found.size > 0;
  },
  "-l": (path, { subject }) => subject.files.isLink(path),
  "-L": (path, { subject }) => subject.files.isLink(path),
  "-h": (path, { subject }) => subject.files.isLink(path),
  "-x": (path, { subject }) => {
    const found = subject.files.stat(path);
    return found?.isFile === true && (found.mode & 0o111) !== 0;
  },
  "-F": (path, { subject }) => subject.isReachable("file", path),
  "-U": (path, { subject }) => subject.isReachable("url", path),
};

const NUMBERS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "-eq": (a, b) => a === b,
  "-ne": (a, b) => a !== b,
  "-lt": (a, b) => a < b,
  "-le": (a, b) => a <= b,
  "-gt": (a, b) => a > b,
  "-ge": (a, b) => a >= b,
};

/** As httpd orders texts: the longer one is greater. */
function compared(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

const TEXTS: readonly (readonly [string, (order: number) => boolean])[] = [
  ["<=", (order) => order <= 0],
  [">=", (order) => order >= 0],
  ["<", (order) => order < 0],
  [">", (order) => order > 0],
];

function number(text: string): number {
  return Number.parseInt(text, 10) || 0;
}

/** What the test string is asked. @throws ArgumentError */
function testOf(pattern: string, caseBlind: boolean, negated: boolean): Test {
  if (Object.hasOwn(FILE_TESTS, pattern)) return FILE_TESTS[pattern];
  const numeric = /^(-[a-z]{2})(.+)$/.exec(pattern);
  if (numeric !== null && Object.hasOwn(NUMBERS, numeric[1])) {
    const holds = NUMBERS[numeric[1]];
    const than = parseTemplate(numeric[2].trim());
    return (text, scope) => holds(number(text), number(than.expand(scope)));
  }
  const folded = caseBlind ? (text: string) => text.toLowerCase() : (text: string) => text;
  for (const [operator, holds] of TEXTS) {
    if (!pattern.startsWith(operator) || pattern.length === operator.length) continue;
    const than = parseTemplate(pattern.slice(operator.length));
    return (text, scope) => holds(compared(folded(text), folded(than.expand(scope))));
  }
  if (pattern.startsWith("=") && pattern.length > 1) {
    const same = parseTemplate(pattern === '=""' ? "" : pattern.slice(1));
    return (text, scope) => folded(text) === folded(same.expand(scope));
  }
  const regex = compileRegex(pattern, caseBlind ? "i" : "");
  return (text, scope) => {
    const found = regex.exec(text);
    if (found === null) return false;
    if (!negated) scope.condition = found;
    return true;
  };
}

/** `TestString CondPattern [flags]`. @throws ArgumentError */
export function parseRewriteCondition(test: string, given: string, flags: string | undefined): Condition {
  let or = false;
  let caseBlind = false;
  let varies = true;
  for (const { name } of splitFlags("RewriteCond", flags)) {
    const upper = name.toUpperCase();
    if (upper === "OR" || upper === "ORNEXT") or = true;
    else if (upper === "NC" || upper === "NOCASE") caseBlind = true;
    else if (upper === "NV" || upper === "NOVARY") varies = false;
    else throw new ArgumentError(`RewriteCond: unknown flag '${name}'`);
  }
  if (test.toLowerCase() === "expr") {
    const condition = explained("RewriteCond: cannot compile expression", () => parseCondition(given));
    return { or, varies, holds: ({ subject }) => evaluateCondition(condition, subject) };
  }
  const negated = given.startsWith("!");
  const template = parseTemplate(test);
  const holds = testOf(negated ? given.slice(1) : given, caseBlind, negated);
  return { or, varies, holds: (scope) => holds(template.expand(scope), scope) !== negated };
}
