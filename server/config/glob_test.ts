// Do patterns match what fnmatch(3) matches?

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { compileGlob, isGlob } from "./glob.ts";

Deno.test("glob: wildcards, classes and escapes", () => {
  const rows: [pattern: string, text: string, plain: boolean, pathname: boolean][] = [
    ["*.conf", "a.conf", true, true],
    ["*.conf", "a.conf.bak", false, false],
    ["a?c", "abc", true, true],
    ["a?c", "a/c", true, false],
    ["/a/*/c", "/a/b/c", true, true],
    ["/a/*/c", "/a/b/b/c", true, false],
    ["/a/*", "/a/", true, true],
    ["[a-c]x", "bx", true, true],
    ["[!a-c]x", "bx", false, false],
    ["[^a]", "/", true, false],
    ["[]x]", "]", true, true],
    ["a[", "a[", true, true],
    ["\\*", "*", true, true],
    ["\\*", "a", false, false],
    ["*a*b", "xaybab", true, true],
    ["*a*b", "xayba", false, false],
    ["*", "", true, true],
    ["", "", true, true],
    ["", "a", false, false],
  ];
  for (const [pattern, text, plain, pathname] of rows) {
    assertEquals(compileGlob(pattern)(text), plain, `${pattern} ${text}`);
    assertEquals(compileGlob(pattern, { pathname: true })(text), pathname, `${pattern} ${text} (pathname)`);
  }
});

Deno.test("glob: only *, ? and closed brackets make a pattern", () => {
  for (const pattern of ["*", "a?", "[a]"]) assertEquals(isGlob(pattern), true, pattern);
  for (const name of ["a", "a[", "a]", "\\*", "\\?x"]) assertEquals(isGlob(name), false, name);
});

Deno.test("glob: stars and literals match as the regular expression of the same meaning", () => {
  const pattern = fc.array(fc.constantFrom("a", "b", "/", "*", "?"), { maxLength: 8 }).map((parts) =>
    parts.join("")
  );
  const text = fc.array(fc.constantFrom("a", "b", "/"), { maxLength: 10 }).map((parts) => parts.join(""));
  fc.assert(fc.property(pattern, text, fc.boolean(), (glob, subject, pathname) => {
    const one = pathname ? "[^/]" : ".";
    const source = [...glob].map((char) => char === "?" ? one : char === "*" ? `${one}*` : char).join("");
    const regex = new RegExp(`^${source}$`);
    assertEquals(compileGlob(glob, { pathname })(subject), regex.test(subject));
  }));
});
