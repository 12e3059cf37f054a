// Do pools grow, shrink, renew and heal themselves as their MPM says? Real servers, and the scoreboard as everybody sees it.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Connection, TestServer, until } from "./harness.ts";
import { config, count, FILES, GET, idleConnection, letters, MODELS, start } from "./models.ts";

const linux = Deno.build.os === "linux";
const unix = linux || Deno.build.os === "darwin";

Deno.test({
  name:
    "prefork: starved, the pool grows by 1, 2, 4 children, and shrinks to MaxSpareServers by one a second",
  ignore: !linux,
}, async () => {
  const model = MODELS[0];
  const pool = "StartServers 1\nMinSpareServers 1\nMaxSpareServers 2\nMaxRequestWorkers 6\n";
  await using server = await start(model, pool);
  const idle: Connection[] = [];
  for (let i = 0; i < 5; i++) idle.push(await idleConnection(server));
  await until("six children", () => server.children().length === 6);
  for (const connection of idle) connection.close();
  await until("two spare children", () => server.children().length === 2);
});

Deno.test({
  name: "worker: the pool grows by a child when fewer than MinSpareThreads are idle, and shrinks again",
  ignore: !linux,
}, async () => {
  const model = MODELS[1];
  const pool =
    "StartServers 1\nThreadsPerChild 2\nMaxRequestWorkers 6\nMinSpareThreads 1\nMaxSpareThreads 4\n";
  await using server = await start(model, pool);
  const idle: Connection[] = [];
  for (let i = 0; i < 4; i++) idle.push(await idleConnection(server));
  await until("a third child", () => server.children().length === 3);
  for (const connection of idle) connection.close();
  await until("two children", () => server.children().length === 2);
});

for (const name of ["mpm_netware", "mpmt_os2"]) {
  Deno.test({
    name:
      `${name}: threads come when fewer than MinSpareThreads are idle, and go when more than MaxSpareThreads are`,
    ignore: !unix,
  }, async () => {
    const model = MODELS.find((each) => each.name === name)!;
    const pool = name === "mpmt_os2"
      ? "StartServers 1\nMinSpareThreads 1\nMaxSpareThreads 2\n"
      : "StartThreads 1\nMinSpareThreads 1\nMaxSpareThreads 2\nMaxThreads 8\n";
    await using server = await start(model, pool);
    const idle: Connection[] = [];
    for (let i = 0; i < 5; i++) idle.push(await idleConnection(server));
    await until("a sixth thread", async () => count(await letters(idle[0]), "_") >= 1);
    for (const connection of idle.slice(1)) connection.close();
    await until("three threads", async () => {
      const shown = await letters(idle[0]);
      return shown.replaceAll(".", "").length === 3;
    });
    idle[0].close();
  });
}

Deno.test({
  name: "mpm_winnt: the child that replaces another serves before the old one leaves",
  ignore: !linux,
}, async () => {
  const model = MODELS.find(({ name }) => name === "mpm_winnt")!;
  await using server = await start(model, `${model.four}MaxConnectionsPerChild 3\n`);
  const held = await idleConnection(server);
  const [first] = server.children();
  for (let i = 0; i < 4; i++) assertEquals(await server.get(), FILES["htdocs/index.html"]);
  await until("a second child", () => server.children().length === 2);
  // The old one still answers whom it has.
  await held.send(GET);
  assertEquals((await held.response()).body, FILES["htdocs/index.html"]);
  held.close();
  await until("the old one's end", () => !server.children().includes(first));
});

Deno.test({
  name:
    "prefork: a child that is stuck in a handler is killed after HandlerTimeout, and its client alone gets no answer",
  ignore: !linux,
}, async () => {
  const app = `export default { fetch(request: Request) {
  if (request.url.endsWith("/hang")) for (;;);
  return new Response("fine");
} };`;
  await using server = await TestServer.start({
    config: config(MODELS[0], MODELS[0].four) + 'HandlerTimeout 1\nApplication "@ROOT@/app.ts"\n',
    files: { ...FILES, "app.ts": app },
  });
  const hang = await Connection.open(server.port);
  await hang.send("GET /hang HTTP/1.1\r\nHost: test.example\r\n\r\n");
  assertEquals(await hang.readAll(), "");
  hang.close();
  assertStringIncludes(
    server.log("logs/error_log"),
    "is stuck in a handler for more than 1 s (HandlerTimeout)",
  );
  assertEquals(await server.get(), "fine");
});

for (const name of ["prefork", "worker"]) {
  Deno.test({
    name:
      `${name}: a child with more resident memory than MaxMemFree allows is replaced, and no request is lost`,
    ignore: !linux,
  }, async () => {
    const model = MODELS.find((each) => each.name === name)!;
    const app = `const kept: Uint8Array[] = [];
export default { fetch(request: Request) {
  if (request.url.endsWith("/grow")) kept.push(new Uint8Array(400 << 20).fill(1));
  return new Response("fine");
} };`;
    await using server = await TestServer.start({
      config: config(model, model.four) + 'MaxMemFree 450000\nApplication "@ROOT@/app.ts"\n',
      files: { ...FILES, "app.ts": app },
    });
    await until("the children", () => server.children().length === model.processes);
    const before = server.children();
    assertEquals(await server.get("/grow"), "fine");
    await until("the end of the large one", async () => {
      assertEquals(await server.get(), "fine");
      return before.some((pid) => !server.children().includes(pid));
    });
    await until(
      "the reason in the log",
      () => server.log("logs/error_log").includes("more than MaxMemFree allows: this child is replaced"),
    );
  });
}
