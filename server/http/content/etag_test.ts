// Are entity tags made as FileETag says, and found in lists by strong and weak comparison?

import { assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { ETAG_ALL, ETAG_DEFAULT, ETagPart, fileETag, listHasETag, sameETag } from "./etag.ts";

const MTIME = 0x5f0a1b2c3d4e5; // microseconds
const file = { inode: 0xabc, size: 0x2d, mtimeMicros: MTIME, digest: "2jmj7l5rSw0yVb/vlWAYkK/YBwk=" };
const LATER = MTIME + 5_000_000;

Deno.test("etag: the forms of FileETag", () => {
  const rows: [name: string, form: number, expected: string | undefined][] = [
    ["MTime Size", ETAG_DEFAULT, '"2d-5f0a1b2c3d4e5"'],
    ["All", ETAG_ALL, '"abc-2d-5f0a1b2c3d4e5"'],
    ["INode", ETagPart.INode, '"abc"'],
    ["MTime", ETagPart.MTime, '"5f0a1b2c3d4e5"'],
    ["Size", ETagPart.Size, '"2d"'],
    ["INode Size", ETagPart.INode | ETagPart.Size, '"abc-2d"'],
    ["INode MTime", ETagPart.INode | ETagPart.MTime, '"abc-5f0a1b2c3d4e5"'],
    ["Digest", ETagPart.Digest, '"2jmj7l5rSw0yVb/vlWAYkK/YBwk="'],
    ["Digest with others", ETAG_ALL | ETagPart.Digest, '"2jmj7l5rSw0yVb/vlWAYkK/YBwk="'],
    ["None", 0, undefined],
  ];
  for (const [name, form, expected] of rows) assertStrictEquals(fileETag(file, form, LATER), expected, name);
});

Deno.test("etag: what is not known is left out, and nothing known gives no tag", () => {
  const bare = { inode: null, size: 0, mtimeMicros: MTIME };
  assertStrictEquals(fileETag(bare, ETAG_ALL, LATER), '"0-5f0a1b2c3d4e5"');
  assertStrictEquals(fileETag(bare, ETagPart.INode, LATER), undefined);
  assertStrictEquals(fileETag(bare, ETagPart.Digest, LATER), undefined);
});

Deno.test("etag: inodes beyond 2^53 keep all their digits", () => {
  assertStrictEquals(
    fileETag({ ...file, inode: 0xfedcba9876543211n }, ETagPart.INode, LATER),
    '"fedcba9876543211"',
  );
});

Deno.test("etag: weak for a request less than one second after the modification", () => {
  assertStrictEquals(fileETag(file, ETagPart.Size, MTIME), 'W/"2d"');
  assertStrictEquals(fileETag(file, ETagPart.Size, MTIME + 999_999), 'W/"2d"');
  assertStrictEquals(fileETag(file, ETagPart.Size, MTIME + 1_000_000), '"2d"');
  assertStrictEquals(fileETag(file, ETagPart.Size, MTIME - 1), 'W/"2d"');
});

Deno.test("etag: the comparison table of RFC 9110 §8.8.3.2", () => {
  const rows: [a: string, b: string, strong: boolean, weak: boolean][] = [
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['W/"1"', '"1"', false, true],
    ['"1"', 'W/"1"', false, true],
    ['"1"', '"1"', true, true],
    ['"1"', '"2"', false, false],
  ];
  for (const [a, b, strong, weak] of rows) {
    assertStrictEquals(sameETag(a, b, true), strong, `${a} ${b} strong`);
    assertStrictEquals(sameETag(a, b, false), weak, `${a} ${b} weak`);
    assertStrictEquals(listHasETag(a, b, true), strong, `${a} ${b} strong, as a list`);
    assertStrictEquals(listHasETag(a, b, false), weak, `${a} ${b} weak, as a list`);
  }
});

Deno.test("etag: lists are read tolerantly", () => {
  const rows: [list: string, found: boolean][] = [
    ['"a"', true],
    ['"x", "a"', true],
    ['"x","a","y"', true],
    [' \t,, "x" ,\t"a" ', true],
    ['"x, y", "a"', true],
    ['"x,"a"', false],
    ['"a, b"', false],
    ["a", false],
    ['a, "a"', true],
    ['"a"b, "c"', false],
    ['"a"b, "a"', true],
    ['x"a"', false],
    ['"A"', false],
    ['"a', false],
    ['a"', false],
    ["", false],
    [",", false],
    ['w/"a"', false],
    ['W/ "a"', false],
    ['"aa"', false],
    ['""', false],
  ];
  for (const [list, found] of rows) assertStrictEquals(listHasETag(list, '"a"', false), found, list);
});

Deno.test("etag: a weak element counts only in weak comparison", () => {
  assertStrictEquals(listHasETag('W/"a", "b"', '"a"', true), false);
  assertStrictEquals(listHasETag('W/"a", "a"', '"a"', true), true);
});

Deno.test("etag: a list contains exactly its elements, whatever commas and blanks they hold", () => {
  const tag = fc.string({ unit: fc.constantFrom("a", "b", ",", " ", "W", "/"), maxLength: 4 }).map((s) =>
    `"${s}"`
  );
  const separator = fc.constantFrom(",", ", ", " ,\t", ",,");
  fc.assert(fc.property(fc.array(tag, { maxLength: 6 }), tag, separator, (tags, wanted, comma) => {
    assertStrictEquals(listHasETag(tags.join(comma), wanted, true), tags.includes(wanted));
  }));
});
