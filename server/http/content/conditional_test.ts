// Is a conditional request answered by the precedence of http-core §8 (httpd's order of RFC 9110 §13.2)?

import { assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { checkConditions, type Conditions, rangeApplies, type RangeCondition } from "./conditional.ts";
import { formatHttpDate } from "./http_date.ts";

const MODIFIED = 1_700_000_000;
const NOW = MODIFIED + 3600;
const TAG = '"a"';
const SAME = formatHttpDate(MODIFIED);
const OLDER = formatHttpDate(MODIFIED - 1);
const NEWER = formatHttpDate(MODIFIED + 1);
const FUTURE = formatHttpDate(NOW + 1);

type Row = [what: string, request: Partial<Conditions>, expected: 0 | 304 | 412];

function table(name: string, common: Partial<Conditions>, rows: readonly Row[]): void {
  Deno.test(`conditional: ${name}`, () => {
    for (const [what, request, expected] of rows) {
      const base = { method: "GET", hasRange: false, etag: TAG, lastModified: MODIFIED, now: NOW };
      assertStrictEquals(checkConditions({ ...base, ...common, ...request }), expected, what);
    }
  });
}

table("without conditions the request goes on", {}, [["GET", {}, 0], ["PUT", { method: "PUT" }, 0]]);

table("1. If-Match compares strongly, any method", {}, [
  ["same tag", { ifMatch: TAG }, 0],
  ["in a list", { ifMatch: '"x", "a"' }, 0],
  ["other tag", { ifMatch: '"b"' }, 412],
  ["weak in the request", { ifMatch: 'W/"a"' }, 412],
  ["weak here", { ifMatch: 'W/"a"', etag: 'W/"a"' }, 412],
  ["*", { ifMatch: "*" }, 0],
  ["* without a tag here", { ifMatch: "*", etag: undefined }, 0],
  ["no tag here", { ifMatch: TAG, etag: undefined }, 412],
  ["empty", { ifMatch: "" }, 412],
  ["PUT", { ifMatch: '"b"', method: "PUT" }, 412],
  ["beats If-None-Match", { ifMatch: '"b"', ifNoneMatch: TAG }, 412],
  ["beats If-Range", { ifMatch: '"b"', ifRange: TAG, hasRange: true }, 412],
]);

table("2. If-Unmodified-Since", {}, [
  ["same second", { ifUnmodifiedSince: SAME }, 0],
  ["a later date", { ifUnmodifiedSince: NEWER }, 0],
  ["modified since", { ifUnmodifiedSince: OLDER }, 412],
  ["modified since, POST", { ifUnmodifiedSince: OLDER, method: "POST" }, 412],
  ["counts beside a good If-Match", { ifUnmodifiedSince: OLDER, ifMatch: TAG }, 412],
  ["beats If-None-Match", { ifUnmodifiedSince: OLDER, ifNoneMatch: TAG }, 412],
  ["no date", { ifUnmodifiedSince: "yesterday" }, 0],
  ["no Last-Modified", { ifUnmodifiedSince: OLDER, lastModified: undefined }, 0],
  ["Range, modified 60 s ago", { ifUnmodifiedSince: OLDER, hasRange: true, now: MODIFIED + 60 }, 412],
  ["Range, modified 59 s ago", { ifUnmodifiedSince: OLDER, hasRange: true, now: MODIFIED + 59 }, 0],
  ["no Range, modified 59 s ago", { ifUnmodifiedSince: OLDER, now: MODIFIED + 59 }, 412],
]);

table("3. If-None-Match, GET and HEAD", {}, [
  ["same tag", { ifNoneMatch: TAG }, 304],
  ["same tag, HEAD", { ifNoneMatch: TAG, method: "HEAD" }, 304],
  ["other tag", { ifNoneMatch: '"b"' }, 0],
  ["weak in the request", { ifNoneMatch: 'W/"a"' }, 304],
  ["weak here", { ifNoneMatch: TAG, etag: 'W/"a"' }, 304],
  ["weak with Range", { ifNoneMatch: 'W/"a"', hasRange: true }, 0],
  ["strong with Range", { ifNoneMatch: TAG, hasRange: true }, 304],
  ["*", { ifNoneMatch: "*" }, 304],
  ["no tag here", { ifNoneMatch: TAG, etag: undefined }, 0],
]);

table("3. If-None-Match, other methods", { method: "PUT" }, [
  ["same tag", { ifNoneMatch: TAG }, 412],
  ["*", { ifNoneMatch: "*" }, 412],
  ["other tag", { ifNoneMatch: '"b"' }, 0],
  ["weak", { ifNoneMatch: 'W/"a"' }, 0],
  ["Range does not save it", { ifNoneMatch: TAG, hasRange: true, ifRange: TAG }, 412],
]);

table("4. If-Modified-Since", {}, [
  ["same second", { ifModifiedSince: SAME }, 304],
  ["a later date", { ifModifiedSince: NEWER }, 304],
  ["modified since", { ifModifiedSince: OLDER }, 0],
  ["now", { ifModifiedSince: formatHttpDate(NOW) }, 304],
  ["a future date", { ifModifiedSince: FUTURE }, 0],
  ["HEAD", { ifModifiedSince: SAME, method: "HEAD" }, 304],
  ["POST", { ifModifiedSince: SAME, method: "POST" }, 0],
  ["no date", { ifModifiedSince: "0" }, 0],
  ["no Last-Modified", { ifModifiedSince: SAME, lastModified: undefined }, 0],
  ["59 s after modification", { ifModifiedSince: SAME, now: MODIFIED + 59 }, 304],
  ["Range, 59 s after", { ifModifiedSince: SAME, hasRange: true, now: MODIFIED + 59 }, 0],
  ["Range, 60 s after", { ifModifiedSince: SAME, hasRange: true, now: MODIFIED + 60 }, 304],
]);

table("5. If-Range with Range leaves the answer to the range filter", { hasRange: true }, [
  ["matching If-Range", { ifRange: TAG, ifNoneMatch: TAG }, 0],
  ["other If-Range", { ifRange: '"b"', ifNoneMatch: TAG }, 0],
  ["with If-Modified-Since", { ifRange: TAG, ifModifiedSince: SAME }, 0],
  ["without Range it is ignored", { ifRange: TAG, ifNoneMatch: TAG, hasRange: false }, 304],
]);

table("6. 304 only if no condition failed", {}, [
  ["both hold", { ifNoneMatch: TAG, ifModifiedSince: SAME }, 304],
  ["If-None-Match mismatch beats If-Modified-Since", { ifNoneMatch: '"b"', ifModifiedSince: SAME }, 0],
  ["failed If-Modified-Since", { ifNoneMatch: TAG, ifModifiedSince: OLDER }, 0],
  ["invalid If-Modified-Since is as if not sent", { ifNoneMatch: TAG, ifModifiedSince: "x" }, 304],
  ["good If-Match and If-None-Match", { ifMatch: TAG, ifNoneMatch: TAG }, 304],
  ["good If-Unmodified-Since and If-None-Match", { ifUnmodifiedSince: SAME, ifNoneMatch: TAG }, 304],
]);

Deno.test("conditional: If-Range lets Range count only for an unchanged representation", () => {
  const rows: [what: string, condition: Partial<RangeCondition>, applies: boolean][] = [
    ["no If-Range", {}, true],
    ["same tag", { ifRange: TAG }, true],
    ["other tag", { ifRange: '"b"' }, false],
    ["weak in the request", { ifRange: 'W/"a"' }, false],
    ["weak on both sides", { ifRange: 'W/"a"', etag: 'W/"a"' }, false],
    ["no tag here", { ifRange: TAG, etag: undefined }, false],
    ["a list is no tag", { ifRange: '"a", "b"' }, false],
    ["same date", { ifRange: SAME }, true],
    ["a later date", { ifRange: NEWER }, false],
    ["an earlier date", { ifRange: OLDER }, false],
    ["same date, 60 s after", { ifRange: SAME, now: MODIFIED + 60 }, true],
    ["same date, 59 s after", { ifRange: SAME, now: MODIFIED + 59 }, false],
    ["no Last-Modified", { ifRange: SAME, lastModified: undefined }, false],
    ["no date", { ifRange: "a" }, false],
    ["empty", { ifRange: "" }, false],
  ];
  for (const [what, condition, applies] of rows) {
    const base = { etag: TAG, lastModified: MODIFIED, now: NOW };
    assertStrictEquals(rangeApplies({ ...base, ...condition }), applies, what);
  }
});

Deno.test("conditional: only GET and HEAD are ever answered 304", () => {
  const tags = fc.constantFrom(undefined, TAG, '"b"', 'W/"a"', "*");
  const dates = fc.constantFrom(undefined, SAME, OLDER, NEWER, FUTURE, "x");
  const request = fc.record({
    method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "get"),
    ifMatch: tags,
    ifNoneMatch: tags,
    ifModifiedSince: dates,
    ifUnmodifiedSince: dates,
    hasRange: fc.boolean(),
    etag: fc.constantFrom(undefined, TAG, 'W/"a"'),
    lastModified: fc.constantFrom(undefined, MODIFIED),
    now: fc.constantFrom(MODIFIED, MODIFIED + 59, NOW),
  });
  fc.assert(fc.property(request, (r) => {
    const status = checkConditions(r);
    const sentTag = r.ifNoneMatch !== undefined && r.ifNoneMatch !== '"b"';
    const sentDate = r.ifModifiedSince !== undefined && r.ifModifiedSince !== "x";
    if (status === 304) assertStrictEquals(/^(GET|HEAD)$/.test(r.method) && (sentTag || sentDate), true);
    if (status === 412 && /^(GET|HEAD)$/.test(r.method)) {
      assertStrictEquals(r.ifMatch !== undefined || r.ifUnmodifiedSince !== undefined, true);
    }
  }));
});
