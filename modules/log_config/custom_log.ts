// What do the arguments of CustomLog and LogFormat mean? Where to write, in which format, and which requests.

import { ArgumentError } from "../../server/config/mod.ts";
import {
  type Condition,
  evaluateCondition,
  explained,
  type ExpressionSubject,
  parseCondition,
} from "../../server/config/expression/mod.ts";
import { type OutputTarget, parseTarget } from "../../server/log/target.ts";
import type { LogRecord } from "./record.ts";

/** httpd's built-in format, "common". */
export const COMMON = '%h %l %u %t "%r" %>s %b';
/** Ours: an object a line, for programs that read logs. */
const JSON_FORMAT =
  "json: time=%{%FT%T%z}t client=%a user=%u host=%v method=%m request=%r protocol=%H status=%>s " +
  "bytes=%B duration_us=%D keep_alive=%k connection=%X pid=%P log_id=%L referer=%{Referer}i user_agent=%{User-Agent}i";

const BUILT_IN: ReadonlyMap<string, string> = new Map([
  ["CLF", COMMON],
  ["common", COMMON],
  ["json", JSON_FORMAT],
]);

/**
 * The format that a nickname or format stands for: what LogFormat has defined, then what is built in, else itself.
 * @param nicknames what LogFormat has defined
 */
export function resolveFormat(name: string, nicknames: ReadonlyMap<string, string>): string {
  return nicknames.get(name) ?? BUILT_IN.get(name) ?? name;
}

/** Which requests are logged: those that have (or, negated, have not) an environment variable, or meet an expression. */
export type LogCondition =
  | { readonly kind: "env"; readonly name: string; readonly negated: boolean }
  | { readonly kind: "expr"; readonly expression: Condition };

/** What a CustomLog line says. */
export interface CustomLog {
  readonly target: OutputTarget;
  /** A nickname or a format. undefined: TransferLog, or CustomLog without one: what LogFormat without a nickname says. */
  readonly format: string | undefined;
  readonly condition: LogCondition | undefined;
}

function parseLogCondition(text: string): LogCondition {
  const [, kind, value] = /^(env|expr)=(.*)$/is.exec(text) ?? [];
  if (kind === undefined) throw new ArgumentError("error in condition clause");
  if (kind.toLowerCase() === "expr") {
    if (value.trim() === "") throw new ArgumentError("missing expression behind expr=");
    const expression = explained("Error in condition clause", () => parseCondition(value));
    return { kind: "expr", expression };
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
export function parseCustomLog(args: readonly string[], serverRoot: string): CustomLog {
  const [target = "", format, condition] = args;
  return {
    target: parseTarget(target, serverRoot),
    format,
    condition: condition === undefined ? undefined : parseLogCondition(condition),
  };
}

/** Says of a request whether it is logged; `subject` gives it as expressions see it. */
export function compileCondition(
  condition: LogCondition,
  subject: () => ExpressionSubject,
): (record: LogRecord) => boolean {
  if (condition.kind === "expr") return () => evaluateCondition(condition.expression, subject());
  const { name, negated } = condition;
  return (record) => (record.env(name) !== undefined) !== negated;
}
