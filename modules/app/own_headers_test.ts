// Are our Headers some? Whatever is done to them, they say what the platform's say, and refuse what those refuse.

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { OwnHeaders, useOwnHeaders } from "./own_headers.ts";

const Native = Headers;
useOwnHeaders();

const name = fc.constantFrom("X-A", "x-a", "x-b", "Set-Cookie", "content-type", "a", "", "a b", "ö");
// No empty ones: when the platform joins it forgets one that comes first, which the Fetch standard does not.
const value = fc.constantFrom("1", " 2\t", "a, b", "größer", "☃", "a\nb", "a\0", "\x01");
const operation = fc.record({
  what: fc.constantFrom(
    "set",
    "append",
    "delete",
    "get",
    "has",
    "getSetCookie",
    "entries",
    "keys",
    "values",
    "forEach",
    "copy",
  ),
  name,
  value,
});
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** What comes of `operations`, in turn. */
function results(kind: typeof Headers, operations: readonly Operation[]): unknown[] {
  let headers = new kind({ "X-B": "first" });
  return operations.map(({ what, name, value }) => {
    try {
      if (what === "copy") {
        headers = new kind(headers);
        return [...headers];
      }
      if (what === "forEach") {
        const seen: string[] = [];
        headers.forEach((value, name) => seen.push(name, value));
        return seen;
      }
      const method = Reflect.get(headers, what) as (...args: string[]) => unknown;
      const result = method.call(headers, name, value);
      return typeof result === "object" && result !== null ? [...result as Iterable<unknown>] : result;
    } catch (error) {
      return [(error as Error).name, (error as Error).message];
    }
  });
}

Deno.test("Headers: the same as the platform's, whatever is done to them", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 12 }), (operations) => {
      assertEquals(results(Headers, operations), results(Native, operations));
    }),
    { numRuns: 500 },
  );
});

Deno.test("Headers: the platform takes ours, and its own are some", () => {
  const made = new Headers([["x-a", "1"], ["X-A", "2"]]);
  assert(OwnHeaders.is(made) && made instanceof Headers && made instanceof Native);
  assert(
    new Native() instanceof Headers && new Native().constructor === Headers && Headers.name === "Headers",
  );
  assertEquals([...new Native(made)], [["x-a", "1, 2"]]);
  assertEquals(new Request("http://a/", { headers: made }).headers.get("x-a"), "1, 2");
  assertEquals(Deno.inspect(made), Deno.inspect(new Native(made)));
});
