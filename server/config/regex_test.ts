// Do regular expressions written for PCRE mean the same here?

import { assertEquals, assertThrows } from "@std/assert";
import { ArgumentError } from "./errors.ts";
import { compileRegex } from "./regex.ts";

Deno.test("regex: what PCRE spells otherwise is translated", () => {
  const rows: readonly (readonly [source: string, text: string, expected: boolean])[] = [
    ["(?i)AB", "ab", true],
    ["\\Aab\\z", "ab", true],
    ["\\Aab\\z", "xab", false],
    ["b\\Z", "b\n", true],
    ["^[[:alpha:]_-]+$", "a_B-", true],
    ["^[[:alpha:]]+$", "a1", false],
    ["[^[:digit:]]", "12", false],
    ["[]x]", "]", true],
    ["[^]x]", "]", false],
    ["[[]", "[", true],
    ["(?P<n>a)\\k<n>", "aa", true],
    ["a(?#no (matter)b", "ab", true],
    ["a.b", "a\nb", true],
    ["a\\hb", "a\tb", true],
    ["\\.(jpe?g|png)$", "x.jpeg", true],
  ];
  for (const [source, text, expected] of rows) {
    assertEquals(compileRegex(source).test(text), expected, `${source} ${text}`);
  }
});

Deno.test("regex: what JavaScript has not is refused", () => {
  for (const source of ["(", "a++", "(?>a)", "\\Qa\\E", "[[:nope:]]", "[a", "(?#"]) {
    assertThrows(() => compileRegex(source), ArgumentError, "does not compile");
  }
});
