// What does somebody get who has no configuration file? An application or a folder that is named on the command line, with the real
// program.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { Connection, runCommand, TestServer, until } from "./harness.ts";

const ignore = Deno.build.os === "windows";

const APP = `export default { fetch: (request: Request) => new Response(new URL(request.url).pathname) };`;

const FILES = {
  "site/index.html": "<p>front</p>",
  "site/assets/app.js": "console.log(1);\n",
  "site/assets/numbers.txt": "0123456789",
  "site/assets/.hidden": "x",
  "site/.env": "SECRET=1",
  "site/.git/config": "x",
  "site/.well-known/security.txt": "Contact: x",
};

/** Starts the server with these arguments before the operand; `server.output` is what it has said on standard output. */
function start(operand: string, ...flags: string[]): Promise<TestServer> {
  return TestServer.start({
    args: ["--listen", "127.0.0.1:@PORT@", ...flags, `@ROOT@/${operand}`],
    files: { ...FILES, "app.ts": APP },
  });
}

Deno.test(
  { name: "without a configuration: a connection may ask as often as it likes", ignore },
  async () => {
    await using server = await start("app.ts");
    const client = await Connection.open(server.port);
    for (let i = 0; i < 250; i++) {
      await client.send(`GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const { head, body } = await client.response();
      assertEquals(body, `/${i}`);
      assert(!/^connection: close/im.test(head), `closed after ${i + 1} requests`);
    }
    client.close();
  },
);

Deno.test({
  name: "without a configuration: a line for each request where --access-log says so, else none",
  ignore,
}, async () => {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const lines = async (...flags: string[]) => {
    const output = join(root, "output");
    await using server = await TestServer.start({
      args: ["--listen", "127.0.0.1:@PORT@", ...flags, "@ROOT@/app.ts"],
      files: { "app.ts": APP },
      launcher: ["sh", "-c", `exec "$@" > ${output}`, "sh"],
    });
    await server.get("/seen");
    await server.stop();
    return await Deno.readTextFile(output);
  };
  try {
    assertMatch(
      await lines("--access-log"),
      /^127\.0\.0\.1 - - \[[^\]]+\] "GET \/seen HTTP\/1\.1" 200 5 "-" "-"$/m,
    );
    assertEquals(await lines(), "");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test({
  name: "a folder: index files, types, ranges, listings, and nothing that begins with a dot",
  ignore,
}, async () => {
  await using server = await start("site");
  assertEquals(await server.get("/"), "<p>front</p>");
  const script = await fetch(server.url("/assets/app.js"));
  assertEquals([await script.text(), script.headers.get("content-type")], [
    "console.log(1);\n",
    "text/javascript",
  ]);
  const range = await fetch(server.url("/assets/numbers.txt"), { headers: { range: "bytes=2-4" } });
  assertEquals([range.status, await range.text()], [206, "234"]);
  assertEquals(range.headers.get("content-type"), "text/plain; charset=utf-8");
  const listing = await server.get("/assets/");
  assertStringIncludes(listing, '<a href="app.js">');
  assert(!listing.includes(".hidden"), listing);
  for (const path of ["/.env", "/.git/config", "/assets/.hidden", "/missing"]) {
    const { status, body } = await fetch(server.url(path));
    await body?.cancel();
    assertEquals(status, 404, path);
  }
  assertEquals(await server.get("/.well-known/security.txt"), "Contact: x");
  await until(
    "the start to be told",
    () => server.stderr.includes(`configuration: folder ${server.path("site")}`),
  );
});

Deno.test({
  name: "a folder with --spa: who navigates gets index.html, who asks for a file that is not there gets 404",
  ignore,
}, async () => {
  await using server = await start("site", "--spa");
  const ask = async (path: string, accept: string) => {
    const response = await fetch(server.url(path), { headers: { accept } });
    return [response.status, await response.text()];
  };
  const browser = "text/html,application/xhtml+xml,*/*;q=0.8";
  for (const path of ["/", "/users/7", "/users/7?tab=a.b", "/assets/"]) {
    assertEquals(await ask(path, browser), [200, "<p>front</p>"], path);
  }
  assertEquals(await ask("/assets/app.js", "*/*"), [200, "console.log(1);\n"]);
  for (const [path, accept] of [["/assets/old.js", browser], ["/api/users", "*/*"], ["/.env", browser]]) {
    assertEquals((await ask(path, accept))[0], 404, path);
  }
});

Deno.test("without a configuration: options that do not go together are told", async () => {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const cases: readonly [args: string[], reason: string][] = [
    [["--spa", "app.ts"], "--spa goes with a folder"],
    [["--access-log"], "--access-log is for a start without a configuration"],
    [["-f", "httpd.conf", root], "a configuration names its folder with DocumentRoot"],
  ];
  try {
    for (const [args, reason] of cases) {
      const { code, stderr } = await runCommand(args);
      assertEquals(code, 1, args.join(" "));
      assertStringIncludes(stderr, reason);
    }
  } finally {
    await Deno.remove(root);
  }
});
