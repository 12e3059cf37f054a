// Which directory does a pattern name? As Debian's apache2 2.4.71 has it.

import { assertEquals, assertThrows } from "@std/assert";
import { ArgumentError } from "../../server/config/mod.ts";
import { directoryOf, parsePattern } from "./mod.ts";

Deno.test("vhost_alias: labels and letters of the name", () => {
  const cases = {
    "/v/%0": "/v/www.example.org",
    "/v/%0/": "/v/www.example.org",
    "/%1/%2/%3/%4": "/www/example/org/_",
    "/%-1/%-2/%-3/%-4": "/org/example/www/_",
    "/%2+": "/example.org",
    "/%-2+": "/www.example",
    "/%4+": "/_",
    "/%2.1/%2.2/%2.-1/%2.9": "/e/x/e/_",
    "/%2.3+/%2.-3+": "/ample/examp",
    "/%0.1/%0.-1": "/w/g",
    "/%p/a%%b": "/81/a%b",
  };
  for (const [text, expected] of Object.entries(cases)) {
    const pattern = parsePattern(text, "name");
    assertEquals(pattern !== "none" && directoryOf(pattern, "WWW.Example.org", () => 81), expected, text);
  }
  assertEquals(parsePattern("None", "name"), "none");
  for (const text of ["v/%0", "/%", "/%x", "/%1.", "/%1.x", "/%-", "/%-p"]) {
    assertThrows(() => parsePattern(text, "name"), ArgumentError);
  }
});
