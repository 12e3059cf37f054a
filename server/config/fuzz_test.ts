// Is there a text that makes reading or applying do anything but succeed or throw a ConfigError with a place?

import { assert } from "@std/assert";
import fc from "fast-check";
import { ConfigError, ConfigErrors } from "./errors.ts";
import { load, read } from "./test_support.ts";

const names = [
  "Note",
  "HostNote",
  "ServerName",
  "ServerAlias",
  "ServerPath",
  "Include",
  "IncludeOptional",
  "Define",
  "UnDefine",
];
const moreNames = [
  "AllowOverride",
  "AllowOverrideList",
  "AccessFileName",
  "Use",
  "UndefMacro",
  "ServerRoot",
  "LoadModule",
  "Error",
  "Nonsense",
  "note",
  "",
  "#",
];
const tags = [
  "VirtualHost",
  "Directory",
  "DirectoryMatch",
  "Location",
  "LocationMatch",
  "Files",
  "FilesMatch",
  "Macro",
];
const moreTags = [
  "IfModule",
  "IfDefine",
  "IfVersion",
  "IfFile",
  "IfDirective",
  "IfSection",
  "If",
  "ElseIf",
  "Else",
  "Limit",
  "LimitExcept",
  "",
];
const words = [
  "*",
  "*:80",
  "~",
  "/a",
  "a*",
  "[",
  "(",
  "m",
  "$x",
  "!X",
  "X",
  ">=",
  "2.4",
  "${X}",
  "${",
  '"',
  "'q q'",
  "\\",
  "[::1]:1",
  "true",
  "\"-n req('x')\"",
  "GET",
  "All",
  "None",
  "Options=Indexes",
  "Nonfatal=All",
];

const arg = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...words) }, {
  weight: 1,
  arbitrary: fc.string(),
});
const args = fc.array(arg, { maxLength: 3 }).map((list) => list.join(" "));
const directive = fc.tuple(fc.constantFrom(...names, ...moreNames), args).map((parts) => parts.join(" "));
const { lines } = fc.letrec<{ lines: string; section: string }>((tie) => ({
  lines: fc.array(fc.oneof({ depthSize: "small" }, directive, tie("section")), { maxLength: 4 }).map((list) =>
    list.join("\n")
  ),
  section: fc.tuple(
    fc.constantFrom(...tags, ...moreTags),
    args,
    tie("lines"),
    fc.constantFrom("", "", "", "x"),
  ).map(
    ([tag, value, inner, slip]) => `<${tag} ${value}>\n${inner}\n</${tag}${slip}>`,
  ),
}));

function holds(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { file, line, reason, message } of error instanceof ConfigErrors ? error.errors : [error]) {
      assert(file !== "" && line >= 1, message);
      assert(message === `AH00526: Syntax error on line ${line} of ${file}:\n${reason}`);
    }
  }
}

const environment = (name: string) => Deno.env.get(name);

Deno.test("fuzz: any text is read or refused with a place", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
    holds(() => read(text, {}, { environment }));
    holds(() => load(text));
  }));
});

Deno.test("fuzz: anything like a configuration is applied or refused with a place", () => {
  fc.assert(fc.property(lines, (text) => holds(() => load(text))), { numRuns: 1000 });
});

Deno.test("fuzz: included files too", () => {
  fc.assert(
    fc.property(
      lines,
      lines,
      (outer, inner) =>
        holds(() =>
          read(`${outer}\nInclude i\n${outer}`, { "/srv/i": inner, "/srv/a": "Include i" }, { environment })
        ),
    ),
  );
});
