// Do statuses have httpd's reason phrases, bodies and effects on the connection (http-core §5, §12)?

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { dropsConnection, hasNoBody, reasonPhrase } from "./status.ts";

const all = Array.from({ length: 500 }, (_, i) => 100 + i);

Deno.test("status: reason phrases in httpd's wording", () => {
  const rows: [status: number, reason: string][] = [
    [200, "OK"],
    [206, "Partial Content"],
    [302, "Found"],
    [304, "Not Modified"],
    [404, "Not Found"],
    [408, "Request Timeout"],
    [413, "Request Entity Too Large"],
    [414, "Request-URI Too Long"],
    [416, "Requested Range Not Satisfiable"],
    [500, "Internal Server Error"],
    [503, "Service Unavailable"],
    [511, "Network Authentication Required"],
  ];
  for (const [status, reason] of rows) assertStrictEquals(reasonPhrase(status), reason);
});

Deno.test("status: unassigned codes have no phrase", () => {
  for (const status of [0, 99, 306, 419, 509, 599, 600, 999, NaN]) {
    assertStrictEquals(reasonPhrase(status), undefined);
  }
});

Deno.test("status: phrases are visible ASCII and unique", () => {
  const phrases = all.map(reasonPhrase).filter((phrase) => phrase !== undefined);
  assertStrictEquals(new Set(phrases).size, phrases.length);
  for (const phrase of phrases) assert(/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(phrase), phrase);
});

Deno.test("status: only 1xx, 204 and 304 are heads alone", () => {
  assertEquals(all.filter(hasNoBody).filter((status) => status >= 200), [204, 304]);
  assert([100, 101, 103, 199].every(hasNoBody));
});

Deno.test("status: the connection is dropped after exactly these", () => {
  assertEquals(all.filter(dropsConnection), [400, 408, 411, 413, 414, 500, 501, 503]);
});
