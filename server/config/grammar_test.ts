// Are lines, words and variables taken as httpd takes them?

import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ArgumentError } from "./errors.ts";
import { expandVariables, getWord, logicalLines, words } from "./grammar.ts";

Deno.test("words: quotes, blanks and backslashes", () => {
  const rows: [text: string, expected: string[]][] = [
    ["", []],
    ["  \t ", []],
    ["a b\tc", ["a", "b", "c"]],
    [`"a b" c`, ["a b", "c"]],
    [`'a "b"' c`, [`a "b"`, "c"]],
    [`"a \\"b\\" \\\\ \\n"`, [`a "b" \\ \\n`]],
    [`'it\\'s'`, ["it's"]],
    [`'a\\"b'`, [`a\\"b`]],
    [`"" x`, ["", "x"]],
    [`a"b c"`, [`a"b`, `c"`]],
    [`C:\\\\www\\logs`, ["C:\\www\\logs"]],
    [`"not closed  `, ["not closed  "]],
    [`"a"b`, ["a", "b"]],
    ["a\u00a0b", ["a\u00a0b"]],
  ];
  for (const [text, expected] of rows) assertEquals(words(text), expected, JSON.stringify(text));
});

Deno.test("words: getWord gives the rest as it is written", () => {
  assertEquals(getWord(`  Name   "a b"  c`), { word: "Name", rest: `"a b"  c` });
});

Deno.test("words: whatever is quoted properly is read back", () => {
  fc.assert(fc.property(fc.array(fc.string()), (args) => {
    const text = args.map((arg) => `"${arg.replace(/[\\"]/g, "\\$&")}"`).join(" ");
    assertEquals(words(text), args);
  }));
});

Deno.test("lines: a line has the number of its first part, comments begin with #", () => {
  const text = "# comment\r\n\n  a \\\n  b\\\r\n c \n#x \\\nstill comment\n\td # e\nlast\\";
  assertEquals([...logicalLines(text)], [
    { text: "a   b c", line: 3 },
    { text: "d # e", line: 8 },
    { text: "last", line: 9 },
  ]);
});

Deno.test("variables: known ones are replaced once, unknown ones stay and are reported", () => {
  const values: Record<string, string> = { A: "1", B: "${A}" };
  const unknown: string[] = [];
  const rows: [text: string, expected: string][] = [
    ["x ${A}${A} y", "x 11 y"],
    ["${B}", "${A}"],
    ["${C} ${map:key} ${A", "${C} ${map:key} ${A"],
    ["$A $${A}", "$A $1"],
    ["${}", "${}"],
  ];
  for (const [text, expected] of rows) {
    assertEquals(expandVariables(text, (name) => values[name], (name) => unknown.push(name)), expected);
  }
  assertEquals(unknown, ["C", ""]);
});

Deno.test("variables: a line that grows without bound is refused", () => {
  const value = "x".repeat(1 << 19);
  assertThrows(() => expandVariables("${A}${A}${A}", () => value, () => {}), ArgumentError, "longer than");
});
