// Can others extend the server without a change to it? The modules of docs/modules.md, from a directory of their own, and what is said about
// those that are wrong.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { freePort, runCommand, TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

/** The files of the documentation, by the names in their first lines. */
function documented(): Record<string, string> {
  const text = Deno.readTextFileSync(new URL("../../docs/modules.md", import.meta.url));
  return Object.fromEntries(
    [...text.matchAll(/```ts\n\/\/ (\w+\.ts)\n(.*?)```/gs)].map(([, name, code]) => [name, code]),
  );
}

/** The configuration of the documentation. */
function configuration(): string {
  const text = Deno.readTextFileSync(new URL("../../docs/modules.md", import.meta.url));
  return /```apache\n(.*?)```/s.exec(text)![1];
}

const BASE = `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
`;

Deno.test(
  { name: "modules of third parties: a handler and a filter, as they are documented", ignore: !unix },
  async () => {
    const files = documented();
    assertEquals(Object.keys(files), ["hello_module.ts", "shout_module.ts"]);
    await using server = await TestServer.start({
      config: `${BASE}
<IfModule hello_module>
  Redirect /too-early /
</IfModule>
${configuration()}
<IfModule hello_module.ts>
  Header set X-Module hello
</IfModule>
<Directory "@ROOT@/htdocs/own">
  AllowOverride FileInfo
</Directory>
`,
      files: {
        ...files,
        "htdocs/loud/a.txt": "grüße, quietly\n".repeat(10_000),
        "htdocs/own/.htaccess": "HelloName override\nSetHandler hello\n",
        "htdocs/own/x.txt": "never sent",
      },
    });
    assertEquals(await server.get("/hello"), "Hello, the world!\n");
    assertEquals(await server.get("/own/x.txt"), "Hello, override!\n");
    const loud = Array.from(
      new TextEncoder().encode("GRÜSSE, QUIETLY\n"),
      (byte) => String.fromCharCode(byte),
    ).join("");
    const answer = await server.raw("GET /loud/a.txt HTTP/1.0\r\nHost: a\r\n\r\n");
    assertEquals(answer.slice(answer.indexOf("\r\n\r\n") + 4), loud.repeat(10_000));
    assertStringIncludes(answer, "X-Module: hello");

    const args = ["-d", server.root];
    const { stdout: listed } = await runCommand([...args, "-M"]);
    assertStringIncludes(listed, " hello_module (shared)\n");
    assertStringIncludes(
      (await runCommand([...args, "-L"])).stdout,
      "HelloName (hello_module.ts)\n\tWhom to greet\n",
    );

    // A restart loads what has changed, or keeps what there is.
    const module = server.path("hello_module.ts");
    await Deno.writeTextFile(module, files["hello_module.ts"].replaceAll("Hello, ", "Bye, "));
    await Deno.utime(module, 1_800_000_000, 1_800_000_000);
    await server.restartGracefully();
    await until("the new greeting", async () => await server.get("/hello") === "Bye, the world!\n");
    await Deno.writeTextFile(module, "export default 1;");
    await Deno.utime(module, 1_800_000_001, 1_800_000_001);
    await server.restartGracefully();
    await until(
      "the refusal",
      () => server.log("logs/error_log").includes("has a default export that is number"),
    );
    assertEquals(await server.get("/hello"), "Bye, the world!\n");
  },
);

Deno.test({
  name: "modules of third parties: an application beside them, a body that is read, and a failure",
  ignore: !unix,
}, async () => {
  await using server = await TestServer.start({
    config: `${BASE}
LoadModule reader_module reader.js
SetInputFilter UPPER
<Location /read>
  SetHandler reader
</Location>
<Location /app>
  Application app.ts
</Location>
`,
    files: {
      "htdocs/x": "",
      "app.ts": `export default { fetch: async (request) => new Response(await request.text()) };`,
      "reader.js": `
import { defineModule, filterRequestBody, FilterType } from "@mpmd/mpmd/module";
export default defineModule({
  name: "reader_module",
  hooks: () => ({
    readsBody: ({ dir, path }) => path === "/read",
    handler({ handler, body, query }) {
      if (handler !== "reader") return undefined;
      if (query === "fail") throw new Error("the reader broke");
      return body.whole().then((bytes) => ({ status: 200, fields: [], body: { kind: "bytes", bytes } }));
    },
    inputFilters: [{
      name: "UPPER",
      type: FilterType.Resource,
      filter: (exchange, body) => filterRequestBody(body, async function* (pieces) {
        for await (const piece of pieces) yield piece.map((byte) => byte >= 97 && byte <= 122 ? byte - 32 : byte);
      }),
    }],
  }),
});
`,
    },
  });
  const post = async (path: string) => {
    const response = await fetch(server.url(path), { method: "POST", body: "some text" });
    return [
      response.status,
      response.status === 200 ? await response.text() : (await response.text()).length > 0,
    ];
  };
  assertEquals(await post("/read"), [200, "SOME TEXT"]);
  assertEquals(await post("/app"), [200, "SOME TEXT"]);
  assertEquals(await post("/read?fail"), [500, true]);
  await until("the failure in the log", () => server.log("logs/error_log").includes("the reader broke"));
  assertStringIncludes(server.log("logs/error_log"), "reader.js:");
});

const WRONG: readonly (readonly [code: string | undefined, expected: string])[] = [
  [undefined, "Module not found"],
  ["export default {", "SyntaxError"],
  ["throw new Error('at the top');", "at the top\n    at file:///"],
  [
    "export const x = 1;",
    "has no default export: expected `export default defineModule({ name, directives, hooks })`",
  ],
  [
    "export default { name: 'other_module' };",
    'exports the module "other_module": expected name: "x_module", as LoadModule says',
  ],
  ["export default { name: 'x_module', hook: {} };", "has a member hook: expected name, directives"],
  ["export default { name: 'x_module', hooks: {} };", "has hooks that is object: expected a function"],
  [
    "export default { name: 'x_module', hooks: () => ({ handle() {} }) };",
    "has a hook handle, which there is not",
  ],
  [
    "export default { name: 'x_module', directives: [{ name: 'A B' }] };",
    'has directives[0] without a name: expected name: "MyDirective"',
  ],
  [
    "export default { name: 'x_module', directives: [{ name: 'Own', contexts: ['everywhere'] }] };",
    'has directives[0] (Own): expected contexts: a list of "server config"',
  ],
  [
    "export default { name: 'x_module', directives: [{ name: 'Alias', contexts: ['directory'], args: 1, syntax: '', help: '', apply() {} }] };",
    "has directives[0] (Alias): alias_module has a directive of that name",
  ],
];

Deno.test({
  name: "modules of third parties: what is wrong with one is said with file, line and what was expected",
  ignore: !unix,
}, async () => {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(root, "conf"));
    const conf = join(root, "conf/httpd.conf");
    const check = async (lines: string) => {
      await Deno.writeTextFile(conf, `Listen 127.0.0.1:${freePort()}\n${lines}\n`);
      return await runCommand(["-d", root, "-t"]);
    };
    for (const [code, expected] of WRONG) {
      await Deno.remove(join(root, "x.ts")).catch(() => {});
      if (code !== undefined) await Deno.writeTextFile(join(root, "x.ts"), code);
      const { code: exit, stderr } = await check("LoadModule x_module ./x.ts");
      assertEquals(exit, 1, expected);
      assertStringIncludes(
        stderr,
        `AH00526: Syntax error on line 2 of ${conf}:\nCannot load ./x.ts into server: file://`,
      );
      assertStringIncludes(stderr, expected);
    }
    await Deno.writeTextFile(
      join(root, "x.ts"),
      `export default { name: "x_module", directives: [{ name: "Own", contexts: ["server config"], args: 1, syntax: "Own x", help: "Own",
        apply([word]) { if (word === "1") throw new Error("a mistake"); } }] };`,
    );
    const failed = await check("LoadModule x_module ./x.ts\nOwn 1");
    assert(
      failed.stderr.includes("line 3 of") &&
        failed.stderr.includes("x_module: apply() of Own failed: Error: a mistake"),
      failed.stderr,
    );
    assertStringIncludes(
      (await check("LoadModule x_module ./x.ts\nOwn 1 2")).stderr,
      "Own takes one argument, not 2; syntax: Own x",
    );
    assertStringIncludes(
      (await check("LoadModule dir_module ./x.ts")).stderr,
      "it has a dir_module of its own, yours needs another name",
    );
    assertStringIncludes(
      (await check("LoadModule x_module modules/x.so")).stderr,
      "there is no module x_module",
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
