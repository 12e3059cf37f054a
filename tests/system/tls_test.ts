// Is what goes over TLS the same as in plain text, under every MPM? Many clients at once whose answers are told apart, large bodies both
// ways, requests in one record and records in pieces, restarts and ends.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { runCommand, until } from "./harness.ts";
import { MODELS } from "./models.ts";
import {
  authority,
  EVENT,
  LARGE,
  startTls,
  TLS_FILES,
  TLS_MODELS,
  TlsClient,
  tlsConfig,
} from "./tls_support.ts";

const unix = Deno.build.os !== "windows";
const CLIENTS = 12;
const NUMBERED = Object.fromEntries(
  Array.from(
    { length: CLIENTS },
    (_, i) => [`htdocs/${i}.txt`, `this is for client ${i}\n`.repeat(i * 300 + 1)],
  ),
);

/** Connections of all clients, each with requests of its own, several of them sent at once. */
async function manyClients(port: number, rounds: number): Promise<void> {
  await Promise.all(Array.from({ length: CLIENTS }, async (_, i) => {
    for (let round = 0; round < rounds; round++) {
      const client = await TlsClient.open(port);
      const request = `GET /${i}.txt HTTP/1.1\r\nHost: test.example\r\n\r\n`;
      await client.send(request.repeat(5));
      for (let n = 0; n < 5; n++) {
        const { status, body } = await client.response();
        assertEquals(status, 200);
        assertEquals(body, NUMBERED[`htdocs/${i}.txt`]);
      }
      assertEquals((await client.get("/large.txt")).body, LARGE);
      client.close();
    }
  }));
}

/** Connections to `port` that some process holds. Linux. */
function openConnections(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return Deno.readTextFileSync("/proc/net/tcp").split("\n").map((line) => line.trim().split(/\s+/)).filter((
    [, address, , state],
    // ESTABLISHED, CLOSE_WAIT
  ) => address?.endsWith(local) && (state === "01" || state === "08")).length;
}

for (const model of TLS_MODELS) {
  Deno.test({
    name: `TLS under ${model.name}: many clients at once, each gets its own; nothing is left of them`,
    ignore: Deno.build.os !== "linux",
    async fn() {
      await using server = await startTls(model, "", "", NUMBERED);
      await manyClients(server.port, 2);
      await until("all their connections to be closed", () => openConnections(server.port) === 0);
    },
  });
}

Deno.test({
  name: "TLS: connections that were idle go on, across threads; the log knows how they are encrypted",
  ignore: !unix,
  async fn() {
    await using server = await startTls(EVENT);
    const clients = await Promise.all(Array.from({ length: 8 }, () => TlsClient.open(server.port)));
    for (let round = 0; round < 2; round++) {
      for (const client of clients) assertEquals((await client.get()).body, TLS_FILES["htdocs/index.html"]);
      // So long a connection stays with its thread, then it is parked.
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    for (const client of clients) client.close();
    await until("the log", () => server.log("logs/access_log").split("\n").length > 16);
    assertMatch(
      server.log("logs/access_log"),
      /^127\.0\.0\.1 TLSv1\.3 TLS_\w+ test\.example on 200 TLSv1\.3$/m,
    );
  },
});

Deno.test({
  name: "TLS: an end is announced, and a response that is cut off is not taken for a whole one",
  ignore: !unix,
  async fn() {
    const application = `<Location "/cut">
      Application "@ROOT@/app.ts"
    </Location>`;
    await using server = await startTls(EVENT, `KeepAliveTimeout 1\n${application}`, "KeepAliveTimeout 600", {
      "app.ts": `export default { fetch: () => new Response(new ReadableStream({
        start(c) { c.enqueue(new TextEncoder().encode("a part")); },
        pull(c) { c.error(new Error("no more")); },
      })) };`,
    });
    const client = await TlsClient.open(server.port);
    await client.send("GET / HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n");
    await client.response();
    assert(await client.endsInOrder());
    client.close();
    // Twice: the second answer is one that was kept.
    for (let i = 0; i < 2; i++) {
      const idle = await TlsClient.open(server.port);
      await idle.get();
      assert(await idle.endsInOrder(), "the keep-alive time is up: an end in order");
      idle.close();
    }
    const cut = await TlsClient.open(server.port);
    await cut.send("GET /cut HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n");
    assert(!(await cut.endsInOrder()), "a response that is not whole");
    cut.close();
  },
});

Deno.test({
  name: "TLS: plain HTTP gets 400 and a hint",
  ignore: !unix,
  async fn() {
    await using server = await startTls(EVENT);
    const answer = await server.raw("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
    assertMatch(answer, /^HTTP\/1\.1 400 /);
    assertMatch(answer, /speaking plain HTTP to an SSL-enabled server port/);
  },
});

Deno.test({
  name: "TLS: a graceful restart under load loses nothing, and takes a renewed certificate",
  ignore: !unix,
  async fn() {
    await using server = await startTls(EVENT, "", "", NUMBERED);
    let done = 0;
    let ended = false;
    const work = Promise.all(Array.from({ length: CLIENTS }, async (_, i) => {
      while (!ended) {
        const client = await TlsClient.open(server.port);
        await client.send(`GET /${i}.txt HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n`);
        const { status, body } = await client.response();
        assertEquals([status, body], [200, NUMBERED[`htdocs/${i}.txt`]]);
        client.close();
        done++;
      }
    }));
    const before = server.children();
    await until("some answers", () => done > 50);
    await server.restartGracefully();
    await until("other children", () => server.children().every((pid) => !before.includes(pid)));
    const then = done;
    await until("answers of the new children", () => done > then + 50);
    ended = true;
    await work;
    const renewed = await authority.issue({ commonName: "renewed.example", names: ["renewed.example"] });
    await Deno.writeTextFile(server.path("conf/site.pem"), renewed.certificate);
    await Deno.writeTextFile(server.path("conf/site.key"), renewed.key);
    await server.restartGracefully();
    await until("the renewed certificate", async () => {
      try {
        (await TlsClient.open(server.port, "renewed.example")).close();
        return true;
      } catch (error) {
        if (error instanceof Deno.errors.InvalidData) return false;
        throw error;
      }
    });
  },
});

Deno.test({
  name: "TLS where connections are relayed is refused, with the place of the directive",
  async fn() {
    const relayed = MODELS.find((model) => model.relayed === true)!;
    const root = await Deno.makeTempDir();
    const text = tlsConfig(relayed).replaceAll("@ROOT@", root).replaceAll("@PORT@", "8443");
    await Deno.mkdir(`${root}/htdocs`);
    await Deno.mkdir(`${root}/conf`);
    for (const [name, content] of Object.entries(TLS_FILES)) {
      await Deno.writeTextFile(`${root}/${name}`, content);
    }
    await Deno.writeTextFile(`${root}/conf/httpd.conf`, text);
    const { code, stderr } = await runCommand(["-d", root, "-t"]);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /Syntax error on line \d+ of .*httpd\.conf:\nSSLEngine on: TLS needs connections that are desc/,
    );
    await Deno.remove(root, { recursive: true });
  },
});
