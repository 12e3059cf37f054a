// Does --watch take over what a developer saves, and lose nothing by it? The real program, files that change, clients that ask meanwhile.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { load, TestServer, until } from "./harness.ts";

const ignore = Deno.build.os === "windows";

const FILES = {
  "app.ts": `import { word } from "./lib/word.ts";\nexport default { fetch: () => new Response(word) };\n`,
  "lib/word.ts": `export const word = "one";\n`,
};

/** Asked on a connection of its own: one that is kept may be answered once more by the old generation. */
const asked = async (server: TestServer) => (await server.get("/")).trim();

/** Editors that mean it well write beside the file and rename. */
async function replace(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, text);
  await Deno.rename(`${path}.new`, path);
}

Deno.test({ name: "--watch: what is saved serves soon, and no request is lost", ignore }, async () => {
  await using server = await TestServer.start({
    args: ["--watch", "--listen", "127.0.0.1:@PORT@", "@ROOT@/app.ts"],
    files: FILES,
  });
  assertEquals(await asked(server), "one");
  const word = server.path("lib/word.ts");
  const clients = load(server.port, 4, 8000);
  await Deno.writeTextFile(word, `export const word = "two";\n`);
  await until("the new version", async () => await asked(server) === "two");
  await replace(word, `export const word = "three";\n`);
  await until("the renamed one", async () => await asked(server) === "three");
  assertEquals(await clients, { answered: 8000, broken: 0 });
  await until(
    "both to be told",
    () =>
      server.stderr.match(/^word\.ts: the new version serves, \d+ ms after it was saved$/gm)?.length === 2,
  );
});

Deno.test({
  name:
    "--watch: what does not load is told once, leaves the old version, and is not tried again until the next change",
  ignore,
}, async () => {
  await using server = await TestServer.start({
    args: ["--watch", "--listen", "127.0.0.1:@PORT@", "-c", "StartServers 2", "@ROOT@/app.ts"],
    files: FILES,
  });
  assertEquals(await asked(server), "one");
  const word = server.path("lib/word.ts");
  await Deno.writeTextFile(word, `throw new Error("not today");\nexport const word = "two";\n`);
  const failed = "word.ts: the new version does not start; the old one serves until the next change\n";
  await until("the failure to be told", () => server.stderr.includes(failed));
  assertEquals(await asked(server), "one");
  const lines = server.stderr.split("\n").filter((line) => /^\[.*:crit\].*not today/.test(line));
  assertEquals(lines.length, 1, server.stderr);
  await replace(word, `export const word = "three";\n`);
  await until("the mended one", async () => await asked(server) === "three");
  assertEquals(server.stderr.split(failed).length, 2, server.stderr);
});

Deno.test({ name: "--watch: a program that does not load at first is waited for", ignore }, async () => {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  try {
    const app = join(root, "app.ts");
    const tried = join(root, "tried");
    await Deno.writeTextFile(
      app,
      `Deno.writeTextFileSync(${JSON.stringify(tried)}, "");\nthrow new Error("no");\n`,
    );
    const starting = TestServer.start({ args: ["--watch", "--listen", "127.0.0.1:@PORT@", app] });
    await until("the first try", () => Deno.stat(tried).then(() => true, () => false));
    await Deno.writeTextFile(app, `export default { fetch: () => new Response("at last") };\n`);
    await using server = await starting;
    // The port may be bound by the first try still.
    await until("the second try", () => server.get("/").then((text) => text === "at last", () => false));
    assertStringIncludes(server.stderr, "it is tried again after the next change");
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test({ name: "--watch: the files of a configuration are watched too", ignore }, async () => {
  await using server = await TestServer.start({
    args: ["-d", "@ROOT@", "--watch"],
    config:
      `Listen 127.0.0.1:@PORT@\nServerName a\nPidFile none\nErrorLog /dev/stderr\nDocumentRoot "@ROOT@/htdocs"
Include conf/more.conf\n`,
    files: { "conf/more.conf": `Header set X-Which first\n`, "htdocs/index.html": "x" },
  });
  const which = async () =>
    (await fetch(server.url(), { headers: { connection: "close" } })).headers.get("x-which");
  assertEquals(await which(), "first");
  await Deno.writeTextFile(server.path("conf/more.conf"), `Header set X-Which second\n`);
  await until("the new line", async () => await which() === "second");
  await Deno.writeTextFile(server.path("conf/more.conf"), `Header sot X-Which third\n`);
  await until("the error", () => /more\.conf.*the running configuration stays/.test(server.stderr));
  assertEquals(await which(), "second");
  assertMatch(server.stderr, /^more\.conf: the new version does not start; the old one serves/m);
});
