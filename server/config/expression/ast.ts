// What does an expression consist of? Plain data: conditions, words that make text, lists of words.

import type { Subnet } from "../subnet.ts";
import type { FunctionName, UnaryName, VariableName } from "./vocabulary.ts";

/** How two words are compared. */
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

/** True or false. */
export type Condition =
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "not"; readonly of: Condition }
  | { readonly kind: "and" | "or"; readonly of: readonly Condition[] }
  | {
    readonly kind: "compare";
    readonly operator: Comparison;
    /** Text, whole numbers, or text of which the shorter comes first (SSLRequire). */
    readonly by: "text" | "number" | "length";
    readonly left: Word;
    readonly right: Word;
  }
  | { readonly kind: "regex"; readonly subject: Word; readonly regex: RegExp; readonly negated: boolean }
  | { readonly kind: "in"; readonly subject: Word; readonly list: readonly Word[] }
  | { readonly kind: "test"; readonly name: UnaryName; readonly subject: Word }
  | {
    readonly kind: "match";
    readonly subject: Word;
    readonly pattern: Word;
    readonly name: "fnmatch" | "strmatch" | "strcmatch";
  }
  /** -ipmatch, and -R with the client's address for a subject. */
  | { readonly kind: "address"; readonly subject: Word; readonly subnet: Subnet };

/** Text. */
export type Word =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "concat"; readonly parts: readonly Word[] }
  | { readonly kind: "variable"; readonly name: VariableName }
  /** `$0` to `$9`: what the last regular expression with groups that matched has found. */
  | { readonly kind: "backreference"; readonly group: number }
  | { readonly kind: "call"; readonly name: FunctionName; readonly args: readonly Word[] };
