// What does a graceful restart do when every row of the scoreboard has a child? Real servers with as many children as may be.

import { assertEquals } from "@std/assert";
import { Connection, load, TestServer, until } from "./harness.ts";
import { config, FILES, type Model, MODELS } from "./models.ts";

const linux = Deno.build.os === "linux";
const FULL: Readonly<Record<string, string>> = {
  prefork: "ServerLimit 2\nStartServers 2\nMinSpareServers 1\nMaxSpareServers 2\nMaxRequestWorkers 2\n",
  worker:
    "ServerLimit 2\nStartServers 2\nThreadsPerChild 2\nMaxRequestWorkers 4\nMinSpareThreads 1\nMaxSpareThreads 4\n",
  event:
    "ServerLimit 2\nStartServers 2\nThreadsPerChild 2\nMaxRequestWorkers 4\nMinSpareThreads 1\nMaxSpareThreads 4\n",
};
/** /hold: says which process answers, and goes on until it has the body of the request. */
const APP = `const encoder = new TextEncoder();
export default { fetch(request: Request) {
  if (!request.url.endsWith("/hold")) return new Response("fine");
  return new Response(new ReadableStream({ async start(controller) {
    controller.enqueue(encoder.encode("pid " + Deno.pid + "\\n"));
    await request.text();
    controller.close();
  } }));
} };`;

async function start(model: Model): Promise<TestServer> {
  const server = await TestServer.start({
    config: config(model, `${FULL[model.name]}Application "@ROOT@/app.ts"\n`),
    files: { ...FILES, "app.ts": APP },
  });
  await until("both children", async () => {
    await server.get();
    return server.children().length === 2;
  });
  return server;
}

/** A request that a child has in hand until release(). */
async function hold(server: TestServer): Promise<{ pid: number; release(): Promise<void> }> {
  const connection = await Connection.open(server.port);
  await connection.send("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n");
  let text = "";
  const buffer = new Uint8Array(1024);
  const decoder = new TextDecoder();
  while (!/pid \d+\n/.test(text)) {
    const n = await connection.conn.read(buffer);
    if (n === null) throw new Error(`the connection ended after ${text}`);
    text += decoder.decode(buffer.subarray(0, n));
  }
  const release = async () => {
    await connection.send("ok");
    await connection.readAll();
    connection.close();
  };
  return { pid: Number(/pid (\d+)/.exec(text)![1]), release };
}

for (const model of MODELS.filter(({ name }) => name in FULL)) {
  Deno.test({
    name:
      `${model.name}: a graceful restart without a free row replaces the children one by one; nothing is lost`,
    ignore: !linux,
  }, async () => {
    await using server = await start(model);
    const before = server.children();
    const slots = model.name === "prefork" ? 1 : 3;
    const running = load(server.port, slots, 3000);
    await server.restartGracefully();
    assertEquals(await running, { answered: 3000, broken: 0 });
    await until("two other children", () => {
      const now = server.children();
      return now.length === 2 && !now.some((pid) => before.includes(pid));
    });
  });

  Deno.test({
    name:
      `${model.name}: without a free row, and with a request in the hands of each child, a graceful restart begins with the first that is done`,
    ignore: !linux,
  }, async () => {
    await using server = await start(model);
    const held = [await hold(server)];
    while (held.every(({ pid }) => pid === held[0].pid)) held.push(await hold(server));
    await server.restartGracefully();
    await until("the restart", () => /AH00(493|297|171)/.test(server.log("logs/error_log")));
    // The one that was started last: it is not the first that is told to end.
    const last = held.at(-1)!;
    await last.release();
    await until("its end", () => !server.children().includes(last.pid));
    assertEquals(await server.get(), "fine");
    assertEquals(server.children().includes(held[0].pid), true);
    for (const { release } of held.slice(0, -1)) await release();
    await until("other children", () => {
      const now = server.children();
      return now.length === 2 && !now.includes(held[0].pid);
    });
  });
}
