// Are single fields changed without the others?

import { assertEquals } from "@std/assert";
import { fieldOf, merged, withField, without } from "./fields.ts";

Deno.test("fields: read, taken away and replaced by name, whatever its case, in their places", () => {
  const fields: [string, string][] = [["A", "1"], ["etag", '"x"'], ["B", "2"], ["ETag", '"y"']];
  assertEquals([fieldOf(fields, "etag"), fieldOf(fields, "c")], ['"x"', undefined]);
  assertEquals(without(fields, "etag"), [["A", "1"], ["B", "2"]]);
  assertEquals(withField(fields, "ETag", "z"), [["A", "1"], ["ETag", "z"], ["B", "2"]]);
  assertEquals(withField(fields, "C", "3").at(-1), ["C", "3"]);
});

Deno.test("fields: a member of a list is there once", () => {
  assertEquals(merged([], "Vary", "Accept"), [["Vary", "Accept"]]);
  assertEquals(merged([["vary", "Cookie"]], "Vary", "Accept"), [["Vary", "Cookie, Accept"]]);
  assertEquals(merged([["Vary", "a, ACCEPT"]], "Vary", "Accept"), [["Vary", "a, ACCEPT"]]);
  assertEquals(merged([["Vary", "*"]], "Vary", "Accept"), [["Vary", "*"]]);
  assertEquals(merged([["Vary", "a"], ["X", "1"], ["Vary", "b"]], "Vary", "c"), [["Vary", "a, b, c"], [
    "X",
    "1",
  ]]);
});
