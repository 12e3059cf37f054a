// Does the event MPM do what it says? Real servers, real sockets, real signals.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  childrenOf,
  Connection,
  descriptorCount,
  freePort,
  load,
  runCommand,
  status,
  TestServer,
  until,
} from "./harness.ts";

/** These tests need epoll or kqueue, fork-less children and Unix signals; reading /proc is Linux's. */
const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";
const linux = Deno.build.os === "linux";

const BASE = `
Listen 127.0.0.1:@PORT@
ServerName test.example
DocumentRoot "@ROOT@/htdocs"
MaxKeepAliveRequests 0
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
CustomLog logs/access_log common
<Location "/server-status">
  SetHandler server-status
</Location>
`;
const FILES = { "htdocs/index.html": "<p>welcome</p>\n", "htdocs/other.txt": "other\n" };
const GET = "GET / HTTP/1.1\r\nHost: test.example\r\n\r\n";

Deno.test({ name: "event: a page comes with the fields of a static file", ignore: !unix }, async () => {
  await using server = await TestServer.start({ config: BASE, files: FILES });
  const response = await fetch(server.url());
  assertEquals(await response.text(), FILES["htdocs/index.html"]);
  assertEquals(response.status, 200);
  for (const name of ["date", "server", "etag", "last-modified", "accept-ranges", "content-length"]) {
    assert(response.headers.has(name), `${name} is missing`);
  }
  assertStringIncludes(response.headers.get("content-type") ?? "", "text/html");
  await until("the access log line", () => server.log("logs/access_log").includes('"GET / HTTP/1.1" 200 15'));
  await until("the greeting", () => server.stderr.includes("control process"));
  assertMatch(server.stderr, /mpmd\/\S+ \(Unix\), MPM event \(default: .+\), Deno/);
  assertStringIncludes(server.stderr, `http://127.0.0.1:${server.port}/`);
  assertStringIncludes(server.stderr, `control process ${server.pid}`);
  assertMatch(server.log("logs/error_log"), /\[mpm_event:notice\] \[pid \d+:tid \d+\] AH00489: mpmd/);
});

Deno.test({
  name: "event: two addresses, three children with two threads each answer 10,000 requests of 64 connections",
  ignore: !unix,
}, async () => {
  const second = freePort();
  const config = BASE +
    `Listen 127.0.0.1:${second}\nStartServers 3\nThreadsPerChild 2\nMaxRequestWorkers 6\nMinSpareThreads 1\nMaxSpareThreads 6\n`;
  await using server = await TestServer.start({ config, files: FILES });
  const [first, other] = await Promise.all([load(server.port, 32, 5000), load(second, 32, 5000)]);
  assertEquals([first.broken, other.broken], [0, 0]);
  assertEquals(first.answered + other.answered, 10_000);
  await until(
    "a line for each request",
    () => server.log("logs/access_log").split("\n").length - 1 >= 10_000,
  );
  const figures = await status(server);
  assertEquals(figures.get("Processes"), "3");
});

Deno.test({
  name: "event: a child that is killed takes only its own connections along and is replaced at once",
  ignore: !linux,
}, async () => {
  const config = BASE + "StartServers 3\nThreadsPerChild 1\nMaxRequestWorkers 3\n";
  await using server = await TestServer.start({ config, files: FILES });
  const before = await until(
    "three children",
    () => server.children().length === 3 ? server.children() : undefined,
  );
  const victim = before[1];
  const running = load(server.port, 12, 6000);
  Deno.kill(victim, "SIGKILL");
  const { answered, broken } = await running;
  assert(broken < 12, "other children's connections broke too");
  assert(answered > 0);
  await until("the pool to be complete again", () => {
    const now = server.children();
    return now.length === 3 && !now.includes(victim);
  }, 2);
  await until(
    "the log line",
    () => server.log("logs/error_log").includes(`AH00052: child pid ${victim} exit signal Killed (9)`),
  );
  assertEquals((await load(server.port, 4, 100)).answered, 100);
});

Deno.test(
  { name: "event: idle keep-alive connections do not hold the only slot", ignore: !unix },
  async () => {
    const config = BASE + "StartServers 1\nThreadsPerChild 1\nRequestsPerThread 1\nMaxRequestWorkers 1\n";
    await using server = await TestServer.start({ config, files: FILES });
    const idle = [await Connection.open(server.port), await Connection.open(server.port)];
    for (const connection of idle) {
      await connection.send(GET);
      assertStringIncludes((await connection.response()).head, " 200 ");
    }
    const third = await Connection.open(server.port);
    await third.send(GET);
    assertStringIncludes((await third.response()).head, " 200 ");
    third.close();
    await until(
      "the scoreboard to show both parked",
      async () => (await status(server)).get("ConnsAsyncKeepAlive") === "2",
    );
    for (const connection of idle) {
      await connection.send(GET);
      assertStringIncludes((await connection.response()).head, " 200 ");
      connection.close();
    }
  },
);

Deno.test({
  name:
    "event: a keep-alive connection is closed after KeepAliveTimeout, a silent new one after RequestReadTimeout",
  ignore: !unix,
}, async () => {
  const config = BASE + "KeepAliveTimeout 300ms\nRequestReadTimeout header=1\n";
  await using server = await TestServer.start({ config, files: FILES });
  const kept = await Connection.open(server.port);
  await kept.send(GET);
  await kept.response();
  const partial = await Connection.open(server.port);
  await partial.send("GET / HTTP/1.1\r\nHost: t");
  assertEquals(await kept.readAll(), "");
  assertStringIncludes(await partial.readAll(), "HTTP/1.1 408 ");
  kept.close();
  partial.close();
});

Deno.test({ name: "event: pipelined requests are answered in order", ignore: !unix }, async () => {
  await using server = await TestServer.start({ config: BASE, files: FILES });
  const answer = await server.raw(
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /other.txt HTTP/1.1\r\nHost: a\r\n\r\n" +
      "GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  );
  assertEquals([...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, code]) => code), ["200", "200", "404"]);
  assert(answer.indexOf("welcome") < answer.indexOf("other\n"));
});

Deno.test({
  name: "event: a graceful restart loses no request, SIGTERM leaves nothing behind",
  ignore: !linux,
}, async () => {
  const config = BASE + "StartServers 2\nThreadsPerChild 1\nMaxRequestWorkers 4\n";
  await using server = await TestServer.start({ config, files: FILES });
  const before = await until(
    "two children",
    () => server.children().length === 2 ? server.children() : undefined,
  );
  const running = load(server.port, 16, 30_000);
  await Deno.writeTextFile(
    server.path("conf/httpd.conf"),
    Deno.readTextFileSync(server.path("conf/httpd.conf")) + "KeepAliveTimeout 1\n",
  );
  server.process.kill("SIGUSR1");
  await until("a new generation", () => server.children().some((pid) => !before.includes(pid)));
  assertEquals(await running, { answered: 30_000, broken: 0 });
  await until("the old generation to end", () => !server.children().some((pid) => before.includes(pid)));
  assertStringIncludes(server.log("logs/error_log"), "AH00493");
  await until(
    "a line for each request",
    () => server.log("logs/access_log").split("\n").length - 1 >= 30_000,
  );

  const children = server.children();
  const pidFile = server.path("logs/httpd.pid");
  assertEquals(Deno.readTextFileSync(pidFile), `${server.pid}\n`);
  assertEquals((await server.stop()).code, 0);
  for (const pid of children) assert(!isAlive(pid), `child ${pid} is still there`);
  assert(!exists(pidFile), "the pid file is still there");
});

Deno.test({
  name: "event: a configuration that does not parse at restart leaves the running one in force",
  ignore: !unix,
}, async () => {
  await using server = await TestServer.start({ config: BASE, files: FILES });
  await Deno.writeTextFile(server.path("conf/httpd.conf"), "Lisen 80\n");
  server.process.kill("SIGUSR1");
  const log = await until("the complaint", () => {
    const text = server.log("logs/error_log");
    return text.includes("the running configuration stays") ? text : undefined;
  });
  assertStringIncludes(log, "Syntax error on line 1 of");
  assertEquals(await (await fetch(server.url())).text(), FILES["htdocs/index.html"]);
});

Deno.test(
  { name: "event: children end by themselves when the control process is killed", ignore: !linux },
  async () => {
    await using server = await TestServer.start({
      config: BASE + "StartServers 2\nThreadsPerChild 1\nMaxRequestWorkers 2\n",
      files: FILES,
    });
    const children = await until(
      "children",
      () => server.children().length === 2 ? server.children() : undefined,
    );
    server.process.kill("SIGKILL");
    for (const pid of children) {
      await until(`child ${pid} to end`, () => !isAlive(pid));
    }
  },
);

Deno.test({ name: "event: aborted connections leave no descriptor open", ignore: !linux }, async () => {
  const config = BASE +
    "StartServers 1\nThreadsPerChild 2\nMaxRequestWorkers 2\nKeepAliveTimeout 1\nOpenFileCacheMax 0\n";
  await using server = await TestServer.start({ config, files: FILES });
  const [child] = await until(
    "the child",
    () => server.children().length === 1 ? server.children() : undefined,
  );
  assertEquals((await load(server.port, 8, 200)).broken, 0);
  await until("all connections to end", async () => (await status(server)).get("ConnsTotal") === "1");
  const before = [server.pid, child].map(descriptorCount);
  for (let round = 0; round < 20; round++) {
    const aborted = await Promise.all(Array.from({ length: 50 }, () => Connection.open(server.port)));
    await Promise.all(aborted.map((connection, i) => connection.send(GET.slice(0, i))));
    for (const connection of aborted) connection.close();
  }
  assertEquals((await load(server.port, 8, 200)).answered, 200);
  await until("as many descriptors as before", () => {
    const now = [server.pid, child].map(descriptorCount);
    return now.every((count, i) => count <= before[i]);
  });
});

Deno.test({
  name: "event: a thread that is stuck in a handler costs its own client the answer, nobody else",
  ignore: !linux,
}, async () => {
  const config = BASE +
    `StartServers 1\nThreadsPerChild 2\nMaxRequestWorkers 4\nHandlerTimeout 3\nApplication "@ROOT@/app.ts"\n`;
  const app = `export default { fetch(request: Request) {
    if (new URL(request.url).pathname === "/hang") for (;;);
    return new Response("fine");
  } };`;
  await using server = await TestServer.start({ config, files: { ...FILES, "app.ts": app } });
  const [first] = await until(
    "the child",
    () => server.children().length === 1 ? server.children() : undefined,
  );
  assertEquals((await load(server.port, 8, 200)).broken, 0);
  const control = descriptorCount(server.pid);
  const hanging = await Connection.open(server.port);
  await hanging.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
  // The other thread answers all the while.
  let ended = false;
  const cut = hanging.readAll().catch(() => "").finally(() => ended = true);
  while (!ended) assertEquals(await load(server.port, 4, 40), { answered: 40, broken: 0 });
  assertEquals(await cut, "");
  hanging.close();
  await until("the log line", () => server.log("logs/error_log").includes("HandlerTimeout"));
  await until("the child to be replaced", () => {
    const now = server.children();
    return now.length === 1 && now[0] !== first;
  });
  assertEquals((await load(server.port, 8, 200)).answered, 200);
  await until("as many descriptors as before", () => descriptorCount(server.pid) <= control);
});

Deno.test({ name: "event: a second server with the same pid file is refused", ignore: !unix }, async () => {
  await using server = await TestServer.start({ config: BASE, files: FILES });
  await until("the pid file", () => exists(server.path("logs/httpd.pid")));
  const { code, stdout } = await runCommand(["-d", server.root]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, `(pid ${server.pid}) already running`);
});

Deno.test({
  name: "-k start puts the server into the background, -k graceful and -k stop reach it",
  ignore: !linux,
}, async () => {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const port = freePort();
  for (const dir of ["conf", "logs", "htdocs"]) await Deno.mkdir(`${root}/${dir}`);
  await Deno.writeTextFile(
    `${root}/conf/httpd.conf`,
    BASE.replaceAll("@PORT@", String(port)).replaceAll("@ROOT@", root),
  );
  await Deno.writeTextFile(`${root}/htdocs/index.html`, "background\n");
  const started = await runCommand(["-d", root, "-k", "start"]);
  assertEquals(started.code, 0, started.stderr);
  const pid = Number(Deno.readTextFileSync(`${root}/logs/httpd.pid`));
  try {
    await until(
      "an answer",
      async () => (await (await fetch(`http://127.0.0.1:${port}/`)).text()) === "background\n",
    );
    assertEquals((await runCommand(["-d", root, "-k", "graceful"])).code, 0);
    await until("the restart", () => Deno.readTextFileSync(`${root}/logs/error_log`).includes("AH00493"));
    const children = childrenOf(pid);
    assertEquals((await runCommand(["-d", root, "-k", "stop"])).code, 0);
    await until("the end of all processes", () => [pid, ...children].every((one) => !isAlive(one)));
    assert(!exists(`${root}/logs/httpd.pid`));
  } finally {
    if (isAlive(pid)) Deno.kill(pid, "SIGKILL");
    await Deno.remove(root, { recursive: true });
  }
});

function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch {
    // No such process.
    return false;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    // Not there.
    return false;
  }
}

Deno.test(
  { name: "sections: what a path turns out to be decides which of them hold", ignore: !unix },
  async () => {
    const config = BASE +
      `<Files index.html>\nFileETag None\n</Files>\n<Directory "@ROOT@/htdocs/p*">\nDirectorySlash Off\n</Directory>\n`;
    await using server = await TestServer.start({ config, files: { ...FILES, "htdocs/priv/x.txt": "x" } });
    const index = await fetch(server.url("/"));
    await index.body?.cancel();
    assertEquals(index.headers.get("etag"), null);
    const directory = await fetch(server.url("/priv"), { redirect: "manual" });
    await directory.body?.cancel();
    assertEquals(directory.status, 403);
  },
);

Deno.test({
  name: "a slow but steady client gets the whole response, however long it takes; one that stops is given up",
  ignore: !linux,
}, async () => {
  await using server = await TestServer.start({
    config: BASE + "Timeout 1\nStartServers 1\nThreadsPerChild 1\nMaxRequestWorkers 1\n",
    files: FILES,
  });
  const size = 24 << 20;
  await Deno.writeFile(server.path("htdocs/big.bin"), new Uint8Array(size));
  const request = "GET /big.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  const stopped = await Connection.open(server.port);
  await stopped.send(request);
  const { conn } = await Connection.open(server.port);
  await conn.write(new TextEncoder().encode(request));
  const begin = performance.now();
  const buffer = new Uint8Array(1 << 20);
  let received = 0;
  for (let n: number | null; (n = await conn.read(buffer)) !== null;) {
    received += n;
    // The pace of the client is the subject of this test: three times Timeout for the whole.
    const due = begin + received / size * 3000;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  }
  conn.close();
  assert(received > size, `${received} bytes of ${size} and a head`);
  await until(
    "the client that stopped to be given up",
    async () => (await status(server)).get("ConnsTotal") === "1",
  );
  stopped.close();
});
