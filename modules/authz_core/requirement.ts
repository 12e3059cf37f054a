// Who may have a resource? Requirements as a tree: checks, and groups of which all, any or none must hold; how trees of several
// sections are put together, and what a tree says of a request.

import { holdsFor, type MethodFilter } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";

/** What one `Require` line asks. */
export interface Check {
  /** The answer is the same for every GET of a resource: it needs not be asked again. */
  readonly constant: boolean;
  /** A promise: something has to be found out first; to be asked again when it has settled. */
  test(exchange: Exchange): boolean | Promise<unknown>;
}

/** Knows one kind of `Require` line. */
export interface AuthzProvider {
  /** The first word behind Require, in lower case. */
  readonly name: string;
  /** Reads what follows, as words and as it is written. @throws ArgumentError */
  parse(args: readonly string[], rest: string): Check;
}

interface Node {
  readonly negated: boolean;
}

/** A `Require` line. */
export interface Line extends Node {
  readonly kind: "line";
  readonly methods: MethodFilter | undefined;
  readonly check: Check;
}

/** A `<RequireAll>` and its kin, or what a section has outside of them. */
export interface Group extends Node {
  readonly kind: "group";
  readonly logic: "all" | "any";
  readonly of: Requirement[];
}

/** A part of the tree. */
export type Requirement = Line | Group;

/** How `Require` lines of a section go with those of the section around it (AuthMerging). */
export type Merging = "off" | "and" | "or";

/** The authorization of a place. */
export interface Authorization {
  root: Group | undefined;
  merging: Merging | undefined;
  /** Groups that are being read, the innermost last. */
  readonly open: Group[];
}

/** A group without members. */
export function makeGroup(logic: Group["logic"], negated = false): Group {
  return { kind: "group", logic, negated, of: [] };
}

/** What holds in a section within another. */
export function mergeAuthorization(base: Authorization, over: Authorization): Authorization {
  if (over.root === undefined && over.merging === undefined) return base;
  if (over.merging === undefined || over.merging === "off") return over;
  if (base.root === undefined || over.root === undefined) {
    return { root: over.root ?? base.root, merging: over.merging, open: [] };
  }
  const root = makeGroup(over.merging === "and" ? "all" : "any");
  root.of.push(base.root, over.root);
  return { root, merging: over.merging, open: [] };
}

/** True when the tree says the same of every GET. */
export function isConstant(node: Requirement): boolean {
  return node.kind === "line" ? node.check.constant : node.of.every(isConstant);
}

/** neutral: nothing that counts has been said. */
type Outcome = "granted" | "denied" | "neutral";

/** What a whole tree says; a promise: ask again when it has settled. */
export function authorize(root: Group, exchange: Exchange): boolean | Promise<unknown> {
  const outcome = outcomeOf(root, exchange, "all");
  return outcome instanceof Promise ? outcome : outcome === "granted";
}

function outcomeOf(
  node: Requirement,
  exchange: Exchange,
  around: Group["logic"],
): Outcome | Promise<unknown> {
  // What is for other methods does not stand in the way of the rest.
  if (!concerns(node, exchange.method)) return around === "all" ? "granted" : "neutral";
  const outcome = node.kind === "line" ? outcomeOfLine(node, exchange) : outcomeOfGroup(node, exchange);
  if (outcome instanceof Promise || !node.negated) return outcome;
  // That somebody is not refused gives nobody access.
  return outcome === "granted" ? "denied" : "neutral";
}

function concerns(node: Requirement, method: string): boolean {
  return node.kind === "line"
    ? holdsFor(node.methods, method)
    : node.of.some((part) => concerns(part, method));
}

function outcomeOfLine({ check }: Line, exchange: Exchange): Outcome | Promise<unknown> {
  const passed = check.test(exchange);
  return passed instanceof Promise ? passed : passed ? "granted" : "denied";
}

function outcomeOfGroup({ logic, of }: Group, exchange: Exchange): Outcome | Promise<unknown> {
  const decisive: Outcome = logic === "all" ? "denied" : "granted";
  let outcome: Outcome = "neutral";
  for (const part of of) {
    const found = outcomeOf(part, exchange, logic);
    if (found instanceof Promise || found === decisive) return found;
    if (found !== "neutral") outcome = found;
  }
  return outcome;
}
