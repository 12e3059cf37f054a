// Can a program run a server? serve() of mod.ts as tests and scripts use it; that nothing is left behind is for Deno's sanitizers to find.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join, toFileUrl } from "@std/path";
import { serve, type ServeOptions, ServerError } from "../../mod.ts";
import { ENTRY, inTime, until } from "./harness.ts";

const unix = Deno.build.os !== "windows";

const SMALL: ServeOptions = { listen: "127.0.0.1:0", output: "null" };
const answering = (text: string) => `export default { fetch: () => new Response(${JSON.stringify(text)}) };`;

/** Carries out `test` in a directory with these files. */
async function inFolder(files: Readonly<Record<string, string>>, test: (root: string) => Promise<void>) {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(root, name), text);
    await test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/** Asked on a connection of its own. */
async function ask(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: "close" } });
  return await response.text();
}

Deno.test("serve: starts, says where it listens and what it does, stops", async () => {
  await inFolder({ "app.ts": answering("yes") }, async (root) => {
    await using server = await serve(toFileUrl(join(root, "app.ts")), SMALL);
    const [{ url, hostname, port }] = server.addresses;
    assertEquals([url, hostname], [`http://127.0.0.1:${port}/`, "127.0.0.1"]);
    assertEquals(await ask(url), "yes");
    const { generation, children, idle, requests } = await server.status();
    assertEquals([generation, requests], [0, 1]);
    assert(children.length > 0 && idle > 0);
    await server.stop();
    assertEquals((await server.finished).success, true);
    await assertRejects(() => server.status(), ServerError, "the server has ended");
  });
});

Deno.test("serve: a restart brings the new version; one that does not load leaves the old one, with the reason", async () => {
  await inFolder({ "app.ts": answering("first") }, async (root) => {
    const file = join(root, "app.ts");
    await using server = await serve(file, { ...SMALL, directives: unix ? ["StartServers 1"] : [] });
    const [{ url }] = server.addresses;
    assertEquals(await ask(url), "first");
    await Deno.writeTextFile(file, "export default { fetch: () => new Response('' };");
    const error = await assertRejects(() => server.restart(), ServerError);
    assertStringIncludes(error.message, "app.ts:1:47");
    assertEquals(await ask(url), "first");
    await Deno.writeTextFile(file, answering("second"));
    await server.restart();
    await until("the new version", async () => await ask(url) === "second");
    assertEquals(server.addresses[0].url, url);
  });
});

Deno.test("serve: what keeps a server from starting is what the command line says", async () => {
  await inFolder({
    "app.ts": answering("yes"),
    "nothing.ts": "export const nothing = 1;",
  }, async (root) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const cases: readonly [string, ServeOptions, string][] = [
      ["nothing.ts", SMALL, "nothing.ts"],
      ["missing.ts", SMALL, "missing.ts"],
      ["app.ts", { ...SMALL, listen: `127.0.0.1:${taken.addr.port}` }, `127.0.0.1:${taken.addr.port}`],
      ["app.ts", { ...SMALL, directives: ["Timout 5"] }, "Invalid command 'Timout': did you mean Timeout?"],
      ["app.ts", { ...SMALL, spa: true }, "--spa goes with a folder"],
    ];
    for (const [name, options, reason] of cases) {
      const error = await assertRejects(() => serve(join(root, name), options), ServerError);
      assertStringIncludes(error.message, reason);
    }
    const handler = { fetch: () => new Response("") };
    await assertRejects(() => serve(handler as unknown as URL, SMALL), TypeError, "the name of a module");
  });
});

Deno.test("serve: a signal stops it", async () => {
  await inFolder({ "app.ts": answering("yes") }, async (root) => {
    const controller = new AbortController();
    const server = await serve(join(root, "app.ts"), { ...SMALL, signal: controller.signal });
    controller.abort();
    assertEquals((await inTime("the end", server.finished)).success, true);
  });
});

Deno.test({ name: "serve: a program that is killed takes its server with it", ignore: !unix }, async () => {
  await inFolder({ "app.ts": answering("yes") }, async (root) => {
    const script = join(root, "run.ts");
    await Deno.writeTextFile(
      script,
      `import { serve } from ${JSON.stringify(toFileUrl(ENTRY).href)};
       const server = await serve(${JSON.stringify(join(root, "app.ts"))}, { listen: "127.0.0.1:0" });
       console.log(server.addresses[0].port, (await server.status()).pid);`,
    );
    const process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", script],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = process.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await inTime("the script to serve", reader.read());
    const [port, pid] = value!.trim().split(" ").map(Number);
    assertEquals(await ask(`http://127.0.0.1:${port}/`), "yes");
    process.kill("SIGKILL");
    await process.status;
    await reader.cancel();
    await until(
      "the port to be free",
      () =>
        Deno.connect({ hostname: "127.0.0.1", port }).then((connection) => connection.close(), () => true),
    );
    await until("the server to be gone", () => {
      try {
        Deno.kill(pid, "SIGCONT");
        return false;
      } catch (error) {
        return error instanceof Deno.errors.NotFound;
      }
    });
  });
});

Deno.test("the examples of docs/embedding.md run, and are right for the type checker", async () => {
  const text = await Deno.readTextFile(new URL("../../docs/embedding.md", import.meta.url));
  const files: Record<string, string> = {};
  for (const [, name, code] of text.matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```/gms)) {
    files[name] = code.replaceAll('"./mod.ts"', JSON.stringify(toFileUrl(ENTRY).href));
  }
  assertEquals(Object.keys(files), ["run.ts", "app.ts", "app_test.ts"]);
  await inFolder(files, async (root) => {
    const deno = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args,
        cwd: root,
        stdin: "null",
      })
        .output();
      const decoder = new TextDecoder();
      assertEquals(code, 0, decoder.decode(stderr) + decoder.decode(stdout));
      return decoder.decode(stdout);
    };
    // Without the server's deno.json, as in the folder of a user.
    assertEquals(await deno("run", "-A", "--check", "run.ts"), "Hello from /\n\n1\n");
    assertStringIncludes(await deno("test", "-A", "app_test.ts"), "1 passed");
  });
});
