// What do the arguments of CustomLog and LogFormat mean? Where to write, in which format, and which requests.

import { ArgumentError } from "../../server/config/mod.ts";
import type { LogRecord } from "./record.ts";

/** httpd's built-in format, "common". */
export const COMMON = '%h %l %u %t "%r" %>s %b';

const BUILT_IN: ReadonlyMap<string, string> = new Map([["CLF", COMMON], ["common", COMMON]]);

/**
 * The format that a nickname or format stands for: what LogFormat has defined, then what is built in, else itself.
 * @param nicknames what LogFormat has defined
 */
export function resolveFormat(name: string, nicknames: ReadonlyMap<string, string>): string {
  return nicknames.get(name) ?? BUILT_IN.get(name) ?? name;
}

/** Where a log goes: a file, or the standard input of a program, which a shell starts or the server itself. */
export type LogTarget =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "pipe"; readonly command: string; readonly shell: boolean };

/** Which requests are logged: those that have (or, negated, have not) an environment variable, or meet an expression. */
export type LogCondition =
  | { readonly kind: "env"; readonly name: string; readonly negated: boolean }
  | { readonly kind: "expr"; readonly expression: string };

/** What a CustomLog line says. */
export interface CustomLog {
  readonly target: LogTarget;
  /** A nickname or a format. undefined: TransferLog, or CustomLog without one: what LogFormat without a nickname says. */
  readonly format: string | undefined;
  readonly condition: LogCondition | undefined;
}

function parseTarget(text: string): LogTarget {
  if (!text.startsWith("|")) return { kind: "file", path: text };
  // "|$" asks for a shell; "||" is an older way not to.
  const [, mark, command] = /^\|([|$]?)\s*(.*)$/s.exec(text)!;
  if (command === "") throw new ArgumentError(`${text}: the program is missing`);
  return { kind: "pipe", command, shell: mark === "$" };
}

function parseCondition(text: string): LogCondition {
  const [, kind, value] = /^(env|expr)=(.*)$/is.exec(text) ?? [];
  if (kind === undefined) throw new ArgumentError("error in condition clause");
  if (kind.toLowerCase() === "expr") {
    if (value.trim() === "") throw new ArgumentError("missing expression behind expr=");
    return { kind: "expr", expression: value };
  }
  const negated = value.startsWith("!");
  const name = negated ? value.slice(1) : value;
  if (name === "") throw new ArgumentError("missing environment variable name");
  return { kind: "env", name, negated };
}

/**
 * Reads the arguments of CustomLog (target, format, condition) and TransferLog (target).
 * @throws ArgumentError for a target, or a condition, that is none
 */
export function parseCustomLog(args: readonly string[]): CustomLog {
  const [target, format, condition] = args;
  if (target === undefined || target === "") throw new ArgumentError("the file to log to is missing");
  return {
    target: parseTarget(target),
    format,
    condition: condition === undefined ? undefined : parseCondition(condition),
  };
}

/** Says of a request whether it is logged. @throws ArgumentError for an expression: there is nothing yet that evaluates them */
export function compileCondition(condition: LogCondition): (record: LogRecord) => boolean {
  if (condition.kind === "expr") throw new ArgumentError(`expr=${condition.expression}: not supported yet`);
  const { name, negated } = condition;
  return (record) => (record.env(name) !== undefined) !== negated;
}
