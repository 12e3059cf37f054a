// Does -k do what an administrator expects? Start in the background, stop, and what is said when that is not possible.

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { Connection, freePort, runCommand, until } from "./harness.ts";

/** A place of its own for a server in the background, which is stopped whatever happens. */
async function withServerRoot(
  application: string,
  check: (place: { port: number; root: string; run: typeof runCommand }) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const port = freePort();
  const run = (args: readonly string[]) => runCommand(["-d", root, ...args]);
  await Deno.mkdir(join(root, "conf"));
  await Deno.writeTextFile(join(root, "conf/httpd.conf"), `Listen 127.0.0.1:${port}\nApplication app.ts\n`);
  await Deno.writeTextFile(join(root, "app.ts"), application);
  try {
    await check({ port, root, run });
  } finally {
    await run(["-k", "stop"]);
    await until(
      "the end of the server",
      async () => (await run(["-k", "stop"])).stdout.includes("not running"),
    );
    await Deno.remove(root, { recursive: true });
  }
}

/** Descriptors that outlive their process are needed to leave a terminal. */
const ignore = Deno.build.os === "windows";
const HELLO = `export default { fetch: () => new Response("hello") };`;

Deno.test(
  { name: "-k start returns when the server answers; a second one and -k stop say what is", ignore },
  async () => {
    await withServerRoot(HELLO, async ({ port, root, run }) => {
      const start = await run(["-k", "start"]);
      assertEquals([start.code, start.stdout], [0, ""]);
      assertStringIncludes(start.stderr, `listening on http://127.0.0.1:${port}/\n`);
      assertEquals(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "hello");
      const pid = (await Deno.readTextFile(join(root, "logs/httpd.pid"))).trim();
      const again = await run(["-k", "start"]);
      assertEquals([again.code, again.stdout], [0, `mpmd (pid ${pid}) already running\n`]);
      assertEquals((await run(["-k", "stop"])).code, 0);
      await until(
        "nobody to listen",
        () => Connection.open(port).then((connection) => connection.close(), () => true),
      );
      const stopped = await until("the pid file to go", async () => {
        const said = await run(["-k", "graceful-stop"]);
        return said.stdout === "mpmd (no pid file) not running\n" ? said : undefined;
      });
      assertEquals(stopped.code, 0);
    });
  },
);

Deno.test({ name: "-k start says why the server does not start, and exits with 1", ignore }, async () => {
  await withServerRoot(`throw new Error("no luck today");`, async ({ run }) => {
    const { code, stderr } = await run(["-k", "start"]);
    assertEquals(code, 1);
    assertMatch(stderr, /app\.ts does not load: no luck today\n.*app\.ts:1:7\n$/);
  });
  await withServerRoot(HELLO, async ({ port, run }) => {
    using _taken = Deno.listen({ hostname: "127.0.0.1", port });
    const { code, stderr } = await run(["-k", "graceful"]);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /AH00072: make_sock: .*\nno listening sockets available, shutting down\nAH00015: Unable to open logs\n$/,
    );
  });
});

Deno.test({ name: "-k with a broken configuration does nothing but say so", ignore }, async () => {
  await withServerRoot(HELLO, async ({ port, root, run }) => {
    assertEquals((await run(["-k", "start"])).code, 0);
    await Deno.writeTextFile(join(root, "conf/httpd.conf"), `Listen 127.0.0.1:${port}\nKeepAliv Off\n`);
    for (const action of ["stop", "graceful", "restart"]) {
      const { code, stderr } = await run(["-k", action]);
      assertEquals(code, 1);
      assertStringIncludes(stderr, "AH00526: Syntax error on line 2 of ");
    }
    assertEquals(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "hello");
    await Deno.writeTextFile(join(root, "conf/httpd.conf"), `Listen 127.0.0.1:${port}\n`);
  });
});
