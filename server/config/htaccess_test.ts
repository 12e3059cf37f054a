// Do .htaccess files say what AllowOverride lets them, and is a change seen?

import { assertEquals, assertThrows } from "@std/assert";
import { applyConfig, type ApplyOptions } from "./apply.ts";
import { DirectiveTable } from "./directive_table.ts";
import type { Directive, Override } from "./directives.ts";
import { testSubject } from "./expression/test_subject.ts";
import { OverrideError, overrideFiles } from "./htaccess.ts";
import { resolveDirectory } from "./resolve.ts";
import { sectionRows } from "./sections.ts";
import { memoryFiles, noteDir, read } from "./test_support.ts";

/** `Kind text` notes the text; AllowOverride Kind allows it. */
function noting(name: string, override: Override): Directive {
  return {
    name,
    contexts: ["directory", ".htaccess"],
    args: 1,
    syntax: `${name} text`,
    help: "",
    override,
    apply: ([text], to) => void to.dir.get(noteDir).notes.push(text),
  };
}

const table = new DirectiveTable([
  ...sectionRows,
  noting("Info", "FileInfo"),
  noting("Auth", "AuthConfig"),
  noting("Any", "All"),
  { ...noting("Global", "All"), contexts: ["server config"] },
  { ...noting("Bare", "All"), override: undefined },
]);

/** A server whose files can be changed under it; what it looked at, and what it warned of. */
class Site {
  readonly looked: string[] = [];
  readonly warned: string[] = [];
  now = 0;
  readonly #resolve: (file: string) => { notes: string; depends: string[] };

  constructor(config: string, readonly files: Record<string, string>) {
    const apply: ApplyOptions = { table, serverRoot: "/srv" };
    const { main } = applyConfig(read(config).nodes, {
      ...apply,
      htaccess: (names) =>
        overrideFiles(names, {
          apply,
          read: {
            files: { ...memoryFiles({}), readTextFile: (path) => this.files[path] },
            serverRoot: "/srv",
            environment: () => undefined,
            version: "2.4.66",
            hasModule: () => false,
            hasDirective: () => false,
            inherited: [["NAME", "defined"]],
          },
          stampOf: (path) => {
            this.looked.push(path);
            if (path.includes("/denied/")) throw new Deno.errors.PermissionDenied(path);
            return this.files[path];
          },
          valid: () => 1000,
          now: () => this.now,
          warn: ({ file, line, message }) => this.warned.push(`${file}:${line}: ${message}`),
        }),
    });
    this.#resolve = (file) => {
      const depends: string[] = [];
      const asker = {
        ...testSubject(),
        sawOverrides() {},
        dependsOn: (what: string) => void depends.push(what),
      };
      return { notes: resolveDirectory(main, "/", file, false, asker).get(noteDir).notes.join(" "), depends };
    };
  }

  notes(file: string): string {
    return this.#resolve(file).notes;
  }

  depends(file: string): string[] {
    return this.#resolve(file).depends;
  }

  error(file: string): OverrideError {
    return assertThrows(() => this.#resolve(file), OverrideError);
  }
}

const ALL = "<Directory />\nInfo root\nAllowOverride All\n</Directory>\n";

Deno.test("htaccess: without AllowOverride no file is looked at", () => {
  const site = new Site("<Directory />\nInfo root\nAllowOverride None\n</Directory>", {
    "/a/.htaccess": "x",
  });
  assertEquals(site.notes("/a/x"), "root");
  assertEquals(site.depends("/a/x"), []);
  assertEquals(site.looked, []);
});

Deno.test("htaccess: each directory's file counts after the sections of that directory, before longer ones", () => {
  const site = new Site(
    `${ALL}<Directory /a/b>\nInfo b\n</Directory>\n<Directory ~ a>\nInfo R\n</Directory>\n<Files x>\nInfo F\n</Files>`,
    {
      "/.htaccess": "Info ht0",
      "/a/.htaccess": "Info ht1\n<Files x>\nInfo f1\n</Files>\n<If true>\nInfo if1\n</If>",
      "/a/b/.htaccess": "Info ht2-${NAME}",
    },
  );
  assertEquals(site.notes("/a/b/x"), "root ht0 ht1 b ht2-defined R F f1 if1");
  assertEquals(site.notes("/a/y"), "root ht0 ht1 R if1");
  assertEquals(site.depends("/c/y"), ["overrides", "overrides"]);
});

Deno.test("htaccess: AllowOverride may begin and end anywhere on the way", () => {
  const site = new Site(
    `<Directory /a>\nAllowOverride FileInfo\n</Directory>\n<Directory /a/b/c>\nAllowOverride None\n</Directory>`,
    { "/.htaccess": "!", "/a/.htaccess": "Info a", "/a/b/.htaccess": "Info b", "/a/b/c/.htaccess": "!" },
  );
  assertEquals(site.notes("/a/b/c/x"), "a b");
  assertEquals(site.looked, ["/a/.htaccess", "/a/b/.htaccess"]);
});

Deno.test("htaccess: what is not allowed, not known or wrong is an error with its place", () => {
  const rows: readonly (readonly [allowed: string, text: string, message: string])[] = [
    ["AllowOverride AuthConfig", "Auth a\nInfo b", "/a/.htaccess:2: Info not allowed here"],
    ["AllowOverride All", "Global a", "/a/.htaccess:1: Global not allowed here"],
    ["AllowOverride All", "Bare a", "/a/.htaccess:1: Bare not allowed here"],
    ["AllowOverride All", "\nInfo", "/a/.htaccess:2: Info takes one argument, not 0; syntax: Info text"],
    ["AllowOverride All", "Infoo a", "/a/.htaccess:1: Invalid command 'Infoo': did you mean Info?"],
    ["AllowOverride All", "<Directory /x>\n</Directory>", "/a/.htaccess:1: <Directory> not allowed here"],
    ["AllowOverride All", "Include x", "/a/.htaccess:1: Include not allowed here"],
    ["AllowOverride All", "AllowOverride All", "/a/.htaccess:1: AllowOverride not allowed here"],
    ["AllowOverrideList Info", "Info a\nAny b", "/a/.htaccess:2: Any not allowed here"],
    [
      "AllowOverride All",
      '<If "%{X}">\n</If>',
      "/a/.htaccess:1: Cannot parse condition clause: Variable 'X'",
    ],
    ["AllowOverride All", "<Files x>", "/a/.htaccess:1: /a/.htaccess:1: <Files> was not closed."],
  ];
  for (const [allowed, text, message] of rows) {
    const site = new Site(`<Directory />\n${allowed}\n</Directory>`, { "/a/.htaccess": text });
    const error = site.error("/a/x");
    assertEquals([error.message.slice(0, message.length), error.status], [message, 500]);
    // It stays an error while the file stays as it is.
    assertEquals(site.error("/a/y").message, error.message);
    assertEquals(site.notes("/b/x"), "");
  }
});

Deno.test("htaccess: AllowOverrideList and Nonfatal", () => {
  const text = "Info a\nAuth b\nNonsense\nAny c";
  const made = (allowed: string) =>
    new Site(`<Directory />\n${allowed}\n</Directory>`, { "/.htaccess": text });
  const all = made("AllowOverride FileInfo Nonfatal=All");
  assertEquals(all.notes("/x"), "a c");
  assertEquals(all.warned, [
    "/.htaccess:2: AH02295: Auth in .htaccess forbidden by AllowOverride",
    "/.htaccess:3: AH02294: Nonsense is passed over: no loaded module knows it",
  ]);
  assertEquals(
    made("AllowOverride FileInfo Nonfatal=Override").error("/x").message.slice(0, 15),
    "/.htaccess:3: I",
  );
  assertEquals(
    made("AllowOverride FileInfo Nonfatal=Unknown").error("/x").message,
    "/.htaccess:2: Auth not allowed here",
  );
  assertEquals(made("AllowOverride FileInfo Nonfatal=Unknown\nAllowOverrideList Auth").notes("/x"), "a b c");
});

Deno.test("htaccess: a file that cannot be looked at refuses what is below it", () => {
  const site = new Site(ALL, {});
  const { status, ah } = site.error("/denied/x");
  assertEquals([status, ah], [403, "AH00529"]);
});

Deno.test("htaccess: what is known is believed for a time, then looked at again, and read again if it has changed", () => {
  const site = new Site(ALL, { "/.htaccess": "Info one" });
  assertEquals(site.notes("/x"), "root one");
  site.files["/.htaccess"] = "Info two";
  site.now = 1000;
  assertEquals(site.notes("/x"), "root one");
  assertEquals(site.looked, ["/.htaccess"]);
  site.now = 1001;
  assertEquals(site.notes("/x"), "root two");
  delete site.files["/.htaccess"];
  site.now = 2002;
  assertEquals(site.notes("/x"), "root");
  site.files["/.htaccess"] = "!";
  site.now = 3002;
  assertEquals(site.notes("/x"), "root");
  site.now = 3003;
  site.error("/x");
});

Deno.test("htaccess: AccessFileName gives other names, of which the first that is there counts", () => {
  const site = new Site(`AccessFileName .acl .htaccess\n${ALL}`, {
    "/.htaccess": "Info h",
    "/a/.htaccess": "Info ah",
    "/a/.acl": "Info aa",
  });
  assertEquals(site.notes("/a/x"), "root h aa");
});
