// Which rules hold where? The values of the directives of one place, and how those of an inner place meet those around it.

import type { Condition } from "./condition.ts";
import type { Rule } from "./rules.ts";

/** What RewriteOptions may say. */
export type Option =
  | "Inherit"
  | "InheritBefore"
  | "InheritDown"
  | "InheritDownBefore"
  | "IgnoreInherit"
  | "AllowNoSlash"
  | "AllowAnyURI"
  | "MergeBase"
  | "IgnoreContextInfo"
  | "LegacyPrefixDocRoot"
  | "UnsafePrefixStat";

const NAMES: readonly Option[] = [
  "Inherit",
  "InheritBefore",
  "InheritDown",
  "InheritDownBefore",
  "IgnoreInherit",
  "AllowNoSlash",
  "AllowAnyURI",
  "MergeBase",
  "IgnoreContextInfo",
  "LegacyPrefixDocRoot",
  "UnsafePrefixStat",
];

/** Options by their names in lower case. */
export const OPTIONS: ReadonlyMap<string, Option> = new Map(NAMES.map((name) => [name.toLowerCase(), name]));

/** The values of one place. */
export interface RewriteRules {
  engine: boolean | undefined;
  options: ReadonlySet<Option>;
  rules: readonly Rule[];
  /** Conditions of the rule that is still to come. */
  pending: readonly Condition[];
  /** RewriteBase, with a slash at its end. */
  base: string | undefined;
  /** The directory that patterns leave out, with a slash at its end; undefined: of a host, or none is known. */
  directory: string | undefined;
}

export function newRules(): RewriteRules {
  return {
    engine: undefined,
    options: new Set(),
    rules: [],
    pending: [],
    base: undefined,
    directory: undefined,
  };
}

function mergedRules(base: RewriteRules, over: RewriteRules): readonly Rule[] {
  const own = over.options;
  const above = base.options;
  if (own.has("InheritBefore")) return [...base.rules, ...over.rules];
  if (own.has("Inherit")) return [...over.rules, ...base.rules];
  if (own.has("IgnoreInherit")) return over.rules;
  if (above.has("InheritDownBefore")) return [...base.rules, ...over.rules];
  return above.has("InheritDown") ? [...over.rules, ...base.rules] : over.rules;
}

/** The rules of the inner place are its own, unless options say that it has those around it too. */
export function mergeRules(base: RewriteRules, over: RewriteRules): RewriteRules {
  const mergesBase = base.options.has("MergeBase") || over.options.has("MergeBase");
  return {
    engine: over.engine ?? base.engine,
    options: over.options.size > 0 ? over.options : base.options,
    rules: mergedRules(base, over),
    pending: [],
    base: over.base ?? (mergesBase ? base.base : undefined),
    directory: over.directory ?? base.directory,
  };
}
