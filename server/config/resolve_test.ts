// Are the sections that match merged in httpd's order, and merged once?

import { assert, assertEquals, assertNotEquals, assertStrictEquals } from "@std/assert";
import { testSubject } from "./expression/test_subject.ts";
import { resolveDirectory } from "./resolve.ts";
import type { ServerConfig } from "./server_config.ts";
import { load, noteDir } from "./test_support.ts";

function notes(config: ServerConfig, url: string, file: string, isDirectory?: boolean): string {
  return resolveDirectory(config.main, url, file, isDirectory).get(noteDir).notes.join(" ");
}

/** A configuration of sections that each note their letter: `["Directory /a", "A"]`. */
function sections(
  rows: readonly (readonly [tag: string, letter: string])[],
  windowsPaths = false,
): ServerConfig {
  const text = rows.map(([tag, letter]) => `<${tag}>\nNote ${letter}\n</${tag.split(" ")[0]}>`);
  return load(["Note 0", ...text].join("\n"), [], windowsPaths);
}

Deno.test("resolve: directories short to long, then regular expressions, files, locations", () => {
  const config = sections([
    ["Location /", "L1"],
    ["Files x.html", "F"],
    ['DirectoryMatch "^/a/"', "R"],
    ["Directory /a/b", "D2"],
    ["Directory /a", "D1"],
    ["Directory /", "D0"],
    ["Directory ~ b", "R2"],
    ["LocationMatch \\.html$", "L2"],
    ["FilesMatch ^x", "F2"],
  ]);
  assertEquals(notes(config, "/u/x.html", "/a/b/x.html"), "0 D0 D1 D2 R R2 F F2 L1 L2");
  assertEquals(notes(config, "/u/x.html", ""), "0 L1 L2");
  assertEquals(notes(config, "/", "/z"), "0 D0 L1");
});

Deno.test("resolve: <Files> within <Directory> counts there only, after the other <Files>", () => {
  const config = load(`<Directory /a>
  <Files x>
    Note nested
  </Files>
  Note dir
</Directory>
<Files x>
  Note files
</Files>`);
  assertEquals(notes(config, "/", "/a/x"), "dir files nested");
  assertEquals(notes(config, "/", "/b/x"), "files");
  assertEquals(notes(config, "/", "/a/y"), "dir");
});

Deno.test("resolve: which files are in a <Directory>", () => {
  const rows: [pattern: string, file: string, isDirectory: boolean | undefined, expected: boolean][] = [
    ["/a", "/a/x", undefined, true],
    ["/a", "/a/", undefined, true],
    ["/a/", "/a/x", undefined, true],
    ["/a", "/ab", undefined, false],
    ["/a", "/ab/x", undefined, false],
    ["/a", "/a", undefined, true],
    ["/a", "/a", true, true],
    ["/a", "/a", false, false],
    ["/A", "/a/x", undefined, false],
    ["//a/./b/../c", "/a/c/x", undefined, true],
    ["below", "/srv/below/x", undefined, true],
    ["/home/*/www", "/home/u/www/x", undefined, true],
    ["/home/*/www", "/home/u/v/www/x", undefined, false],
    ["/home/*", "/home/x.html", false, false],
    ["/home/*", "/home/x.html", undefined, false],
    ["/home/*", "/home/u", true, true],
    ["/home/*", "/home/u/", undefined, true],
    ["/home/u?r", "/home/u/r/x", undefined, false],
  ];
  for (const [pattern, file, isDirectory, expected] of rows) {
    const config = sections([[`Directory "${pattern}"`, "D"]]);
    assertEquals(
      notes(config, "/", file, isDirectory),
      expected ? "0 D" : "0",
      `${pattern} ${file} ${isDirectory}`,
    );
  }
});

Deno.test("resolve: which paths are in a <Location>", () => {
  const rows: [pattern: string, url: string, expected: boolean][] = [
    ["/a", "/a", true],
    ["/a", "/a/", true],
    ["/a", "/a/b", true],
    ["/a", "/ab", false],
    ["/a/", "/a", false],
    ["/a/", "/a/b", true],
    ["/", "/x", true],
    ["/*/b", "/a/b", true],
    ["/*/b", "/a/a/b", false],
    ["/*/b", "/a/b/c", false],
  ];
  for (const [pattern, url, expected] of rows) {
    assertEquals(
      notes(sections([[`Location ${pattern}`, "L"]]), url, ""),
      expected ? "0 L" : "0",
      `${pattern} ${url}`,
    );
  }
  assertEquals(notes(sections([['LocationMatch "(?i)/Ab$"', "L"]]), "/aB", ""), "0 L");
});

Deno.test("resolve: on Windows neither case nor the kind of slash lets a file out of its section", () => {
  const config = sections([["Directory C:\\www\\Secret", "D"], ["Directory /", "root"], [
    "Files Key.TXT",
    "F",
  ], [
    "DirectoryMatch SECRET",
    "R",
  ]], true);
  assertEquals(notes(config, "/", "c:/WWW/secret\\key.txt"), "0 root D R F");
  assertEquals(notes(config, "/", "c:/www/other"), "0 root");
});

Deno.test("resolve: a virtual host has the main server's sections before its own of the same length", () => {
  const config = load(`<VirtualHost *>
  <Directory /b>
    Note hostb
  </Directory>
  <Directory />
    Note host0
  </Directory>
</VirtualHost>
<Directory /b>
  Note mainb
</Directory>
<Directory /b/c>
  Note mainbc
</Directory>`);
  const [host] = config.hosts;
  assertEquals(resolveDirectory(host, "/", "/b/c/x").get(noteDir).notes, [
    "host0",
    "mainb",
    "hostb",
    "mainbc",
  ]);
  assertEquals(notes(config, "/", "/b/c/x"), "mainb mainbc");
});

Deno.test("resolve: equal sets of sections share one store, other sets do not", () => {
  const { main } = sections([["Directory /a", "A"], ["Location /x", "X"], ["Location /y", "Y"]]);
  const store = resolveDirectory(main, "/x/1", "/a/1");
  assertStrictEquals(resolveDirectory(main, "/x/2", "/a/2"), store);
  assertStrictEquals(resolveDirectory(main, "/", "/b"), main.dirDefaults);
  assert(resolveDirectory(main, "/y", "/a/1") !== store);
  assertNotEquals(resolveDirectory(main, "/x", "/b").get(noteDir), store.get(noteDir));
});

Deno.test("resolve: more sets of sections than are kept are still merged rightly", () => {
  const letters = [..."abcdefghijklm"];
  const config = sections(letters.map((letter) => [`LocationMatch ${letter}`, letter] as const));
  const store = (url: string) => resolveDirectory(config.main, url, "");
  const first = store("/m");
  assertStrictEquals(store("/m"), first);
  for (let set = 0; set < 1 << letters.length; set++) {
    const url = letters.filter((_, bit) => set & (1 << bit)).join("");
    assertEquals(notes(config, `/${url}`, ""), ["0", ...url].join(" "));
  }
  // What was kept has been dropped on the way: clients cannot fill the memory.
  assert(store("/m") !== first);
});

/** Notes for a request that asks with the values of testSubject(), and what they were said to depend on. */
function asked(config: ServerConfig, url: string, file: string): { notes: string; depends: string[] } {
  const depends: string[] = [];
  const asker = { ...testSubject(), sawOverrides() {}, dependsOn: (what: string) => void depends.push(what) };
  const store = resolveDirectory(config.main, url, file, false, asker);
  return { notes: store.get(noteDir).notes.join(" "), depends };
}

Deno.test("resolve: of a chain of <If> the first that is true counts, after all other sections", () => {
  const config = load(`Note 0
<If "%{REQUEST_URI} == '/other'">
  Note a
</If>
<ElseIf "%{REQUEST_URI} == '/a/b'">
  Note b
  <If "true">
    Note nested
  </If>
  <Else>
    Note wrong
  </Else>
  <Files x>
    Note file
  </Files>
</ElseIf>
Note 1
<ElseIf true>
  Note c
</ElseIf>
<Else>
  Note d
</Else>
<Location />
  Note L
</Location>
<Directory /a>
  Note D
  <If "-n req('none')">
    Note e
  </If>
  <Else>
    Note f
  </Else>
</Directory>`);
  assertEquals(asked(config, "/", "/a/x"), { notes: "0 1 D L b f file nested", depends: ["request"] });
  assertEquals(asked(config, "/", "/b/y").notes, "0 1 L b nested");
  assertEquals(notes(config, "/", "/a/x"), "0 1 D L");
});

Deno.test("resolve: without <If> nothing depends on the request", () => {
  assertEquals(asked(sections([["Location /", "L"]]), "/", "/x"), { notes: "0 L", depends: [] });
});

Deno.test("resolve: <If> within Files and Location, and in the order in which their sections are merged", () => {
  const config = load(`<Location />
  <If true>
    Note L
  </If>
</Location>
<Files x>
  <If true>
    Note F
  </If>
</Files>
<VirtualHost *>
  <If true>
    Note host
  </If>
</VirtualHost>
<If true>
  Note main
</If>`);
  assertEquals(asked(config, "/", "/x").notes, "main F L");
  const [host] = config.hosts;
  const asker = { ...testSubject(), sawOverrides() {}, dependsOn: () => {} };
  assertEquals(
    resolveDirectory(host, "/", "/x", false, asker).get(noteDir).notes.join(" "),
    "main host F L",
  );
});
