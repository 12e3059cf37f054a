// Who may have a resource? Requirements as a tree: checks, and groups of which all, any or none must hold; how trees of several
// sections are put together, and what a tree says of a request.

import { holdsFor, type MethodFilter } from "../../server/config/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";

/** That nobody can tell before there is a user. */
export const NO_USER = "no user";

/** What a check says; a promise: something has to be found out first, and it is to be asked again when that has settled. */
export type Tested = boolean | typeof NO_USER | Promise<unknown>;

/** What one `Require` line asks. */
export interface Check {
  /** The answer is the same for every GET of a resource: it needs not be asked again. */
  readonly constant: boolean;
  test(exchange: Exchange): Tested;
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
  /** AuthzSendForbiddenOnFailure. */
  forbids: boolean | undefined;
  /** Groups that are being read, the innermost last. */
  readonly open: Group[];
}

/** A group without members. */
export function makeGroup(logic: Group["logic"], negated = false): Group {
  return { kind: "group", logic, negated, of: [] };
}

/** What holds in a section within another. */
export function mergeAuthorization(base: Authorization, over: Authorization): Authorization {
  const forbids = over.forbids ?? base.forbids;
  if (over.root === undefined && over.merging === undefined) return { ...base, forbids };
  if (over.merging === undefined || over.merging === "off") return { ...over, forbids };
  if (base.root === undefined || over.root === undefined) {
    return { root: over.root ?? base.root, merging: over.merging, forbids, open: [] };
  }
  const root = makeGroup(over.merging === "and" ? "all" : "any");
  root.of.push(base.root, over.root);
  return { root, merging: over.merging, forbids, open: [] };
}

/** True when the tree says the same of every GET. */
export function isConstant(node: Requirement): boolean {
  return node.kind === "line" ? node.check.constant : node.of.every(isConstant);
}

/** neutral: nothing that counts has been said; no user: denied, but a user might change that. */
export type Outcome = "granted" | "denied" | "neutral" | typeof NO_USER;

/** What a whole tree says; a promise: ask again when it has settled. */
export function authorize(root: Group, exchange: Exchange): Outcome | Promise<unknown> {
  return outcomeOf(root, exchange, "all");
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
  const tested = check.test(exchange);
  return typeof tested !== "boolean" ? tested : tested ? "granted" : "denied";
}

/**
 * The first that decides, decides. Otherwise the last that says something; a user is wanted only where one could make a difference:
 * in a <RequireAll> nothing else is denied, in a <RequireAny> nothing is granted.
 */
function outcomeOfGroup({ logic, of }: Group, exchange: Exchange): Outcome | Promise<unknown> {
  const decisive: Outcome = logic === "all" ? "denied" : "granted";
  let outcome: Outcome = "neutral";
  for (const part of of) {
    const found = outcomeOf(part, exchange, logic);
    if (found instanceof Promise || found === decisive) return found;
    if (outcome === "neutral" || found === NO_USER) outcome = found;
  }
  return outcome;
}
