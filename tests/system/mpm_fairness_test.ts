// Does everybody get a slot in turn, also when busy connections could keep all of them? Real servers without a slot to spare.

import { assert, assertEquals } from "@std/assert";
import { Connection, inTime, TestServer, until } from "./harness.ts";
import { config, FILES, GET, MODELS } from "./models.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const ONE_SLOT =
  "StartServers 1\nThreadsPerChild 1\nRequestsPerThread 1\nMaxRequestWorkers 1\nMinSpareThreads 1\nMaxSpareThreads 2\n";
/** Computes: while clients are there the thread has always something to do. */
const APP = `export default { fetch() {
  const end = performance.now() + 2;
  while (performance.now() < end);
  return new Response("fine");
} };`;
/** With turns to be taken it is some dozen answers; who is not given one waits for thousands. */
const MANY = 500;

/** Clients that keep their connection and always have a request under way. */
class BusyClients {
  answered = 0;
  #stopping = false;
  readonly #clients: Promise<void>[];

  constructor(port: number, count: number) {
    this.#clients = Array.from({ length: count }, () => this.#run(port));
  }

  async #run(port: number): Promise<void> {
    const connection = await Connection.open(port);
    while (!this.#stopping) {
      await connection.send(GET);
      assertEquals((await connection.response()).body, "fine");
      this.answered++;
    }
    connection.close();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#clients);
  }
}

Deno.test({
  name:
    "event: busy connections that use every slot do not keep out one that has been idle, nor one that is new",
  ignore: !unix,
}, async () => {
  const event = MODELS.find(({ name }) => name === "event")!;
  await using server = await TestServer.start({
    config: config(event, `${ONE_SLOT}Application "@ROOT@/app.ts"\n`),
    files: { ...FILES, "app.ts": APP },
  });
  const idle = await Connection.open(server.port);
  await idle.send(GET);
  await idle.response();
  const busy = new BusyClients(server.port, 4);
  // Long enough for the idle one to be parked.
  await until("a busy second", () => busy.answered > 500);

  for (const connection of [idle, await Connection.open(server.port)]) {
    const before = busy.answered;
    await connection.send(GET);
    let done = false;
    const answer = connection.response().finally(() => done = true);
    await until("an answer, or many of the others", () => done || busy.answered - before > MANY);
    assert(done, `${busy.answered - before} requests were answered before`);
    assertEquals((await answer).body, "fine");
    connection.close();
  }
  await busy.stop();
});

for (const model of MODELS) {
  Deno.test({
    name: `${model.name}: who closes after an answer that took a moment keeps nobody else waiting`,
    ignore: !unix,
  }, async () => {
    await using server = await TestServer.start({
      config: config(model, `Application "@ROOT@/app.ts"\n`),
      files: {
        ...FILES,
        "app.ts": `export default { async fetch() {
          await new Promise((resolve) => setTimeout(resolve, 1));
          return new Response("fine");
        } };`,
      },
    });
    // A second for each of them would be four times too long.
    const clients = Array.from({ length: 8 }, async () => {
      for (let n = 0; n < 40; n++) {
        const answer = await server.raw("GET / HTTP/1.0\r\n\r\n");
        assertEquals(answer.split("\r\n\r\n")[1], "fine");
      }
    });
    await inTime("all answers", Promise.all(clients), 20);
  });
}
