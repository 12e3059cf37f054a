// Does an application have its own Deno configuration, and the server its own? Import maps, JSX, workspaces, node_modules, lock files
// and the options of the command line.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { freePort, runCommand, TestServer } from "./harness.ts";

const ignore = Deno.build.os === "windows";

const SERVER_LOCK = fromFileUrl(new URL("../../deno.lock", import.meta.url));

/** A server of `main` in a folder with `files`. */
function start(
  main: string,
  files: Readonly<Record<string, string>>,
  ...options: string[]
): Promise<TestServer> {
  return TestServer.start({
    args: ["--listen", "127.0.0.1:@PORT@", ...options, `@ROOT@/${main}`],
    files,
  });
}

/** Names that the server's modules use, and one that it does not: none may be the server's here. */
const IMPORTS = {
  "@std/path": "./lib/other.ts",
  "@logtape/logtape": "./lib/other.ts",
  "ws": "./lib/other.ts",
  "lib/": "./lib/",
};

const FILES = {
  "app/deno.jsonc": `{
    // As editors write it.
    "imports": ${JSON.stringify(IMPORTS)},
    "scopes": { "./lib/scoped/": { "word": "./lib/scoped/word.ts" } },
    "compilerOptions": { "experimentalDecorators": true },
    "unstable": ["kv"],
  }`,
  "app/lib/other.ts": "export const join = () => 'the application\\'s own';",
  "app/lib/scoped/word.ts": "export const word = 'scoped';",
  "app/lib/scoped/mod.ts": "export { word } from 'word';",
  "app/main.ts": `
    import { join } from "@std/path";
    import { word } from "lib/scoped/mod.ts";
    function marked(target: { marked?: boolean }) { target.marked = true; }
    @marked class Marked { static marked?: boolean; }
    export default {
      fetch: () => Response.json({
        join: (join as () => string)(),
        word,
        decorated: Marked.marked,
        kv: typeof Deno.openKv,
        variable: Deno.env.get("OF_THE_APPLICATION") ?? null,
        here: import.meta.dirname,
        cwd: Deno.cwd(),
      }),
    };`,
  "app/variables": "OF_THE_APPLICATION=from a file\n",
};

Deno.test(
  { name: "an application has its own import map, scopes, decorators and features", ignore },
  async () => {
    const lock = await Deno.readTextFile(SERVER_LOCK);
    await using server = await start("app/main.ts", FILES, "--env-file=@ROOT@/app/variables");
    const { here, ...said } = JSON.parse(await server.get());
    assertEquals(said, {
      join: "the application's own",
      word: "scoped",
      decorated: true,
      kv: "function",
      variable: "from a file",
      cwd: Deno.cwd(),
    });
    assertEquals(await Deno.realPath(here), await Deno.realPath(server.path("app")));
    assertEquals(await Deno.readTextFile(SERVER_LOCK), lock);
  },
);

Deno.test({ name: "JSX is compiled as the application's configuration says", ignore }, async () => {
  await using server = await start("main.tsx", {
    "deno.json": '{ "imports": { "tiny/jsx-runtime": "./jsx.ts" },' +
      ' "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "tiny" } }',
    "jsx.ts":
      "export const jsx = (tag: string, { children }: { children: string }) => `<${tag}>${children}</${tag}>`;",
    "main.tsx": "export default () => new Response(<p>text</p> as unknown as string);",
  });
  assertEquals(await server.get(), "<p>text</p>");
});

Deno.test({ name: "a member of a workspace imports another by its name", ignore }, async () => {
  await using server = await start("web/main.ts", {
    "deno.json": '{ "workspace": ["./web", "./words"] }',
    "web/deno.json": '{ "imports": { "own/": "./own/" } }',
    "web/own/mod.ts": "export const own = 'mine';",
    "web/main.ts": 'import { word } from "@here/words";\nimport { own } from "own/mod.ts";\n' +
      "Deno.serve(() => new Response(`${own} ${word}`));",
    "words/deno.json": '{ "name": "@here/words", "version": "1.0.0", "exports": "./mod.ts" }',
    "words/mod.ts": "export const word = 'and yours';",
  });
  assertEquals(await server.get(), "mine and yours");
});

Deno.test({ name: "package.json with node_modules", ignore }, async () => {
  await using server = await start("src/main.ts", {
    "package.json": '{ "type": "module", "dependencies": { "tiny": "1.0.0" } }',
    "node_modules/tiny/package.json": '{ "name": "tiny", "version": "1.0.0", "main": "index.js" }',
    "node_modules/tiny/index.js": "module.exports = { word: 'from node_modules' };",
    "src/main.ts": 'import tiny from "tiny";\nexport default { fetch: () => new Response(tiny.word) };',
  });
  assertEquals(await server.get(), "from node_modules");
});

Deno.test({ name: "--config and --import-map name another configuration", ignore }, async (t) => {
  const files = {
    "app/main.ts": 'import { word } from "word";\nexport default () => new Response(word);',
    "one/deno.json": '{ "imports": { "word": "./word.ts" } }',
    "one/word.ts": "export const word = 'by --config';",
    "two/map.json": '{ "imports": { "word": "./word.ts" } }',
    "two/word.ts": "export const word = 'by --import-map';",
  };
  for (const [option, file] of [["--config", "one/deno.json"], ["--import-map", "two/map.json"]]) {
    await t.step(option, async () => {
      await using server = await start("app/main.ts", files, option, `@ROOT@/${file}`);
      assertEquals(await server.get(), `by ${option}`);
    });
  }
});

Deno.test({ name: "--allow-... and --deny-... say what the application may do", ignore }, async () => {
  const program = `
    const states = (descriptors: Deno.PermissionDescriptor[]) =>
      descriptors.map((one) => Deno.permissions.querySync(one).state);
    export default () => Response.json(states([
      { name: "env", variable: "ONE" }, { name: "env", variable: "TWO" }, { name: "run" }, { name: "net" },
    ]));`;
  await using server = await start(
    "main.ts",
    { "main.ts": program, "deno.json": "{}" },
    ...["--allow-env=ONE", "--allow-net", "--deny-net"],
  );
  assertEquals(JSON.parse(await server.get()), ["granted", "prompt", "prompt", "prompt"]);
});

Deno.test(
  { name: "applications with different configurations are told to be two servers", ignore },
  async () => {
    const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
    for (const name of ["one", "two"]) {
      await Deno.mkdir(join(root, name));
      await Deno.writeTextFile(join(root, name, "deno.json"), "{}");
      await Deno.writeTextFile(join(root, name, "main.ts"), "export default () => new Response();");
    }
    await Deno.writeTextFile(
      join(root, "httpd.conf"),
      `Listen 127.0.0.1:${freePort()}\nApplication one/main.ts\n<Location /two>\nApplication two/main.ts\n</Location>\n`,
    );
    const { code, stderr } = await runCommand(["-t", "-d", root, "-f", "httpd.conf"]);
    await Deno.remove(root, { recursive: true });
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /one\/main\.ts has the Deno configuration of .*one, .*two\/main\.ts that of .*two: .*two servers/,
    );
  },
);

Deno.test(
  { name: "errors of an application with its own configuration are told with their place", ignore },
  async (t) => {
    const cases: readonly [what: string, program: string, said: RegExp][] = [
      ["a name that is in no map", 'import "nowhere";\n', /"nowhere" not a dependency[^]*main\.ts:1:8/],
      ["none of the forms", "export const a = 1;\n", /main\.ts is loaded and serves nothing: .*Deno\.serve/],
      [
        "the server's names are not its",
        'import "@std/log";\n',
        /"@std\/log" not a dependency[^]*main\.ts:1:8/,
      ],
    ];
    for (const [what, program, said] of cases) {
      await t.step(what, async () => {
        const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
        await Deno.writeTextFile(join(root, "deno.json"), "{}");
        await Deno.writeTextFile(join(root, "main.ts"), program);
        const { code, stderr } = await runCommand(["-t", join(root, "main.ts")]);
        await Deno.remove(root, { recursive: true });
        assertEquals(code, 1);
        assertMatch(stderr, said);
        assertStringIncludes(stderr, "main.ts");
      });
    }
  },
);
