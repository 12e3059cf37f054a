// How do two names differ?

import { assertEquals } from "@std/assert";
import { difference } from "./correction.ts";

Deno.test("speling: one letter more, less, another or two in the wrong order; not more", () => {
  const cases = [
    ["Hello.html", "hello.html", "miscapitalized"],
    ["helo.html", "hello.html", "character missing"],
    ["hello.htm", "hello.html", "character missing"],
    ["hellloo", "hellloox", "character missing"],
    ["helllo.html", "hello.html", "extra character"],
    ["hallo.html", "hello.html", "mistyped character"],
    ["HLELO.html", "hello.html", "transposed characters"],
    ["hxllx.html", "hello.html", undefined],
    ["a", "", "extra character"],
    ["", "a", "character missing"],
    ["ab", "ba", "transposed characters"],
  ] as const;
  for (const [bad, good, expected] of cases) assertEquals(difference(bad, good), expected, `${bad}, ${good}`);
});
