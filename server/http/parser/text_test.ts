// Do strings come out as the bytes went in, cached or not?

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { latin1, latin1Interned, Memo, trimBlanks } from "./text.ts";

Deno.test("latin1: each byte is the character of its number", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const all = String.fromCharCode(...bytes);
  assertEquals(latin1(bytes, 0, 256), all);
  for (let at = 0; at < 256; at++) assertEquals(latin1Interned(bytes, at, at + 1), all[at]);
  assertEquals([latin1(bytes, 9, 9), latin1Interned(bytes, 9, 9)], ["", ""]);
});

Deno.test("latin1Interned: texts that share length, middle and end are told apart, again and again", () => {
  const texts = Array.from({ length: 200 }, (_, at) => `/${at}/same-middle-and-same-end`.padStart(48, "x"));
  texts.push("y".repeat(49), "z".repeat(200));
  const encoder = new TextEncoder();
  for (const text of [...texts, ...texts, ...texts.toReversed()]) {
    const bytes = encoder.encode(`<${text}>`);
    assertEquals(latin1Interned(bytes, 1, bytes.length - 1), text);
  }
});

Deno.test("Memo: computes once while it remembers, and never remembers without bound", () => {
  let computed = 0;
  const lengths = new Memo((text) => {
    computed++;
    return text.length;
  });
  assertEquals([lengths.get("a"), lengths.get("a"), lengths.get("ab")], [1, 1, 2]);
  assertEquals(computed, 2);
  for (let i = 0; i < 1000; i++) assertEquals(lengths.get(`x${i}`), `x${i}`.length);
  const before = computed;
  assertEquals(lengths.get("a"), 1);
  assertStrictEquals(computed, before + 1);
  assert(computed > 1000);
});

Deno.test("trimBlanks: takes blanks and tabs from both ends, and nothing else", () => {
  assertEquals(["", " \t", "a", " \ta \t b\t ", "\xa0a\xa0"].map(trimBlanks), [
    "",
    "",
    "a",
    "a \t b",
    "\xa0a\xa0",
  ]);
});
