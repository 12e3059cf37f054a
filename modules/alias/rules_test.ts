// Which paths does an Alias cover, and can what a client writes change where a redirect leads?

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { aliased, covered, escapedPath, redirected } from "./rules.ts";

Deno.test("alias: whole components are covered, and slashes count once", () => {
  const expected: readonly (readonly [path: string, prefix: string, length: number])[] = [
    ["/a", "/a", 2],
    ["/a/", "/a", 2],
    ["/a/b", "/a", 2],
    ["/ab", "/a", 0],
    ["/a", "/a/", 0],
    ["/a/", "/a/", 3],
    ["/a//b", "/a/", 4],
    ["//a/b", "/a", 3],
    ["/A", "/a", 0],
    ["/", "/", 1],
    ["/x", "/", 1],
    ["", "/", 0],
  ];
  for (const [path, prefix, length] of expected) {
    assertEquals([path, prefix, covered(path, prefix)], [path, prefix, length]);
  }
});

Deno.test("alias: files keep what is behind the prefix", () => {
  const rule = { from: "/icons/", to: "/srv/icons/", status: 200 };
  assertEquals(aliased(rule, "/icons/a/b.gif"), "/srv/icons/a/b.gif");
  assertEquals(aliased(rule, "/iconsx"), undefined);
  const match = { from: /^\/u\/([a-z]+)\/(.*)$/, to: "/home/$1/\\$2/$2", status: 200 };
  assertEquals(aliased(match, "/u/joe/x"), "/home/joe/$2/x");
  assertEquals(redirected({ from: "/x", to: undefined, status: 410 }, "/x/y"), "");
  assertEquals(
    redirected({ from: /^\/(.*)$/, to: "https://h:1/a/$1?q=$1#f", status: 302 }, "/ä b"),
    "https://h:1/a/%c3%a4%20b?q=%c3%a4%20b#f",
  );
});

Deno.test("alias: an escaped path has no character that ends a field, and means the same path", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (path) => {
    const escaped = escapedPath(path);
    assert(/^[\x21-\x7e]*$/.test(escaped), escaped);
    if (path.isWellFormed() && !path.includes("%")) assertEquals(decodeURIComponent(escaped), path);
  }));
});
