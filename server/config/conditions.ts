// Is a block of the configuration read or skipped? The tests of <IfModule>, <IfDefine> and their kin; each is one row.

import { isAbsolute, join } from "@std/path";
import type { Context, DirectiveFacts } from "./directives.ts";
import { ArgumentError } from "./errors.ts";
import { compileRegex } from "./regex.ts";

/** What the tests ask about; all of it as it stands at that line. */
export interface Facts {
  /** The version that <IfVersion> compares with, such as "2.4.66". */
  readonly version: string;
  serverRoot(): string;
  isDefined(name: string): boolean;
  hasModule(name: string): boolean;
  /** A section is asked for as `<Name>`. */
  hasDirective(name: string): boolean;
  exists(path: string): boolean;
}

const ANYWHERE: readonly Context[] = ["server config", "virtual host", "directory", ".htaccess"];

type Test = (args: readonly string[], facts: Facts) => boolean;

/** A conditional section. */
interface ConditionRow {
  /** Without brackets. */
  readonly name: string;
  readonly argument: string;
  readonly help: string;
  readonly differs?: string;
  readonly test: Test;
}

/** A test of one name, `!` before it negates. */
function oneName(
  row: Omit<ConditionRow, "test">,
  test: (name: string, facts: Facts) => boolean,
): ConditionRow {
  return {
    ...row,
    test(args, facts) {
      const [arg] = args;
      if (args.length > 1) throw new ArgumentError(`<${row.name}> takes one argument`);
      const negated = arg.startsWith("!");
      const name = negated ? arg.slice(1) : arg;
      if (name === "") throw new ArgumentError(`<${row.name}> directive requires additional arguments`);
      return test(name, facts) !== negated;
    },
  };
}

const ROWS: readonly ConditionRow[] = [
  oneName({
    name: "IfModule",
    argument: "[!]module",
    help: "Read only if the module is there: mpm_event_module or event.c, dir_module or mod_dir.c",
    differs: "Modules are built in: it holds for them with or without LoadModule.",
  }, (name, facts) => facts.hasModule(name)),
  oneName(
    { name: "IfDefine", argument: "[!]name", help: "Read only if the name is set by Define or -D" },
    (name, facts) => facts.isDefined(name),
  ),
  oneName(
    { name: "IfDirective", argument: "[!]name", help: "Read only if there is such a directive" },
    (name, facts) => facts.hasDirective(name),
  ),
  oneName(
    { name: "IfSection", argument: "[!]name", help: "Read only if there is such a section" },
    (name, facts) => facts.hasDirective(`<${name}>`),
  ),
  oneName(
    { name: "IfFile", argument: "[!]file", help: "Read only if the file exists" },
    (name, facts) => facts.exists(isAbsolute(name) ? name : join(facts.serverRoot(), name)),
  ),
  {
    name: "IfVersion",
    argument: "[[!]operator] version",
    help: "Compares with the version of httpd whose language this is",
    test: (args, facts) => ifVersion(args, facts.version),
  },
];

const BY_NAME: ReadonlyMap<string, Test> = new Map(ROWS.map(({ name, test }) => [name.toLowerCase(), test]));

/** The test of a conditional section, by its name in lower case; undefined for other sections. */
export function conditionOf(name: string): Test | undefined {
  return BY_NAME.get(name);
}

/** The conditional sections. */
export const conditionFacts: readonly DirectiveFacts[] = ROWS.map(({ name, argument, help, differs }) => ({
  name: `<${name}>`,
  contexts: ANYWHERE,
  syntax: `<${name} ${argument}>`,
  help,
  override: "All",
  differs,
}));

/** `[[!]operator] version` (mod_version). */
function ifVersion(args: readonly string[], version: string): boolean {
  if (args.length > 2) throw new ArgumentError("<IfVersion> takes an operator and a version");
  const [operator, wanted] = args.length === 2 ? args : ["=", args[0]];
  const negated = operator.startsWith("!") && operator.length > 1;
  return compareVersion(negated ? operator.slice(1) : operator, wanted, version) !== negated;
}

function compareVersion(operator: string, wanted: string, version: string): boolean {
  const slashed = /^\/(.*)\/$/s.exec(wanted);
  if (operator === "~") return compileRegex(slashed?.[1] ?? wanted).test(version);
  if ((operator === "=" || operator === "==") && slashed !== null) {
    return compileRegex(slashed[1]).test(version);
  }
  const order = versionOrder(version, wanted);
  switch (operator) {
    case "=":
    case "==":
      return order === 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
  }
  throw new ArgumentError(`<IfVersion> does not know the operator '${operator}'`);
}

function versionOrder(version: string, wanted: string): number {
  if (!/^\d{1,9}(?:\.\d{1,9}){0,2}$/.test(wanted)) {
    throw new ArgumentError(`<IfVersion>: '${wanted}' is not a version`);
  }
  const left = version.split(".").map(Number);
  const right = wanted.split(".").map(Number);
  for (let part = 0; part < 3; part++) {
    const difference = (left[part] ?? 0) - (right[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
