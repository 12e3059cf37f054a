// Does a LogFormat show what http-core.md 13 says?

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ArgumentError } from "../../server/config/mod.ts";
import { COMMON } from "./custom_log.ts";
import { compileFormat, FormatError } from "./format.ts";
import { COMBINED, record, type Texts } from "./test_record.ts";

function line(format: string, ...made: Parameters<typeof record>): string {
  return compileFormat(format)(record(...made));
}

/** A text as a log shows what comes from a client. */
function escapeItem(text: string): string {
  return line("%m", { method: text });
}

Deno.test("LogFormat: common and combined", () => {
  const text = line(COMBINED, {}, { requestHeaders: { referer: "http://a/", "user-agent": 'x "y"' } });
  assertMatch(
    text,
    /^192\.0\.2\.1 - - \[04\/Mar\/2026:05:06:07 [+-]\d{4}\] "GET \/a\/b\?c=d HTTP\/1\.1" 200 1234 "http:\/\/a\/" "x \\"y\\""$/,
  );
  assertEquals(text.startsWith(line(COMMON)), true);
});

const TEXTS: Texts = {
  requestHeaders: { "x-one": "1" },
  responseHeaders: { "content-type": "text/html" },
  cookies: { id: "7" },
  env: { VAR: "v" },
  notes: { n: "note" },
  requestTrailers: { sum: "in" },
  responseTrailers: { sum: "out" },
};

Deno.test("LogFormat: every item", () => {
  const expected: Record<string, string> = {
    "%%": "%",
    "%a": "192.0.2.1",
    "%{c}a": "192.0.2.9",
    "%A": "198.51.100.2",
    "%B": "1234",
    "%b": "1234",
    "%{id}C": "7",
    "%D": "1917500",
    "%{VAR}e": "v",
    "%f": "/srv/a/b",
    "%h": "192.0.2.1",
    "%{c}h": "192.0.2.9",
    "%H": "HTTP/1.1",
    "%{X-One}i": "1",
    "%k": "3",
    "%l": "-",
    "%L": "-",
    "%m": "GET",
    "%{n}n": "note",
    "%{Content-Type}o": "text/html",
    "%p": "80",
    "%{canonical}p": "80",
    "%{local}p": "8080",
    "%{remote}p": "50000",
    "%P": "17",
    "%{pid}P": "17",
    "%{tid}P": "31",
    "%{hextid}P": "1f",
    "%q": "?c=d",
    "%r": "GET /a/b?c=d HTTP/1.1",
    "%R": "default-handler",
    "%s": "200",
    "%T": "1",
    "%{s}T": "1",
    "%{ms}T": "1917",
    "%{us}T": "1917500",
    "%u": "-",
    "%U": "/a/b",
    "%v": "example.org",
    "%V": "www.example.org",
    "%X": "+",
    "%I": "100",
    "%O": "1500",
    "%S": "1600",
    "%^FB": "321",
    "%{Sum}^ti": "in",
    "%{Sum}^to": "out",
  };
  for (const [format, text] of Object.entries(expected)) assertEquals(line(format, {}, TEXTS), text, format);
});

Deno.test("LogFormat: what is absent is a dash, what is empty is empty", () => {
  const absent = {
    requestLine: undefined,
    method: undefined,
    path: undefined,
    filename: undefined,
    handler: undefined,
    bytesIn: undefined,
    bytesOut: undefined,
    firstByteMicros: undefined,
    bodyBytes: 0,
    query: "",
  };
  const format = "%r|%m|%U|%f|%R|%I|%O|%S|%^FB|%b|%B|%q|%{a}i|%{a}o|%{a}C|%{a}e|%{a}n|%{a}^ti|%{a}^to";
  assertEquals(line(format, absent), "-|-|-|-|-|-|-|-|-|-|0||-|-|-|-|-|-|-");
  assertEquals(line('"%{Referer}i"', {}, { requestHeaders: { referer: "" } }), '""');
});

Deno.test('LogFormat: %u is a dash without a user, and "" for an empty name', () => {
  assertEquals(line("%u", { user: "" }), '""');
  assertEquals(line("%u", { user: "frank" }), "frank");
});

Deno.test("LogFormat: %t at the begin or end, by strftime, or as numbers", () => {
  const { startTime, endTime } = record();
  assertEquals(line("%{%Y-%m-%d %H:%M:%S}t"), "2026-03-04 05:06:07");
  assertEquals(line("%{begin:%T}t %{end:%T}t"), "05:06:07 05:06:09");
  assertEquals(line("%{begin}t"), line("%t"));
  assertMatch(line("%{end}t"), /^\[04\/Mar\/2026:05:06:09 /);
  assertEquals(line("%{sec}t"), String(Math.floor(startTime / 1000)));
  assertEquals(line("%{msec}t"), String(Math.floor(startTime)));
  assertEquals(line("%{usec}t"), String(startTime * 1000));
  assertEquals(line("%{msec_frac}t %{usec_frac}t"), "089 089500");
  assertEquals(line("%{end:sec}t.%{end:msec_frac}t"), `${Math.floor(endTime / 1000)}.007`);
});

Deno.test("LogFormat: %t follows from one second to the next, and back", () => {
  const format = compileFormat("%{%S}t");
  const at = (seconds: number) => format(record({ startTime: record().startTime + seconds * 1000 }));
  assertEquals([at(0), at(0.4), at(1), at(0), at(53)], ["07", "07", "08", "07", "00"]);
});

Deno.test("LogFormat: status lists choose requests by their final status", () => {
  const formats = ["%400,501m", "%!200,304m"];
  const shown = (status: number) => formats.map((format) => line(format, { status, originalStatus: 200 }));
  assertEquals(shown(200), ["-", "-"]);
  assertEquals(shown(400), ["GET", "GET"]);
  assertEquals(shown(501), ["GET", "GET"]);
  assertEquals(shown(404), ["-", "GET"]);
});

Deno.test("LogFormat: < and > choose the original and the final request", () => {
  const original = record({ path: "/first", handler: "one", filename: "/1" });
  const redirected: Parameters<typeof record> = [
    { status: 404, originalStatus: 302, path: "/last", handler: "two", filename: "/2" },
    { original },
  ];
  assertEquals(line("%s %<s %>s", ...redirected), "302 302 404");
  assertEquals(line("%U %<U %>U", ...redirected), "/first /first /last");
  assertEquals(line("%R %>R", ...redirected), "one two");
  assertEquals(line("%f %<f", ...redirected), "/2 /1");
});

Deno.test("LogFormat: modifiers come in any order", () => {
  const texts = { requestHeaders: { a: "x" } };
  for (const item of ["%!404,410>{A}i", "%{A}!404,410>i", "%>{A}!404,410i"]) {
    assertEquals([line(item, {}, texts), line(item, { status: 410 }, texts)], ["x", "-"], item);
  }
});

Deno.test("LogFormat: the password of a request line is masked", () => {
  const shown = (requestLine: string) => line("%r", { requestLine });
  assertEquals(
    shown("GET http://me:secret@host/x HTTP/1.1"),
    "GET http://me:XXXXXXXX@host/x HTTP/1.1",
  );
  assertEquals(shown("GET http://host:80/a:b@c HTTP/1.1"), "GET http://host:80/a:b@c HTTP/1.1");
  assertEquals(shown("GET /a:b@c HTTP/1.1"), "GET /a:b@c HTTP/1.1");
});

Deno.test("LogFormat: literal text, tabs, line feeds and percent signs", () => {
  assertEquals(line(String.raw`a\tb\n\"%%\\ü\q`), 'a\tb\n"%\\ü\\q');
  assertEquals(line(""), "");
});

Deno.test("LogFormat: what is not known is an error of the configuration", () => {
  for (
    const bad of ["%Z", "%", "a%", "%{x", "%^xx", "%^F", "%i", "%{}i", "%{x}T", "%{x}p", "%{x}P", "%200"]
  ) {
    const error = assertThrows(() => compileFormat(bad), FormatError);
    assert(error instanceof ArgumentError, bad);
  }
});

Deno.test("escapes: quotes, backslashes, control characters and bytes beyond ASCII", () => {
  assertEquals(escapeItem('a"b\\c\n\t\r\b\v\x00\x7f\xe9'), String.raw`a\"b\\c\n\t\r\b\v\x00\x7f\xe9`);
  assertEquals(escapeItem("€😀"), String.raw`\xe2\x82\xac\xf0\x9f\x98\x80`);
});

Deno.test("escapes: what is escaped is printable ASCII, cannot end a quoted item, and says which bytes there were", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
    const escaped = escapeItem(String.fromCharCode(...bytes));
    assertMatch(escaped, /^(?:[^"\\]|\\["\\nrtbv]|\\x[0-9a-f]{2})*$/);
    assertMatch(escaped, /^[\x20-\x7e]*$/);
    const names: Record<string, number> = { n: 10, r: 13, t: 9, b: 8, v: 11, '"': 34, "\\": 92 };
    const back = escaped.replace(
      /\\(?:x(..)|(.))/g,
      (_, hex: string | undefined, char: string) =>
        String.fromCharCode(hex === undefined ? names[char] : parseInt(hex, 16)),
    );
    assertEquals(back, String.fromCharCode(...bytes));
  }));
});

Deno.test("json: an object a line, with numbers, texts and null", () => {
  const text = line("json: time=%{%F %T}t client=%a status=%>s bytes=%b none=%I referer=%{Referer}i", {
    bytesIn: undefined,
    bodyBytes: 0,
  }, { requestHeaders: { referer: 'a"b\\c\n\v\xe9' } });
  assertEquals(JSON.parse(text), {
    time: "2026-03-04 05:06:07",
    client: "192.0.2.1",
    status: 200,
    bytes: null,
    none: null,
    referer: 'a"b\\c\n\v\xe9',
  });
  assertMatch(text, /^[\x20-\x7e]*$/);
});

Deno.test("json: whatever a client sends comes back out of the line", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
    const sent = String.fromCharCode(...bytes);
    const text = line("json: a=%{a}i b=%{status}n", {}, { requestHeaders: { a: sent } });
    assertEquals(JSON.parse(text), { a: sent, b: null });
  }));
});

Deno.test("json: what is no member is an error of the configuration", () => {
  for (
    const bad of ["json:", "json: x", "json: a=b", "json: a=%sb", "json: a=%s%s", "json: =%s", "json: a=%Z"]
  ) {
    assertThrows(() => compileFormat(bad), FormatError);
  }
});

Deno.test("numbers: every number of a size that occurs is written as it is", () => {
  fc.assert(fc.property(fc.oneof(fc.nat(), fc.maxSafeNat()), (value) => {
    assertEquals(line("%B", { bodyBytes: value }), String(value));
  }));
});
