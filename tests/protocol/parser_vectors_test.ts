// Does the parser understand every vector, whole and however it is cut?

import { assert, assertEquals } from "@std/assert";
import type { ParserOptions } from "../../server/http/parser/mod.ts";
import { drive, type Seen, type SeenRequest } from "./drive.ts";
import {
  expand,
  type ExpectedRequest,
  latin1Bytes,
  loadVectors,
  type Vector,
  type VectorText,
} from "./vectors.ts";

/** Longer inputs are not cut at every position. */
const SHORT = 300;

function parserOptions(vector: Vector): ParserOptions {
  const { registeredMethods, ...options } = vector.options ?? {};
  return { ...options, strict: vector.mode !== "Unsafe", registeredMethods: new Set(registeredMethods) };
}

function expandAll(texts: Readonly<Record<string, VectorText>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, expand(text)]));
}

/** The members of `seen` that `expected` has. */
function comparable(seen: SeenRequest, expected: ExpectedRequest): unknown {
  const actual: Record<string, unknown> = {};
  for (const key of Object.keys(expected) as (keyof ExpectedRequest)[]) {
    if (key === "absent") actual.absent = expected.absent!.filter((name) => seen.headers[name] === undefined);
    else if (key === "headers") actual.headers = pick(seen.headers, Object.keys(expected.headers!));
    else actual[key] = seen[key];
  }
  return actual;
}

function pick(record: SeenRequest["headers"], names: string[]): SeenRequest["headers"] {
  return Object.fromEntries(names.map((name) => [name, record[name]]));
}

function expanded(expected: ExpectedRequest): unknown {
  return {
    ...expected,
    target: expand(expected.target),
    ...(expected.headers && { headers: expandAll(expected.headers) }),
    ...(expected.trailers && { trailers: expandAll(expected.trailers) }),
  };
}

function check(vector: Vector, seen: Seen, how: string): void {
  const label = `${vector.name} (${how})`;
  const { requests, then } = seen;
  assertEquals(requests.length, vector.expect.length, `${label}: ${JSON.stringify({ requests, then })}`);
  for (const [index, expected] of vector.expect.entries()) {
    assertEquals(comparable(requests[index], expected), expanded(expected), label);
  }
  if (typeof vector.then === "object" && typeof then === "object") {
    assertEquals(then.error, vector.then.error, label);
    if (vector.then.ah !== undefined) assertEquals(then.ah, vector.then.ah, label);
  } else {
    assertEquals(then, vector.then, label);
  }
  if (vector.close !== undefined) {
    const last = requests[requests.length - 1];
    assertEquals(last.closeAfter || !last.keepAlive, vector.close, label);
  }
}

const vectors = loadVectors();

Deno.test("vectors: at least 400, each with a name of its own", () => {
  const names = [...vectors.values()].flat().map((vector) => vector.name);
  assert(names.length >= 400);
  assertEquals(new Set(names).size, names.length);
});

for (const [file, list] of vectors) {
  Deno.test(`vectors, ${file}: whole`, () => {
    for (const vector of list) {
      check(vector, drive(latin1Bytes(expand(vector.input)), parserOptions(vector)), "whole");
    }
  });

  Deno.test(`vectors, ${file}: byte by byte`, () => {
    for (const vector of list) {
      const input = latin1Bytes(expand(vector.input));
      check(vector, drive(input, parserOptions(vector), input.keys()), "byte by byte");
    }
  });

  Deno.test(`vectors, ${file}: cut at every position`, () => {
    for (const vector of list) {
      const input = latin1Bytes(expand(vector.input));
      if (input.length > SHORT) continue;
      for (const cut of input.keys()) {
        check(vector, drive(input, parserOptions(vector), [cut]), `cut at ${cut}`);
      }
    }
  });
}
