// Does the server listen where it was told to, and lose nobody on the way? Addresses, Unix-domain sockets, sockets of a service
// manager, and ports that come and go at restarts.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Connection, freePort, inTime, load, runCommand, TestServer, until } from "./harness.ts";
import { config, FILES, GET, type Model, MODELS } from "./models.ts";

const linux = Deno.build.os === "linux";
/** Descriptors are passed between processes there. */
const unix = linux || Deno.build.os === "darwin";

const EVENT = MODELS.find(({ name }) => name === "event")!;

/** An application that keeps its client, and a slot, waiting until there is a file. */
const HOLD = `<Location "/hold">\nApplication hold.ts\n</Location>\n`;
const HOLD_APP = `export default {
  async fetch(): Promise<Response> {
    console.error("holding");
    const go = new URL("go", import.meta.url);
    while (!await Deno.stat(go).then(() => true, () => false)) await new Promise((resolve) => setTimeout(resolve, 10));
    return new Response("held");
  },
};
`;

/** A configuration with more Listen lines. */
function listening(lines: string, model: Model = EVENT): string {
  return `${lines}\n${config(model, model.four)}`;
}

async function answer(connection: Deno.Conn): Promise<string> {
  await connection.write(new TextEncoder().encode(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")));
  return await inTime("an answer", new Response(connection.readable).text());
}

async function overUnix(path: string): Promise<string> {
  return await answer(await Deno.connect({ transport: "unix", path }));
}

Deno.test({
  name:
    "Listen with a port alone takes both families; names and IPv6 addresses work; logs say who came where",
  ignore: !unix,
  async fn() {
    const [both, six] = [freePort(), freePort()];
    await using server = await TestServer.start({
      config: listening(`Listen ${both}\nListen [::1]:${six}`).replace("%h %l %u %t", "%h %A %{local}p"),
      files: FILES,
    });
    for (const [hostname, port] of [["127.0.0.1", both], ["::1", both], ["::1", six]] as const) {
      assertStringIncludes(await answer(await Deno.connect({ hostname, port })), "welcome");
    }
    const lines = await until("three lines in the log", () => {
      const found = server.log("logs/access_log").trim().split("\n");
      return found.length === 3 ? found : undefined;
    });
    for (const [i, [address, port]] of [["127.0.0.1", both], ["::1", both], ["::1", six]].entries()) {
      assert(lines[i].startsWith(`${address} ${address} ${port} "GET`), lines[i]);
    }
    const expected = `listening on http://[::]:${both}/ http://[::1]:${six}/ http://127.0.0.1:`;
    await until("the addresses on standard error", () => server.stderr.includes(expected));
  },
});

Deno.test("an address that somebody has is told as httpd does, and the server ends with 1", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/conf`);
  await Deno.mkdir(`${root}/logs`);
  await Deno.writeTextFile(
    `${root}/conf/httpd.conf`,
    `Listen 127.0.0.1:${freePort()}\nListen 127.0.0.1:${taken.addr.port}\nServerName test.example\n`,
  );
  const { code, stderr } = await runCommand(["-d", root]);
  assertEquals(code, 1);
  assertStringIncludes(
    stderr,
    `AH00072: make_sock: could not bind to address 127.0.0.1:${taken.addr.port}\n`,
  );
  assertStringIncludes(
    stderr,
    "no listening sockets available, shutting down\nAH00015: Unable to open logs\n",
  );
  if (linux) assertStringIncludes(stderr, "(98)Address already in use: AH00072");
  await Deno.remove(root, { recursive: true });
});

Deno.test({
  name:
    "Listen unix: serves who may connect, logs no address, asks virtual hosts of port 80, and leaves no file",
  ignore: !unix,
  async fn() {
    await using server = await TestServer.start({
      config: listening(`Listen unix:@ROOT@/site.sock mode=0600`) +
        `<VirtualHost *:80>\nServerName test.example\nDocumentRoot "@ROOT@/other"\n</VirtualHost>\n` +
        `<Directory "@ROOT@/other">\nRequire local\n</Directory>\n`,
      files: { ...FILES, "other/index.html": "<p>by file</p>\n", "other/down/index.html": "" },
    });
    const path = server.path("site.sock");
    const before = Deno.statSync(path);
    assertEquals(before.mode! & 0o777, 0o600);
    assertStringIncludes(await overUnix(path), "by file");
    await until("a line in the log", () => server.log("logs/access_log").startsWith("- - - ["));

    // Another server must not take what is in use.
    await Deno.mkdir(server.path("second/conf"), { recursive: true });
    await Deno.mkdir(server.path("second/logs"));
    await Deno.writeTextFile(
      server.path("second/conf/httpd.conf"),
      `Listen unix:${path}\nServerName test.example\n`,
    );
    const { code, stderr } = await runCommand(["-d", server.path("second")]);
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      `Address already in use: AH00072: make_sock: could not bind to address unix:${path}`,
    );

    // A graceful restart keeps it, open connections included.
    const open = await Deno.connect({ transport: "unix", path });
    await server.restartGracefully();
    await until("the new generation", () => server.log("logs/error_log").split("AH00489").length > 2);
    assertEquals(Deno.statSync(path).ino, before.ino);
    assertStringIncludes(await answer(open), "by file");
    assertStringIncludes(await overUnix(path), "by file");

    await server.stop();
    assert(
      ![...Deno.readDirSync(server.root)].some(({ name }) => name === "site.sock"),
      "the file is still there",
    );
  },
});

Deno.test({
  name: "a socket file that a killed server left is replaced",
  ignore: !unix,
  async fn() {
    const root = await Deno.makeTempDir();
    const path = `${root}/site.sock`;
    // Closed without being removed: what a crash leaves.
    Deno.listen({ transport: "unix", path }).close();
    await using _server = await TestServer.start({ config: listening(`Listen unix:${path}`), files: FILES });
    assertStringIncludes(await overUnix(path), "welcome");
    await Deno.remove(root, { recursive: true });
  },
});

for (const name of ["event", "worker", "prefork"]) {
  const model = MODELS.find((one) => one.name === name)!;

  Deno.test({
    name: `${name}: ports come and go at restarts; on one that stays no request is lost`,
    ignore: !unix,
    async fn() {
      const [first, second] = [freePort(), freePort()];
      await using server = await TestServer.start({
        config: listening(`Listen 127.0.0.1:${first}`, model),
        files: FILES,
      });
      const loaded = load(server.port, 2, 3000);
      for (const port of [second, first]) {
        const generations = server.log("logs/error_log").split("resuming normal operations").length;
        await setListen(server, `Listen 127.0.0.1:${port}`);
        await server.restartGracefully();
        await until(
          "the restart",
          () => server.log("logs/error_log").split("resuming normal operations").length > generations,
        );
        const client = await until(
          "the new port",
          () => Deno.connect({ hostname: "127.0.0.1", port }).catch(() => undefined),
        );
        assertStringIncludes(await answer(client), "welcome");
        await until("the end of the old port", () => isRefused(port === first ? second : first));
      }
      const { answered, broken } = await loaded;
      assertEquals([answered, broken], [3000, 0]);
    },
  });

  Deno.test({
    name: `${name}: who waits at a port that a restart takes away is served before it is closed`,
    ignore: !unix,
    async fn() {
      const gone = freePort();
      const one = model.name === "prefork"
        ? "StartServers 1\nMinSpareServers 1\nMaxSpareServers 2\nMaxRequestWorkers 1\n"
        : "StartServers 1\nThreadsPerChild 1\nMaxRequestWorkers 1\nMinSpareThreads 1\n" +
          (model.name === "event" ? "RequestsPerThread 1\nAsyncRequestWorkerFactor 0.1\n" : "");
      await using server = await TestServer.start({
        config: listening(`Listen 127.0.0.1:${gone}`, { ...model, four: `${one}ServerLimit 2\n${HOLD}` }),
        files: { ...FILES, "hold.ts": HOLD_APP },
      });
      // Its only slot is taken, so that others have to wait in the accept queue.
      const held = await Connection.open(server.port);
      await held.send(GET.replace("GET /", "GET /hold"));
      await until("the handler", () => server.stderr.includes("holding"));
      const waiting = await Promise.all(
        Array.from({ length: 5 }, () => Deno.connect({ hostname: "127.0.0.1", port: gone })),
      );
      const answers = waiting.map((client) => answer(client));
      await setListen(server, "");
      await server.restartGracefully();
      // The old child is told to end when the new one is ready: that one answers.
      await until(
        "the restart",
        () => server.log("logs/error_log").split("resuming normal operations").length > 2,
      );
      assertStringIncludes(await server.get(), "welcome");
      await Deno.writeTextFile(server.path("go"), "");
      assertEquals((await held.response()).body, "held");
      held.close();
      for (const text of await Promise.all(answers)) assertStringIncludes(text, "welcome");
      await until("the end of the port", () => isRefused(gone));
    },
  });
}

/** Writes the configuration anew with other Listen lines in front. */
async function setListen(server: TestServer, lines: string): Promise<void> {
  const path = server.path("conf/httpd.conf");
  const text = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, `${lines}\n${text.slice(text.indexOf("LoadModule"))}`);
}

async function isRefused(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return true;
    throw error;
  }
}
