// Does reading carry out, in order, what decides about reading? And does every error say where?

import { environmentVariable } from "../../platform/environment.ts";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ArgumentError, ConfigError } from "./errors.ts";
import type { ReadOptions } from "./read_options.ts";
import { brief, read } from "./test_support.ts";

function tree(text: string, files: Record<string, string> = {}, options: Partial<ReadOptions> = {}): string {
  return brief(read(text, files, options).nodes);
}

function fails(
  line: number,
  reason: string,
  text: string,
  files: Record<string, string> = {},
  options: Partial<ReadOptions> = {},
) {
  const error = assertThrows(() => read(text, files, options), ConfigError, reason);
  assertEquals(error.line, line, error.message);
  return error;
}

/** The files of these tests are in memory, under Unix names. */
const windowsNames = Deno.build.os === "windows";

Deno.test("reader: directives and nested sections become plain data with their place", () => {
  const { nodes } = read('A 1\n<Outer "x y">\n  <inner>\n  B \\\n  2\n  </INNER>\n</Outer>\n');
  assertEquals(structuredClone(nodes), nodes);
  assertEquals(JSON.parse(JSON.stringify(nodes)), nodes);
  assertEquals(nodes, [
    { name: "A", args: ["1"], raw: "1", file: "/srv/httpd.conf", line: 1 },
    {
      name: "Outer",
      args: ["x y"],
      raw: '"x y"',
      file: "/srv/httpd.conf",
      line: 2,
      children: [{
        name: "inner",
        args: [],
        raw: "",
        file: "/srv/httpd.conf",
        line: 3,
        children: [{ name: "B", args: ["2"], raw: "2", file: "/srv/httpd.conf", line: 4 }],
      }],
    },
  ]);
});

Deno.test("reader: sections that do not fit name both ends", () => {
  fails(
    2,
    "/srv/httpd.conf:2: <B> was not closed.\n/srv/httpd.conf:1: <A> was not closed.",
    "<A x>\n<B y>\n",
  );
  fails(3, "Expected </B> but saw </A>", "<A x>\n<B y>\n</A>\n");
  fails(1, "</A> without matching <A> section", "</A>");
  fails(1, "<A> directive missing closing '>'", "<A x\n</A>");
  fails(2, "</A> directive missing closing '>'", "<A x>\n</A >");
  fails(1, "does not name a section", "<>\n");
  assertEquals(tree("<A x>y>\n</A>"), "A[x>y]{}");
});

Deno.test("reader: an error reads as httpd's", () => {
  const error = fails(3, "Expected", "<A x>\n\n</B>");
  assertEquals(
    error.message,
    "AH00526: Syntax error on line 3 of /srv/httpd.conf:\nExpected </A> but saw </B>",
  );
});

Deno.test("reader: Define, UnDefine and the environment give variables; the case of a variable does not count", () => {
  const environment = (name: string) => name === "HOME" || name === "X" ? "env" : undefined;
  const text = "Define X 1\nA ${X} ${x} ${HOME}\nUnDefine X\nA ${X}\n# ${NOPE}\nA ${NOPE} ${map:x}";
  const found = read(text, {}, { environment });
  assertEquals(brief(found.nodes), "A[1|1|env] A[env] A[${NOPE}|${map:x}]");
  assertEquals(found.warnings, [
    { file: "/srv/httpd.conf", line: 6, message: "AH00111: Config variable ${NOPE} is not defined" },
  ]);
  fails(1, "no variable name", "Define a:b 1");
  fails(1, "syntax: Define name [value]", "Define");
});

Deno.test("reader: names that no environment has are unknown variables", () => {
  const { nodes, warnings } = read("A ${} ${X=Y} ${X\0}", {}, { environment: environmentVariable });
  assertEquals(brief(nodes), "A[${}|${X=Y}|${X\0}]");
  assertEquals(warnings.length, 3);
});

Deno.test("reader: what cannot be looked at is an error of its line", () => {
  fails(1, "Could not open configuration file /denied/a.conf", "Include /denied/a.conf");
  fails(1, "No such permission", "Include /denied/*.conf");
  fails(1, "No such permission", "ServerRoot /denied");
  fails(1, "NUL", "ServerRoot a\0b");
  fails(1, "Invalid Include path", "Include a\0b");
});

Deno.test("reader: <IfDefine> tells names by case and follows -D and Define; nesting and negation hold", () => {
  const text =
    "<IfDefine D>\nA 1\n<IfDefine !E>\nB 2\n</IfDefine>\n</IfDefine>\n<IfDefine d>\nC\n</IfDefine>\n" +
    "Define E\n<IfDefine E>\nE\n</IfDefine>";
  const found = read(text, {}, { defines: ["D"] });
  assertEquals(brief(found.nodes), "A[1] B[2] E[]");
  assertEquals(found.defines, [["D", undefined], ["E", undefined]]);
});

Deno.test("reader: a skipped section is not carried out, but its sections have to be closed", () => {
  const text = "<IfDefine NO>\nInclude nowhere\nError stop\n<Dir x>\n</Dir>\n</IfDefine>\nA";
  assertEquals(tree(text), "A[]");
  fails(3, "Expected </Dir> but saw </IfDefine>", "<IfDefine NO>\n<Dir x>\n</IfDefine>");
  fails(2, "<IfDefine> was not closed", "A\n<IfDefine NO>\nB");
  fails(1, "requires additional arguments", "<IfDefine>\n</IfDefine>");
  fails(1, "takes one argument", "<IfDefine a b>\n</IfDefine>");
});

Deno.test("reader: LoadModule decides about a later <IfModule>, not about an earlier one", () => {
  const loaded = new Set<string>();
  const options: Partial<ReadOptions> = {
    loadModule: (id, file) => {
      if (id === "bad") throw new ArgumentError(`Cannot load ${file}`);
      loaded.add(id);
    },
    hasModule: (name) => loaded.has(name),
  };
  const text =
    "<IfModule x_module>\nA\n</IfModule>\nLoadModule x_module x.so\n<IfModule x_module>\nB\n</IfModule>\n" +
    "<IfModule !y_module>\nC\n</IfModule>";
  assertEquals(tree(text, {}, options), "B[] C[]");
  fails(1, "Cannot load x.so", "LoadModule bad x.so", {}, options);
  fails(
    2,
    "LoadModule cannot occur within <VirtualHost> section",
    "<VirtualHost *>\nLoadModule a b\n</VirtualHost>",
  );
  fails(1, "LoadModule module filename", "LoadModule a");
});

Deno.test(
  { name: "reader: <IfDirective>, <IfSection>, <IfFile> and <IfVersion>", ignore: windowsNames },
  () => {
    const holds = (condition: string) =>
      tree(`<${condition}>\nA\n</${condition.split(" ")[0]}>`, { "/srv/there": "" }, {
        hasDirective: (name) => name === "Known" || name === "<Known>",
      }) === "A[]";
    const rows: [condition: string, expected: boolean][] = [
      ["IfDirective Known", true],
      ["IfDirective Unknown", false],
      ["IfDirective Include", true],
      ["IfSection Known", true],
      ["IfSection IfModule", true],
      ["IfSection !Unknown", true],
      ["IfFile there", true],
      ["IfFile /srv/there", true],
      ["IfFile !nowhere", true],
      ["IfFile /denied/x", false],
      ["IfFile a\0b", false],
      ["IfVersion 2.4.66", true],
      ["IfVersion >= 2.4", true],
      ["IfVersion < 2.4", false],
      ["IfVersion !< 2.4", true],
      ["IfVersion > 2.4.66", false],
      ["IfVersion <= 2.4.100", true],
      ["IfVersion = /^2\\.[45]/", true],
      ["IfVersion ~ ^1", false],
    ];
    for (const [condition, expected] of rows) assertEquals(holds(condition), expected, condition);
    fails(1, "operator 'x'", "<IfVersion x 2.4>\n</IfVersion>");
    fails(1, "not a version", "<IfVersion new>\n</IfVersion>");
    fails(1, "does not compile", "<IfVersion ~ (>\n</IfVersion>");
  },
);

Deno.test({
  name: "reader: Include takes files, directories and wildcards in any component, in order",
  ignore: windowsNames,
}, () => {
  const files = {
    "/srv/b.conf": "B",
    "/srv/d/2.conf": "Two",
    "/srv/d/1.conf": "One",
    "/srv/d/sub/3.conf": "Three",
    "/srv/d/.hidden.conf": "Hidden",
    "/srv/e/1.conf": "Eone",
    "/srv/e/x/1.conf": "Ex",
  };
  const rows: [line: string, expected: string][] = [
    ["Include b.conf", "B[]"],
    ["Include /srv/b.conf", "B[]"],
    ["Include d/*.conf", "One[] Two[]"],
    ["Include ?/1.conf", "One[] Eone[]"],
    ["Include /srv/e/*/1.conf", "Ex[]"],
    ["IncludeOptional */*/1.conf", "Ex[]"],
    ["Include d", "Hidden[] One[] Two[] Three[]"],
    ["IncludeOptional nowhere.conf", ""],
    ["IncludeOptional no/*.conf", ""],
    ["IncludeOptional */no/x.conf", ""],
    ["<S x>\nInclude b.conf\n</S>", "S[x]{B[]}"],
  ];
  for (const [line, expected] of rows) assertEquals(tree(line, files), expected, line);
  fails(1, "Could not open configuration file /srv/nowhere.conf", "Include nowhere.conf", files);
  fails(1, "Could not open configuration file /srv/d/sub/1.conf", "Include */*/1.conf", files);
  fails(1, "No matches for the wildcard '*.x' in '/srv'", "Include *.x", files);
});

Deno.test({
  name: "reader: Include is relative to the ServerRoot in force and is listed with its place",
  ignore: windowsNames,
}, () => {
  const files = { "/srv/a.conf": "\nInclude b.conf", "/srv/b.conf": "B", "/other/b.conf": "Other" };
  const found = read("Include a.conf\nServerRoot /other\nInclude b.conf", files);
  assertEquals(brief(found.nodes), "B[] Other[]");
  assertEquals(found.serverRoot, "/other");
  assertEquals(found.includes, [
    { file: "/srv/httpd.conf", depth: 0 },
    { file: "/srv/a.conf", includedAt: { file: "/srv/httpd.conf", line: 1 }, depth: 1 },
    { file: "/srv/b.conf", includedAt: { file: "/srv/a.conf", line: 2 }, depth: 2 },
    { file: "/other/b.conf", includedAt: { file: "/srv/httpd.conf", line: 3 }, depth: 1 },
  ]);
  fails(1, "ServerRoot must be a valid directory", "ServerRoot /nowhere");
});

Deno.test({
  name: "reader: an error in an included file names that file; sections end with their file",
  ignore: windowsNames,
}, () => {
  const error = fails(2, "was not closed", "A\nInclude a.conf", { "/srv/a.conf": "\n<S x>\n" });
  assertEquals(error.file, "/srv/a.conf");
  fails(1, "</S> without matching <S> section", "<S x>\nInclude a.conf\n</S>", { "/srv/a.conf": "</S>" });
});

Deno.test({ name: "reader: files may be nested 128 deep and not deeper", ignore: windowsNames }, () => {
  const chain = (length: number) =>
    Object.fromEntries(
      Array.from({ length }, (_, i) => [`/srv/${i}.conf`, i + 1 < length ? `Include ${i + 1}.conf` : "End"]),
    );
  assertEquals(tree("Include 0.conf", chain(128)), "End[]");
  assertStringIncludes(fails(1, "nesting limit of 128", "Include 0.conf", chain(129)).file, "/srv/127.conf");
  fails(1, "nesting limit of 128", "Include httpd.conf");
});

Deno.test("reader: macros put arguments into text, name their place and do not use themselves", () => {
  const text =
    "<Macro Host $n $name>\n  <S $name>\n    A $n ${V} \\\n      more\n  </S>\n</Macro>\nDefine V v\nuse HOST 1 'two 2'";
  const found = read(text);
  assertEquals(brief(found.nodes), "S[two|2]{A[1|v|more]}");
  const [{ file, line, children }] = found.nodes;
  assertEquals(
    file,
    `macro 'Host' (defined on line 1 of "/srv/httpd.conf") used on line 8 of "/srv/httpd.conf"`,
  );
  assertEquals([line, children![0].line], [1, 2]);
});

Deno.test("reader: what is wrong with macros", () => {
  fails(1, "Macro 'm' is not defined", "Use m");
  fails(3, "Macro 'm' takes 1 arguments, not 2", "<Macro m $a>\n</Macro>\nUse m 1 2");
  fails(1, "uses itself", "<Macro m>\nUse m\n</Macro>\nUse m");
  fails(1, "several parameters called '$A'", "<Macro m $a $A>\n</Macro>");
  fails(1, "<Macro> was not closed", "<Macro m>\nA");
  fails(1, "requires additional arguments", "<Macro>\n</Macro>");
  fails(4, "not defined", "<Macro m>\n</Macro>\nUndefMacro m\nUse m");
});

Deno.test("reader: Error stops with its text", () => {
  fails(2, "AH00526: Syntax error on line 2 of /srv/httpd.conf:\nnot here", 'A\nError "not here"');
  fails(1, "one two", "Error one two");
});

Deno.test("reader: -C comes before the file, -c after it", () => {
  const options = { before: ["Define X 1", "First"], after: ["Last ${X}"] };
  assertEquals(tree("Middle ${X}", {}, options), "First[] Middle[1] Last[1]");
  const error = fails(2, "Expected", "A", {}, { after: ["<S x>", "</T>"] });
  assertEquals(error.file, "-c/-C directives");
});

Deno.test("reader: a main file that is not there is an error of its first line", () => {
  fails(1, "Could not open configuration file /srv/none.conf", "", {}, { file: "/srv/none.conf" });
});
