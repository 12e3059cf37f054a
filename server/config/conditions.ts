// Is a block of the configuration read or skipped? The tests of <IfModule>, <IfDefine> and their kin; each is one row.

import { isAbsolute, join } from "@std/path";
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

type Test = (args: readonly string[], facts: Facts) => boolean;

/** A test of one name, `!` before it negates. */
function oneName(section: string, test: (name: string, facts: Facts) => boolean): Test {
  return (args, facts) => {
    const [arg] = args;
    if (args.length > 1) throw new ArgumentError(`<${section}> takes one argument`);
    const negated = arg.startsWith("!");
    const name = negated ? arg.slice(1) : arg;
    if (name === "") throw new ArgumentError(`<${section}> directive requires additional arguments`);
    return test(name, facts) !== negated;
  };
}

const CONDITIONS: ReadonlyMap<string, Test> = new Map([
  ["ifmodule", oneName("IfModule", (name, facts) => facts.hasModule(name))],
  ["ifdefine", oneName("IfDefine", (name, facts) => facts.isDefined(name))],
  ["ifdirective", oneName("IfDirective", (name, facts) => facts.hasDirective(name))],
  ["ifsection", oneName("IfSection", (name, facts) => facts.hasDirective(`<${name}>`))],
  [
    "iffile",
    oneName(
      "IfFile",
      (name, facts) => facts.exists(isAbsolute(name) ? name : join(facts.serverRoot(), name)),
    ),
  ],
  ["ifversion", (args, facts) => ifVersion(args, facts.version)],
]);

/** The test of a conditional section, by its name in lower case; undefined for other sections. */
export function conditionOf(name: string): Test | undefined {
  return CONDITIONS.get(name);
}

/** The names of the conditional sections, in lower case. */
export function conditionNames(): Iterable<string> {
  return CONDITIONS.keys();
}

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
