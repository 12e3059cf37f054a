// Is a Range field read, merged and limited as http-core §9 says, and is a multipart body laid out to the byte?

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { type ByteRange, contentRange, multipartLayout, parseRange, type RangeLimits } from "./range.ts";

const DEFAULTS: RangeLimits = { maxRanges: 200, maxOverlaps: 20, maxReversals: 20 };
const UNLIMITED: RangeLimits = { maxRanges: Infinity, maxOverlaps: Infinity, maxReversals: Infinity };

/** `0-1,5-6`, `ignore` or `unsatisfiable` */
function outcome(header: string, size = 100, limits = DEFAULTS): string {
  const result = parseRange(header, size, limits);
  return typeof result === "string" ? result : result.map(({ first, last }) => `${first}-${last}`).join();
}

function table(name: string, rows: readonly [header: string, expected: string][], size = 100): void {
  Deno.test(`range: ${name}`, () => {
    for (const [header, expected] of rows) assertStrictEquals(outcome(header, size), expected, header);
  });
}

table("the three forms of a spec", [
  ["bytes=0-9", "0-9"],
  ["bytes=5-5", "5-5"],
  ["bytes=90-", "90-99"],
  ["bytes=90-1000", "90-99"],
  ["bytes=-10", "90-99"],
  ["bytes=-1000", "0-99"],
  ["bytes=007-0009", "7-9"],
]);

table("the unit is bytes in any case, other units are ignored", [
  ["BYTES=0-9", "0-9"],
  ["Bytes=0-9", "0-9"],
  ["lines=0-9", "ignore"],
  ["bytes 0-9", "ignore"],
  ["bytes =0-9", "ignore"],
  ["", "ignore"],
  ["bytes", "ignore"],
]);

table("one syntactically bad spec and the whole field is ignored", [
  ["bytes=", "ignore"],
  ["bytes=,", "ignore"],
  ["bytes=5", "ignore"],
  ["bytes=-", "ignore"],
  ["bytes=-0", "ignore"],
  ["bytes=-0,1-2", "ignore"],
  ["bytes=9-5", "ignore"],
  ["bytes=a-5", "ignore"],
  ["bytes=1-b", "ignore"],
  ["bytes=1-5x", "ignore"],
  ["bytes=+1-5", "ignore"],
  ["bytes=1--5", "ignore"],
  ["bytes=1 -5", "ignore"],
  ["bytes=1- 5", "ignore"],
  ["bytes=0x1-5", "ignore"],
  ["bytes=1-5,", "1-5"],
  ["bytes=1-5,x", "ignore"],
  ["bytes=x,1-5", "ignore"],
  ["bytes=1-5, bytes=8-9", "ignore"],
  ["bytes=500-400,1-5", "ignore"],
  ["bytes=1-5;7-8", "ignore"],
]);

table("blanks and empty elements between commas are allowed", [
  ["bytes= 1-2 , 5-6", "1-2,5-6"],
  ["bytes=,1-2,,\t5-6,", "1-2,5-6"],
]);

table("0- is the whole as one range, others are ignored", [
  ["bytes=0-", "0-99"],
  ["bytes=5-6,0-", "0-99"],
  ["bytes=0-,5-6", "0-99"],
  ["bytes=00-", "0-99"],
  ["bytes=0-,x", "0-99"],
  ["bytes=x,0-", "ignore"],
]);

table("ranges beyond the end are left out, and if all are it is unsatisfiable", [
  ["bytes=100-", "unsatisfiable"],
  ["bytes=100-200", "unsatisfiable"],
  ["bytes=100-200,300-", "unsatisfiable"],
  ["bytes=99-", "99-99"],
  ["bytes=100-200,1-2", "1-2"],
  ["bytes=1-2,100-,5-6", "1-2,5-6"],
  ["bytes=99999999999999999999999-", "unsatisfiable"],
  ["bytes=1-99999999999999999999999", "1-99"],
  ["bytes=-99999999999999999999999", "0-99"],
]);

table("of an empty representation nothing but a suffix is satisfiable", [
  ["bytes=0-", "unsatisfiable"],
  ["bytes=0-5", "unsatisfiable"],
  ["bytes=-5", "ignore"],
  ["bytes=0-5,-5", "ignore"],
], 0);

table("neighbours that touch or overlap are merged, in the order of the list", [
  ["bytes=0-4,5-9", "0-9"],
  ["bytes=0-4,6-9", "0-4,6-9"],
  ["bytes=0-9,5-14", "0-14"],
  ["bytes=0-20,5-9", "0-20"],
  ["bytes=5-9,0-4", "0-9"],
  ["bytes=5-9,0-20", "0-20"],
  ["bytes=1-2,3-4,5-6,10-11", "1-6,10-11"],
  ["bytes=10-11,1-2", "10-11,1-2"],
  ["bytes=1-5,50-60,1-5", "1-5,50-60,1-5"], // not neighbours in the list
  ["bytes=1-5,-95", "1-99"],
]);

table("more bytes than the representation has: all of it is sent", [
  ["bytes=0-50,60-99,0-50", "ignore"],
  ["bytes=0-49,60-99,0-9", "0-49,60-99,0-9"], // exactly as many
  ["bytes=0-49,60-99,0-10", "ignore"],
]);

Deno.test("range: MaxRanges counts what is left after merging; 0 turns ranges off", () => {
  const limits = { ...UNLIMITED, maxRanges: 2 };
  assertStrictEquals(outcome("bytes=1-1,3-3", 100, limits), "1-1,3-3");
  assertStrictEquals(outcome("bytes=1-1,3-3,5-5", 100, limits), "ignore");
  assertStrictEquals(outcome("bytes=1-1,2-2,5-5", 100, limits), "1-2,5-5");
  assertStrictEquals(outcome("bytes=1-1", 100, { ...limits, maxRanges: 0 }), "ignore");
  assertStrictEquals(outcome("bytes=100-", 100, { ...limits, maxRanges: 0 }), "ignore");
  assertStrictEquals(outcome("bytes=0-", 100, { ...limits, maxRanges: 0 }), "ignore");
});

Deno.test("range: MaxRangeOverlaps counts merges", () => {
  const limits = { ...UNLIMITED, maxOverlaps: 2 };
  assertStrictEquals(outcome("bytes=1-1,2-2,3-3", 100, limits), "1-3");
  assertStrictEquals(outcome("bytes=1-1,2-2,3-3,4-4", 100, limits), "ignore");
  assertStrictEquals(outcome("bytes=1-5,2-3,2-3,2-3", 100, limits), "ignore");
});

Deno.test("range: MaxRangeReversals counts steps backwards, merged or not", () => {
  const limits = { ...UNLIMITED, maxReversals: 1 };
  assertStrictEquals(outcome("bytes=9-9,5-5,7-7", 100, limits), "9-9,5-5,7-7");
  assertStrictEquals(outcome("bytes=9-9,5-5,1-1", 100, limits), "ignore");
  assertStrictEquals(outcome("bytes=9-9,8-8,7-7", 100, limits), "ignore");
});

Deno.test("range: the default limits are inclusive", () => {
  const list = (n: number, step: number, from = 0) => Array.from({ length: n }, (_, i) => from + i * step);
  const header = (starts: number[]) => "bytes=" + starts.map((s) => `${s}-${s}`).join();
  const count = (starts: number[]) => {
    const result = parseRange(header(starts), 10_000, DEFAULTS);
    return typeof result === "string" ? result : result.length;
  };
  assertStrictEquals(count(list(200, 2)), 200);
  assertStrictEquals(count(list(201, 2)), "ignore");
  assertStrictEquals(count(list(21, 1)), 1);
  assertStrictEquals(count(list(22, 1)), "ignore");
  assertStrictEquals(count(list(21, -2, 1000)), 21);
  assertStrictEquals(count(list(22, -2, 1000)), "ignore");
});

type Spec = [first: number | undefined, last: number | undefined];

const spec: fc.Arbitrary<Spec> = fc.oneof(
  fc.tuple(fc.nat(40), fc.nat(20)).map(([first, length]): Spec => [first, first + length]),
  fc.integer({ min: 1, max: 40 }).map((first): Spec => [first, undefined]),
  fc.integer({ min: 1, max: 40 }).map((suffix): Spec => [undefined, suffix]),
);

/** The positions a spec names in `size` bytes, one by one. */
function positions([first, last]: Spec, size: number): number[] {
  const named: number[] = [];
  for (let i = 0; i < size; i++) {
    if (first === undefined ? i >= size - (last ?? 0) : i >= first && (last === undefined || i <= last)) {
      named.push(i);
    }
  }
  return named;
}

Deno.test("range: results lie inside the representation and cover exactly what was asked for", () => {
  fc.assert(
    fc.property(
      fc.array(spec, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 40 }),
      (specs, size) => {
        const header = "bytes=" + specs.map(([first, last]) => `${first ?? ""}-${last ?? ""}`).join();
        const result = parseRange(header, size, UNLIMITED);
        const asked = new Set(specs.flatMap((s) => positions(s, size)));
        if (result === "unsatisfiable") return assertStrictEquals(asked.size, 0, header);
        assert(asked.size > 0, header);
        if (result === "ignore") {
          // Only for too many bytes, which cannot be if each is asked for at most once.
          assert(specs.reduce((sum, s) => sum + positions(s, size).length, 0) > size, header);
          return;
        }
        const covered = new Set<number>();
        let sum = 0;
        for (const { first, last } of result) {
          assert(0 <= first && first <= last && last < size, header);
          for (let i = first; i <= last; i++) covered.add(i);
          sum += last - first + 1;
        }
        assert(sum <= size, header);
        assertEquals([...covered].sort((a, b) => a - b), [...asked].sort((a, b) => a - b), header);
      },
    ),
  );
});

Deno.test("range: any text gives one of the three outcomes", () => {
  const text = fc.string({ unit: fc.constantFrom("0", "9", "-", ",", " ", "x"), maxLength: 20 });
  fc.assert(fc.property(text, fc.nat(100), (tail, size) => {
    const result = parseRange("bytes=" + tail, size, DEFAULTS);
    if (typeof result === "string") return;
    assert(
      result.length > 0 && result.every(({ first, last }) => first >= 0 && first <= last && last < size),
    );
  }));
});

Deno.test("range: Content-Range names the range and the size", () => {
  assertStrictEquals(contentRange({ first: 0, last: 9 }, 100), "bytes 0-9/100");
});

Deno.test("multipart: parts have Content-type and Content-range, the tail closes the body", () => {
  const layout = multipartLayout([{ first: 0, last: 1 }, { first: 5, last: 9 }], 10, "text/plain", "b0");
  assertEquals(layout.heads, [
    "\r\n--b0\r\nContent-type: text/plain\r\nContent-range: bytes 0-1/10\r\n\r\n",
    "\r\n--b0\r\nContent-type: text/plain\r\nContent-range: bytes 5-9/10\r\n\r\n",
  ]);
  assertStrictEquals(layout.tail, "\r\n--b0--\r\n");
});

Deno.test("multipart: without a type of the representation the parts have none", () => {
  const layout = multipartLayout([{ first: 0, last: 1 }], 10, undefined, "b0");
  assertEquals(layout.heads, ["\r\n--b0\r\nContent-range: bytes 0-1/10\r\n\r\n"]);
});

Deno.test("multipart: contentLength is the length of the assembled body", () => {
  const body = "0123456789".repeat(5);
  const range = fc.tuple(fc.nat(49), fc.nat(49)).map(([a, b]): ByteRange => ({
    first: Math.min(a, b),
    last: Math.max(a, b),
  }));
  fc.assert(
    fc.property(fc.array(range, { minLength: 1 }), fc.option(fc.constant("text/html")), (ranges, type) => {
      const layout = multipartLayout(ranges, body.length, type ?? undefined, "1234567890abcdef");
      const parts = ranges.map(({ first, last }, i) => layout.heads[i] + body.slice(first, last + 1));
      assertStrictEquals(layout.contentLength, (parts.join("") + layout.tail).length);
    }),
  );
});
