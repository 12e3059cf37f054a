// Which assertions do the tests use? `@std/assert`, taken from npm:deno-std, which ships no types: they are declared here.

// deno-lint-ignore-file no-explicit-any -- the declarations of an untyped package
import { assert as assertJs } from "npm:deno-std@1.4.0/assert/assert.js";
import { assertEquals as equalsJs } from "npm:deno-std@1.4.0/assert/equals.js";
import { assertNotEquals as notEqualsJs } from "npm:deno-std@1.4.0/assert/not_equals.js";
import { assertStrictEquals as strictEqualsJs } from "npm:deno-std@1.4.0/assert/strict_equals.js";
import { assertMatch as matchJs } from "npm:deno-std@1.4.0/assert/match.js";
import { assertStringIncludes as includesJs } from "npm:deno-std@1.4.0/assert/string_includes.js";
import { assertThrows as throwsJs } from "npm:deno-std@1.4.0/assert/throws.js";
import { assertRejects as rejectsJs } from "npm:deno-std@1.4.0/assert/rejects.js";

type ErrorClass<E extends Error> = abstract new (...args: any[]) => E;

/** Fails unless `condition` is truthy. */
export const assert: (condition: unknown, msg?: string) => asserts condition = assertJs;

/** Fails unless both are deeply equal. */
export const assertEquals: <T>(actual: T, expected: T, msg?: string) => void = equalsJs;

/** Fails if both are deeply equal. */
export const assertNotEquals: <T>(actual: T, expected: T, msg?: string) => void = notEqualsJs;

/** Fails unless both are the same value (`Object.is`). */
export const assertStrictEquals: <T>(actual: unknown, expected: T, msg?: string) => void = strictEqualsJs;

/** Fails unless `actual` matches `expected`. */
export const assertMatch: (actual: string, expected: RegExp, msg?: string) => void = matchJs;

/** Fails unless `expected` is a part of `actual`. */
export const assertStringIncludes: (actual: string, expected: string, msg?: string) => void = includesJs;

/** Fails unless `fn` throws (an `errorClass` whose message includes `includes`); returns what was thrown. */
export const assertThrows: <E extends Error = Error>(
  fn: () => unknown,
  errorClass?: ErrorClass<E>,
  includes?: string,
) => E = throwsJs;

/** Fails unless the promise of `fn` rejects (with an `errorClass` whose message includes `includes`). */
export const assertRejects: <E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  errorClass?: ErrorClass<E>,
  includes?: string,
) => Promise<E> = rejectsJs;
