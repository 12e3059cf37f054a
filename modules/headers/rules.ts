// What does a line of Header or RequestHeader do to fields? Actions and conditions, compiled once.

import {
  type Condition,
  evaluateCondition,
  explained,
  parseCondition,
} from "../../server/config/expression/mod.ts";
import { ArgumentError, compileRegex } from "../../server/config/mod.ts";
import { isFieldName } from "../../server/http/content/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { substituted } from "../../server/request/pattern_text.ts";
import { type CompiledValue, compileValue } from "./values.ts";

/** Fields that a rule may change, in order; the media type is apart, as it is in replies. */
export interface FieldTable {
  fields: (readonly [name: string, value: string])[];
  contentType?: string;
}

/** One line. */
export interface Rule {
  /** Answers depend on the request because of it. */
  readonly varies: boolean;
  /** Before anything else is done with the request. */
  readonly early: boolean;
  apply(table: FieldTable, exchange: Exchange): void;
}

type Act = (table: FieldTable, exchange: Exchange) => void;

const same = (name: string) => {
  const lower = name.toLowerCase();
  return ([field]: readonly [string, string]) => field.toLowerCase() === lower;
};

function setField(table: FieldTable, name: string, value: string): void {
  const isIt = same(name);
  const at = table.fields.findIndex(isIt);
  if (at < 0) table.fields.push([name, value]);
  else {table.fields = [
      ...table.fields.slice(0, at),
      [name, value],
      ...table.fields.slice(at + 1).filter((field) => !isIt(field)),
    ];}
}

function valueOf(table: FieldTable, name: string): string | undefined {
  const values = table.fields.filter(same(name)).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

const isType = (name: string, table: FieldTable): boolean =>
  name.toLowerCase() === "content-type" && "contentType" in table;

/** The actions that take a value. */
const ACTIONS: Readonly<Record<string, (table: FieldTable, name: string, value: string) => void>> = {
  set(table, name, value) {
    if (isType(name, table)) table.contentType = value;
    else setField(table, name, value);
  },
  setifempty(table, name, value) {
    if (isType(name, table)) table.contentType ??= value;
    else if (valueOf(table, name) === undefined) table.fields.push([name, value]);
  },
  add: (table, name, value) => void table.fields.push([name, value]),
  append(table, name, value) {
    const before = valueOf(table, name);
    setField(table, name, before === undefined ? value : `${before}, ${value}`);
  },
  merge(table, name, value) {
    const before = valueOf(table, name);
    if (before === undefined) return setField(table, name, value);
    if (!before.split(",").some((part) => part.trim() === value)) {
      setField(table, name, `${before}, ${value}`);
    }
  },
};

/** `edit` and `edit*`: the value is a regular expression, and a replacement follows. */
function editAct(
  name: string,
  source: string,
  replacement: string,
  all: boolean,
): { act: Act; constant: boolean } {
  const regex = compileRegex(source, all ? "g" : "");
  const { text, constant } = compileValue(replacement);
  const edited = (value: string, exchange: Exchange) => {
    const template = text(exchange);
    if (!all) {
      const found = regex.exec(value);
      if (found === null) return value;
      return value.slice(0, found.index) + substituted(template, found) +
        value.slice(found.index + found[0].length);
    }
    let result = "";
    let at = 0;
    for (const found of value.matchAll(regex)) {
      result += value.slice(at, found.index) + substituted(template, found);
      at = found.index + found[0].length;
    }
    return result + value.slice(at);
  };
  const isIt = same(name);
  return {
    constant,
    act(table, exchange) {
      if (isType(name, table)) {
        if (table.contentType !== undefined) table.contentType = edited(table.contentType, exchange);
      } else {
        table.fields = table.fields.map((field) =>
          isIt(field) ? [field[0], edited(field[1], exchange)] : field
        );
      }
    },
  };
}

/** Fields of the request that a name, as a regular expression, matches go into the response. */
function echoAct(source: string): Act {
  const names = compileRegex(source, "i");
  return (table, { head }) => {
    for (const [name, value] of head.entries()) if (names.test(name)) table.fields.push([name, value]);
  };
}

/** The last argument, if it is a condition. */
function conditionOf(
  word: string | undefined,
): { test: (exchange: Exchange) => boolean; early: boolean } | undefined {
  const lower = word?.toLowerCase() ?? "";
  if (lower === "early") return { test: () => true, early: true };
  if (lower.startsWith("env=")) {
    const [, negated, name] = /^env=(!?)(.*)$/is.exec(word!)!;
    return {
      test: ({ environment }) => (environment?.has(name) === true) === (negated === ""),
      early: false,
    };
  }
  if (!lower.startsWith("expr=")) return undefined;
  const condition: Condition = explained(
    "Can't parse envclause/expression",
    () => parseCondition(word!.slice("expr=".length)),
  );
  return { test: (exchange) => evaluateCondition(condition, exchange.subject), early: false };
}

/** How many arguments stand behind the name of the field. */
function argumentCount(action: string): number {
  if (action === "edit" || action === "edit*") return 2;
  return action === "unset" || action === "echo" ? 0 : 1;
}

/** Compiles `action field [value [replacement]] [condition]`. @throws ArgumentError */
export function compileRule(words: readonly string[], ofResponse: boolean): Rule {
  const [word = "", given = "", ...rest] = words;
  const action = word.toLowerCase();
  // People write the colon too.
  const name = given.replace(/:$/, "");
  const known = Object.hasOwn(ACTIONS, action) || ["edit", "edit*", "unset"].includes(action) ||
    (ofResponse && (action === "echo" || action === "note"));
  if (!known) {
    throw new ArgumentError(
      `first argument must be 'add', 'set', 'setifempty', 'append', 'merge', 'unset', ` +
        `${ofResponse ? "'echo', 'note', " : ""}'edit' or 'edit*', not "${word}"`,
      true,
    );
  }
  if (name === "") throw new ArgumentError("the name of the field is missing", true);
  if (action !== "echo" && !isFieldName(name)) throw new ArgumentError(`"${name}" is no name of a field`);
  const count = argumentCount(action);
  if (rest.length < count) {
    throw new ArgumentError(`${word} needs ${count === 2 ? "a value and a replacement" : "a value"}`, true);
  }
  if (rest.length > count + 1) throw new ArgumentError("has too many arguments", true);
  const clause = conditionOf(rest[count]);
  if (rest.length > count && clause === undefined) {
    throw new ArgumentError(`error: condition must be early, env= or expr=, not "${rest[count]}"`, true);
  }
  const { act, constant } = actOf(action, name, rest);
  const test = clause?.test;
  return {
    early: clause?.early === true,
    // What an environment is made of says itself on what it depends.
    varies: !constant || /^expr=/i.test(rest[count] ?? ""),
    apply(table, exchange) {
      if (test === undefined || test(exchange)) act(table, exchange);
    },
  };
}

function actOf(action: string, name: string, rest: readonly string[]): { act: Act; constant: boolean } {
  if (action === "edit" || action === "edit*") return editAct(name, rest[0], rest[1], action === "edit*");
  if (action === "echo") return { act: echoAct(name), constant: false };
  if (action === "unset") {
    const isIt = same(name);
    return {
      act: (table) => void (table.fields = table.fields.filter((field) => !isIt(field))),
      constant: true,
    };
  }
  const { text, constant }: CompiledValue = compileValue(rest[0]);
  if (action === "note") {
    return {
      constant: true,
      act(table, exchange) {
        const value = valueOf(table, name);
        if (value !== undefined) (exchange.notes ??= new Map()).set(text(exchange), value);
      },
    };
  }
  const change = ACTIONS[action];
  return { act: (table, exchange) => change(table, name, text(exchange)), constant };
}
