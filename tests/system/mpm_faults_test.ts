// Does a server survive what goes wrong in its threads and children? Faults are made as they happen: an application that ends
// its thread, a limit that is too low, a child that is stopped or killed.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Connection, status, TestServer, until } from "./harness.ts";
import { config, FILES, GET, MODELS, servingProcesses } from "./models.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const THREADS = MODELS.filter(({ name, relayed }) => name === "event" || name === "worker" || relayed);

const EVENT = MODELS.find(({ name }) => name === "event")!;

/** An application that ends the thread it runs in. */
const MORTAL = `export default { fetch(request: Request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/close") self.close();
  if (pathname === "/exit") Deno.exit(1);
  return new Response("fine");
} };`;

for (const model of THREADS) {
  Deno.test({
    name: `${model.name}${
      model.relayed ? ", relayed" : ""
    }: a thread that its application ends is replaced at once; only the client that asked for it gets no answer`,
    ignore: !unix,
  }, async () => {
    await using server = await TestServer.start({
      // Longer than the test waits for anything: it is not what notices.
      config: config(model, `${model.four}HandlerTimeout 600\nApplication "@ROOT@/app.ts"\n`),
      files: { ...FILES, "app.ts": MORTAL },
    });
    const processes = () => Deno.build.os === "linux" ? servingProcesses(server, model) : [];
    if (Deno.build.os === "linux") await until("all processes", () => processes().length === model.processes);
    const before = processes();
    for (const [i, path] of ["/close", "/exit", "/close"].entries()) {
      const answer = await server.raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      assertEquals(answer, "");
      await until(
        "the line",
        () => server.log("logs/error_log").split("was lost: it has ended itself").length > i + 1,
      );
    }
    for (let i = 0; i < 3 * model.slots; i++) assertEquals(await server.get(), "fine");
    assertEquals(processes(), before);
  });
}

Deno.test({
  name: "a control process that is killed leaves a directory behind, which the next server removes",
  ignore: Deno.build.os === "windows", // the channel is no file there
}, async () => {
  const folder = await Deno.makeTempDir({ prefix: "mpmd-temporary-" });
  const left = () => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  const setup = { config: config(EVENT, EVENT.four), files: FILES, env: { TMPDIR: folder } };
  try {
    const killed = await TestServer.start(setup);
    // The port is open before there is a channel for children.
    assertEquals(await killed.get(), FILES["htdocs/index.html"]);
    await killed.stop("SIGKILL");
    await Deno.remove(killed.root, { recursive: true });
    const [abandoned] = left();
    assertStringIncludes(abandoned, `mpmd-${killed.process.pid}-`);
    // Not ours to remove: it is not one of these directories, or its process is there.
    await Deno.mkdir(`${folder}/mpmd-1-of-somebody`);
    await Deno.mkdir(`${folder}/mpmd-test-of-somebody`);
    {
      await using server = await TestServer.start(setup);
      assertEquals(await server.get(), FILES["htdocs/index.html"]);
      assert(!left().includes(abandoned), left().join(" "));
    }
    assertEquals(left(), ["mpmd-1-of-somebody", "mpmd-test-of-somebody"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "SIGUSR1 opens no inspector, neither in the control process nor in its children",
  ignore: Deno.build.os !== "linux", // only there can it be kept from Deno
}, async () => {
  await using server = await TestServer.start({ config: config(EVENT, EVENT.four), files: FILES });
  await until("the children", () => server.children().length === EVENT.processes);
  const [child] = server.children();
  for (const pid of [child, server.pid]) Deno.kill(pid, "SIGUSR1");
  await until(
    "the next generation",
    async () =>
      (await status(server)).get("ParentServerMPMGeneration") === "1" && !server.children().includes(child),
  );
  // Deno says that its inspector listens, or that another program has its port.
  assert(!/debugger|inspector/i.test(server.stderr), server.stderr);
});

const LINUX = Deno.build.os === "linux";

Deno.test({
  name: "event: with fewer descriptors than clients all of them are answered, by the same children",
  ignore: !LINUX,
}, async () => {
  await using server = await TestServer.start({
    config: config(EVENT, "StartServers 1\nThreadsPerChild 1\nMaxRequestWorkers 1\n"),
    files: FILES,
    launcher: ["sh", "-c", 'ulimit -n 80; exec "$0" "$@"'],
  });
  await until("the child", () => server.children().length === 1);
  const before = server.children();
  // None of them leaves: those that have been answered make room for the others.
  const clients = await Promise.all(Array.from({ length: 150 }, () => Connection.open(server.port)));
  await Promise.all(clients.map(async (client) => {
    await client.send(GET);
    assertEquals((await client.response()).body, FILES["htdocs/index.html"]);
  }));
  for (const client of clients) client.close();
  assertMatch(
    server.log("logs/error_log"),
    /AH02179: .*this child accepts no more until a connection of its own ends/,
  );
  assertEquals(server.children(), before);
});

for (const model of MODELS.filter(({ name }) => ["prefork", "worker", "event"].includes(name))) {
  Deno.test({
    name: `${model.name}: a child that is stopped takes nobody along that comes later; the others answer`,
    ignore: !LINUX,
  }, async () => {
    await using server = await TestServer.start({ config: config(model, model.four), files: FILES });
    await until("the children", () => server.children().length === model.processes);
    const [stopped] = server.children();
    Deno.kill(stopped, "SIGSTOP");
    try {
      for (let i = 0; i < 20; i++) assertEquals(await server.get(), FILES["htdocs/index.html"]);
    } finally {
      Deno.kill(stopped, "SIGCONT");
    }
  });

  Deno.test({
    name:
      `${model.name}: children that are killed whenever they appear are replaced, and the server answers when that ends`,
    ignore: !LINUX,
  }, async () => {
    await using server = await TestServer.start({ config: config(model, model.four), files: FILES });
    await until("the children", () => server.children().length === model.processes);
    for (let killed = 0; killed < 3 * model.processes;) {
      const pids = await until("a child", () => {
        const now = server.children();
        return now.length > 0 ? now : undefined;
      });
      for (const pid of pids) Deno.kill(pid, "SIGKILL");
      killed += pids.length;
      await until("their end", () => !server.children().some((pid) => pids.includes(pid)));
    }
    await until("an answer", () => server.get().catch(() => undefined));
    assertStringIncludes(server.log("logs/error_log"), "exit signal Killed (9)");
  });

  Deno.test({
    name:
      `${model.name}: when no process can be started those that are there go on, and others come when it is possible`,
    ignore: !LINUX,
  }, async () => {
    // prefork starts another only when fewer than MinSpareServers are idle.
    const pool = model.name === "prefork" ? model.four.replace("Servers 1", "Servers 4") : model.four;
    const folder = await Deno.makeTempDir({ prefix: "mpmd-executable-" });
    const executable = `${folder}/deno`;
    await Deno.copyFile(Deno.execPath(), executable);
    try {
      await using server = await TestServer.start({
        config: config(model, pool),
        files: FILES,
        launcher: ["sh", "-c", `shift; exec ${executable} "$@"`, "sh"],
      });
      await until("the children", () => server.children().length === model.processes);
      await Deno.rename(executable, `${folder}/away`);
      const [first, ...others] = server.children();
      Deno.kill(first, "SIGKILL");
      const forkFailed = /AH00(159|283|481): .*fork: Unable to fork new process/;
      await until(
        "the message",
        () => model.name === "prefork" || forkFailed.test(server.log("logs/error_log")),
      );
      for (let i = 0; i < 10; i++) assertEquals(await server.get(), FILES["htdocs/index.html"]);
      await Deno.rename(`${folder}/away`, executable);
      Deno.kill(others[0], "SIGKILL");
      await until(
        "an answer of another",
        async () =>
          (await server.get().catch(() => undefined)) !== undefined &&
          server.children().some((pid) => pid !== first && !others.includes(pid)),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
