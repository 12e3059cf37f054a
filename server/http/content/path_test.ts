// Does each request path become exactly the path it names, and is everything dangerous refused with httpd's status?

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { normalisePath, type PathOptions, splitTarget } from "./path.ts";

const usual: PathOptions = { mergeSlashes: true, allowEncodedSlashes: "off", windows: false };
const encodedSlashes = ["off", "on", "nodecode"] as const;

/** The path, or the status and number of the refusal, such as `400 AH10244`. */
function outcome(raw: string, options: Partial<PathOptions> = {}): string {
  const result = normalisePath(raw, { ...usual, ...options });
  return result.path ?? [result.status, result.ah].filter((part) => part !== undefined).join(" ");
}

function table(
  name: string,
  rows: readonly [raw: string, expected: string][],
  options?: Partial<PathOptions>,
): void {
  Deno.test(`path: ${name}`, () => {
    for (const [raw, expected] of rows) assertEquals(outcome(raw, options), expected, JSON.stringify(raw));
  });
}

table("clean paths stay as they are", [
  ["/", "/"],
  ["/index.html", "/index.html"],
  ["/a/b.c/d~e/", "/a/b.c/d~e/"],
  ["/a;v=1/b,c", "/a;v=1/b,c"],
  ["", "/"],
]);

table("what does not begin with a slash is 400", [["*", "400 AH10244"], ["a/b", "400 AH10244"], [
  "%2Fa",
  "400 AH10244",
]]);

table("dot segments are resolved, written plainly or encoded", [
  ["/.", "/"],
  ["/./", "/"],
  ["/a/.", "/a/"],
  ["/a/./b", "/a/b"],
  ["/a/..", "/"],
  ["/a/b/..", "/a/"],
  ["/a/b/../", "/a/"],
  ["/a/b/../../c", "/c"],
  ["/a/%2e/b", "/a/b"],
  ["/a/%2E./b", "/b"],
  ["/a/.%2e/b", "/b"],
  ["/.hidden", "/.hidden"],
  ["/a/...", "/a/..."],
  ["/a/..b/.c", "/a/..b/.c"],
]);

table("climbing above the root is 400 AH10244, even if the path comes back", [
  ["/..", "400 AH10244"],
  ["/../a", "400 AH10244"],
  ["/a/../../b", "400 AH10244"],
  ["/%2e%2e/a", "400 AH10244"],
  ["/./../a", "400 AH10244"],
  ["//../a", "400 AH10244"],
]);

table("repeated slashes become one with MergeSlashes On", [
  ["//", "/"],
  ["//a", "/a"],
  ["/a//b///c", "/a/b/c"],
  ["/a//", "/a/"],
  ["/a//../b", "/b"],
]);

table("repeated slashes stay with MergeSlashes Off, and .. removes an empty segment", [
  ["//", "//"],
  ["//a", "//a"],
  ["/a//b", "/a//b"],
  ["/a//../b", "/a/b"],
  ["//..", "/"],
  ["//../..", "400 AH10244"],
], { mergeSlashes: false });

table("escapes are decoded exactly once", [
  ["/%61%62", "/ab"],
  ["/a%20b", "/a b"],
  ["/a%3Fb", "/a?b"],
  ["/%2561", "/%61"],
  ["/%252e%252e/a", "/%2e%2e/a"],
  ["/a%252Fb", "/a%2Fb"],
  ["/%25", "/%"],
]);

table("invalid escapes are 400, wherever they stand", [
  ["/%", "400"],
  ["/%4", "400"],
  ["/a%4/b", "400"],
  ["/%g1", "400"],
  ["/%1g", "400"],
  ["/%%41", "400"],
  ["/%zz/../b", "400"],
  ["/%u0041", "400"],
]);

table("%00 is 404, and 400 comes first", [
  ["/a%00", "404"],
  ["/a%00.html", "404"],
  ["/a%00/../b", "404"],
  ["/%00/%zz", "400"],
  ["/%00/../..", "400 AH10244"],
]);

table("AllowEncodedSlashes Off: %2F is 404 AH00026", [
  ["/a%2Fb", "404 AH00026"],
  ["/a%2fb", "404 AH00026"],
  ["/a%2f%zz", "400"],
]);

table("AllowEncodedSlashes NoDecode: %2F stays as sent and is no separator", [
  ["/a%2Fb", "/a%2Fb"],
  ["/a%2fb%41", "/a%2fbA"],
  ["/a/..%2Fb", "/a/..%2Fb"],
  ["/a%2Fb/../c", "/c"],
], { allowEncodedSlashes: "nodecode" });

table("AllowEncodedSlashes On: %2F separates, after the plain dot segments were resolved", [
  ["/a%2Fb", "/a/b"],
  ["/a%2Fb/../c", "/c"],
  ["/x/a%2F..%2Fb", "/x/b"],
  ["/a%2F%2Fb", "/a/b"],
  ["/..%2Fb", "400 AH10244"],
  ["/a/..%2F..%2Fb", "400 AH10244"],
  ["/%2F%252e%252e%2Fa", "/%2e%2e/a"],
], { allowEncodedSlashes: "on" });

Deno.test("path: bytes that are UTF-8 become text, others stay bytes and say so", () => {
  const rows: [raw: string, path: string, latin1: boolean][] = [
    ["/caf%C3%A9", "/café", false],
    ["/caf\u00c3\u00a9", "/café", false],
    ["/%E2%82%AC", "/€", false],
    ["/%F0%9F%98%80", "/😀", false],
    ["/%EF%BB%BFa", "/\ufeffa", false],
    ["/caf%E9", "/caf\u00e9", true],
    ["/%C0%AF", "/\u00c0\u00af", true], // an overlong slash is no slash
    ["/%C0%AE%C0%AE/a", "/\u00c0\u00ae\u00c0\u00ae/a", true],
    ["/%EF%BF%BD", "/\ufffd", false], // U+FFFD sent as such
    ["/%F0%9F%98", "/\u00f0\u009f\u0098", true], // as many bytes as U+FFFD has
    ["/%EF%BF%BD%FF", "/\u00ef\u00bf\u00bd\u00ff", true],
    ["/%ED%A0%80", "/\u00ed\u00a0\u0080", true],
  ];
  for (const [raw, path, latin1] of rows) assertEquals(normalisePath(raw, usual), { path, latin1 }, raw);
});

Deno.test("path: characters that are no bytes are 400", () => {
  assertEquals(outcome("/€"), "400");
});

const windowsRefused = [
  ..."/a\\b /a%5Cb /..%5c..%5cboot.ini /c:/a /C%3A/a /a.txt::$DATA /a:stream /a. /a.html%20 /a./b /a%20/b /.../a"
    .split(
      " ",
    ),
  ..."/con /CON /a/nul /nul.txt /NUL.tar.gz /com1 /COM9.x /lpt1/ /prn/a /aux /conin$ /CONOUT$ /con%20.txt"
    .split(" "),
  ..."/COM%C2%B9 /lpt%B2 /a%3Cb /a%3e /a%22 /a%7Cb /a%3F /a* /a%0A /a%7F".split(" "),
];

Deno.test("path: names that Windows reserves or rewrites are 404 there", () => {
  for (const raw of windowsRefused) assertEquals(outcome(raw, { windows: true }), "404", raw);
});

Deno.test("path: the same names are ordinary elsewhere", () => {
  for (const raw of windowsRefused) assert(outcome(raw).startsWith("/"), raw);
});

table("names that only resemble devices are ordinary on Windows", [
  ["/console", "/console"],
  ["/com", "/com"],
  ["/com10", "/com10"],
  ["/icon.png", "/icon.png"],
  ["/a.con", "/a.con"],
  ["/x/../a b.txt", "/a b.txt"],
  ["/caf%C3%A9", "/café"],
], { windows: true });

Deno.test("target: split at the first question mark", () => {
  const rows: [target: string, path: string, query: string | undefined][] = [
    ["/a", "/a", undefined],
    ["/a?", "/a", ""],
    ["/a?b=c", "/a", "b=c"],
    ["/a?b?c", "/a", "b?c"],
    ["/a%3Fb", "/a%3Fb", undefined],
  ];
  for (const [target, path, query] of rows) assertEquals(splitTarget(target), { path, query }, target);
});

Deno.test("target: pathStart skips the scheme and authority of the absolute form", () => {
  assertEquals(splitTarget("http://h/a?b", 8), { path: "/a", query: "b" });
  assertEquals(splitTarget("http://h/a", 8), { path: "/a", query: undefined });
  assertEquals(splitTarget("http://h?b", 8), { path: "", query: "b" });
});

const piece = fc.constantFrom(
  ..."/ / / . . .. %2e %2E%2e %2F %2f %5C %25 %252e %00 % a b %41 \\ : é \u0080 %C3%A9 %FF".split(" "),
);
const rawPath = fc.array(piece, { maxLength: 24 }).map((pieces) => "/" + pieces.join(""));
const anyOptions = fc.record({
  mergeSlashes: fc.boolean(),
  allowEncodedSlashes: fc.constantFrom(...encodedSlashes),
  windows: fc.boolean(),
});

Deno.test("path: whatever is asked for, no result climbs, has dot segments or NUL, or is on another drive", () => {
  fc.assert(fc.property(rawPath, anyOptions, (raw, options) => {
    const { path } = normalisePath(raw, options);
    if (path === undefined) return;
    assertStrictEquals(path[0], "/");
    const segments = path.split("/");
    assert(!segments.includes("..") && !segments.includes("."), path);
    assert(!path.includes("\0"));
    if (options.mergeSlashes) assert(!path.includes("//"), path);
    if (options.windows) assert(!/[\\:]/.test(path), path);
  }));
});

Deno.test("path: refused as above the root exactly if a walk along the segments leaves the root", () => {
  const segment = fc.constantFrom("..", "%2e.", ".", "a", "b");
  fc.assert(fc.property(fc.array(segment, { minLength: 1, maxLength: 12 }), (segments) => {
    let depth = 0;
    let lowest = 0;
    for (const s of segments) {
      depth += s === "." ? 0 : s === "a" || s === "b" ? 1 : -1;
      lowest = Math.min(lowest, depth);
    }
    const result = normalisePath("/" + segments.join("/"), usual);
    assertStrictEquals(result.path === undefined, lowest < 0);
    if (result.path === undefined) assertStrictEquals(result.ah, "AH10244");
    else assertStrictEquals(result.path.split("/").filter((s) => s !== "").length, depth);
  }));
});

Deno.test("path: any file name comes back from its escapes", () => {
  const name = fc.string({ unit: "grapheme", minLength: 1 }).filter((s) => !/^\.{1,2}$|[\0/]/.test(s));
  fc.assert(fc.property(name, (text) => {
    assertEquals(normalisePath("/" + encodeURIComponent(text), usual), { path: "/" + text, latin1: false });
  }));
});

Deno.test("path: the bytes of the request can be told from the path and its flag", () => {
  const byte = fc.integer({ min: 1, max: 255 }).filter((b) => b !== 0x2f && b !== 0x2e);
  fc.assert(fc.property(fc.array(byte, { minLength: 1, maxLength: 12 }), (bytes) => {
    const raw = "/" + bytes.map((b) => "%" + b.toString(16).padStart(2, "0")).join("");
    const result = normalisePath(raw, usual);
    assert(result.path !== undefined);
    const text = result.path.slice(1);
    const back = result.latin1
      ? Array.from(text, (c) => c.charCodeAt(0))
      : [...new TextEncoder().encode(text)];
    assertEquals(back, bytes);
  }));
});
