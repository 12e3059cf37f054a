// Are threads there when there is work for them, and gone when there has been none for long? Real servers: what the scoreboard shows, and
// how many isolates a child has.

import { assert, assertEquals } from "@std/assert";
import { Connection, TestServer, until } from "./harness.ts";
import { config, count, FILES, GET, idleConnection, letters, type Model, MODELS, start } from "./models.ts";

const linux = Deno.build.os === "linux";
const THREADS = 6;

const byName = (name: string): Model => MODELS.find((model) => model.name === name && !model.relayed)!;

/** Server threads of all children that are started. */
function isolates(server: TestServer): number {
  let found = 0;
  for (const pid of server.children()) {
    for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
      try {
        if (/^worker-\d/.test(Deno.readTextFileSync(`/proc/${pid}/task/${name}/comm`))) found++;
      } catch (error) {
        // It has just ended.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }
  return found;
}

const POOL = `StartServers 1\nThreadsPerChild ${THREADS}\nMaxRequestWorkers ${THREADS}\nMinSpareThreads 1\n` +
  `MaxSpareThreads ${THREADS + 2}\n`;

/** Answers when as many handlers as there are threads wait for each other, each of them without leaving its thread to others. */
const TOGETHER = `
export default { fetch(request: Request) {
  const { searchParams } = new URL(request.url);
  const room = searchParams.get("room")!;
  Deno.writeTextFileSync(room + "/" + searchParams.get("who"), "");
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    if ([...Deno.readDirSync(room)].length >= ${THREADS}) return new Response("together");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
  return new Response("alone");
} };`;

for (const name of ["event", "worker"]) {
  Deno.test({
    name:
      `${name}: threads that may be had count as threads; handlers that block all run side by side; idle threads end`,
    ignore: !linux,
  }, async () => {
    const model = byName(name);
    await using server = await TestServer.start({
      config: config(model, POOL) +
        'ThreadIdleTimeout 1\n<Location /together>\nApplication "@ROOT@/app.ts"\n</Location>\n',
      files: { ...FILES, "app.ts": TOGETHER, "room/.keep": "" },
    });
    await Deno.remove(server.path("room/.keep"));
    assertEquals(await server.get(), FILES["htdocs/index.html"]);
    const begun = isolates(server);
    assert(begun >= 1 && begun < THREADS, `${begun} threads at the start`);
    const answers = Array.from({ length: THREADS }, async (_, who) => {
      const connection = await Connection.open(server.port);
      await connection.send(
        `GET /together?room=${
          server.path("room")
        }&who=${who} HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n`,
      );
      const { body } = await connection.response();
      connection.close();
      return body;
    });
    assertEquals(await Promise.all(answers), new Array(THREADS).fill("together"));
    await until("the end of idle threads", () => isolates(server) <= Math.max(begun, 2));
    const status = await idleConnection(server);
    const slots = name === "event" ? 64 * THREADS : THREADS;
    await until(
      "all slots",
      async () => count((await letters(status)).slice(0, slots), "_") === slots - 1,
    );
    status.close();
    assertEquals(await server.get(), FILES["htdocs/index.html"]);
  });
}

Deno.test({
  name:
    "worker: more clients at once than threads are started are all answered, and each keeps its connection",
  ignore: !linux,
}, async () => {
  await using server = await start(byName("worker"), POOL);
  const clients = await Promise.all(Array.from({ length: THREADS }, () => idleConnection(server)));
  // Each connection has a thread of its own in the end, as always under worker.
  await until("as many threads as clients", async () => {
    const bodies = await Promise.all(clients.map(async (client) => {
      await client.send(GET);
      return (await client.response()).body;
    }));
    assertEquals(bodies, new Array(THREADS).fill(FILES["htdocs/index.html"]));
    return isolates(server) === THREADS;
  });
  for (const client of clients) client.close();
});

Deno.test({ name: "ThreadIdleTimeout 0: all threads are started at once", ignore: !linux }, async () => {
  await using server = await start(byName("event"), `${POOL}ThreadIdleTimeout 0\n`);
  await until("all threads", () => isolates(server) === THREADS);
});
