// Does any directive of any module do anything with its arguments but take them or refuse them with a place?

import { assert } from "@std/assert";
import fc from "fast-check";
import { allMpms } from "../mpm/mod.ts";
import { applyOverrideFile } from "../server/config/apply.ts";
import {
  ConfigError,
  ConfigErrors,
  type ConfigNode,
  type DirectiveRow,
  DirectiveTable,
  sectionRows,
} from "../server/config/mod.ts";
import { applyTree } from "../server/apply_tree.ts";
import { setModules } from "../server/modules.ts";
import { MODULES } from "./mod.ts";

setModules(MODULES);

const rows: readonly DirectiveRow[] = [...sectionRows, ...MODULES.flatMap(({ directives }) => directives)];

const known =
  "On|Off|None|All|0|1|-1|80|8080|5s|10ms|1M|/|/a|*|x|x.html|a/b|env=X|env=!X|all|granted|denied|ip|not|from|10.0.0.0/8|host|expr|combined|common|%h|%{X}i|%>s|>|true|-n req('x')|text/html|.x|GET|POST|logs/x|debug|core:info|header=5-10|INode|Strict"
    .split("|");
const arg = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...known) },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.integer().map(String) },
);

/** The nodes of a text, but without its quotes: any argument may come. */
const { node } = fc.letrec<{ node: ConfigNode }>((tie) => ({
  node: fc.record({
    row: fc.constantFrom(...rows),
    args: fc.array(arg, { maxLength: 4 }),
    line: fc.integer({ min: 1, max: 99 }),
    children: fc.oneof({ depthSize: "small" }, fc.constant([]), fc.array(tie("node"), { maxLength: 3 })),
  }).map(({ row, args, line, children }): ConfigNode => {
    const section = "open" in row;
    return {
      name: section ? row.name.slice(1, -1) : row.name,
      args,
      raw: args.join(" "),
      file: "/fuzz.conf",
      line,
      ...section ? { children } : {},
    };
  }),
}));

function holds(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const { file, line, reason } of error instanceof ConfigErrors ? error.errors : [error]) {
      assert(file === "/fuzz.conf" && line >= 1 && reason !== "", error.message);
    }
  }
}

Deno.test("configuration: every directive takes its arguments or refuses them with a place", () => {
  const mpms = [undefined, ...allMpms()];
  fc.assert(
    fc.property(fc.array(node, { maxLength: 6 }), fc.constantFrom(...mpms), (nodes, mpm) => {
      holds(() => applyTree(nodes, "/srv", mpm));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("configuration: in .htaccess files too", () => {
  const table = new DirectiveTable(rows);
  const overrides = {
    classes: new Set(["AuthConfig", "FileInfo", "Indexes", "Limit", "Options"] as const),
    options: undefined,
    names: new Set<string>(),
    ignoreForbidden: false,
    ignoreUnknown: false,
    key: "all",
  };
  fc.assert(
    fc.property(fc.array(node, { maxLength: 2 }), (nodes) => {
      holds(() => applyOverrideFile(nodes, "/fuzz.conf", overrides, { table, serverRoot: "/srv" }));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("configuration: whatever may stand in .htaccess says what AllowOverride has to allow, and only that", () => {
  const wrong = rows.filter(({ contexts, override }) =>
    contexts.includes(".htaccess") !== (override !== undefined)
  );
  assert(
    wrong.length === 0,
    `rows with .htaccess and without override, or the other way: ${wrong.map(({ name }) => name)}`,
  );
});
