// Does each MPM do what its model says? The same questions to all of them: real servers, real sockets, real signals, and the
// scoreboard as everybody sees it.

import { assert, assertEquals } from "@std/assert";
import { Connection, load, status, until } from "./harness.ts";
import { count, FILES, GET, idleConnection, letters, MODELS, servingProcesses, start } from "./models.ts";

const linux = Deno.build.os === "linux";
/** Descriptors are passed between processes there. */
const unix = linux || Deno.build.os === "darwin";

for (const model of MODELS) {
  const test = (name: string, ignore: boolean, body: () => Promise<void>) =>
    Deno.test({ name: `${model.name}${model.relayed ? ", relayed" : ""}: ${name}`, ignore }, body);

  /** Where descriptors cannot be passed, models that relay are what there is. */
  const elsewhere = !unix && model.relayed !== true;

  test("serves files, says which MPM it is, and stops without leaving a process", elsewhere, async () => {
    await using server = await start(model);
    assertEquals(await server.get(), FILES["htdocs/index.html"]);
    const figures = await status(server);
    const title = { mpm_winnt: "WinNT", mpm_netware: "NetWare" }[model.name] ?? model.name;
    assertEquals(figures.get("ServerMPM"), title);
    const greeting = `MPM ${model.name} (LoadModule ${model.module})`;
    await until("the greeting", () => server.stderr.includes(greeting));
    const processes = linux ? server.children() : [];
    const { code } = await server.stop();
    assertEquals(code, 0);
    assert(!processes.some((pid) => isAlive(pid)), "a child is still there");
  });

  test(
    model.blocks
      ? "four idle keep-alive connections hold its four slots: the next waits, and is served when one closes"
      : "four idle keep-alive connections hold no slot: the next is served at once",
    !linux,
    async () => {
      await using server = await start(model);
      // A child that is not ready yet leaves its share to the others, and those close idle connections for whoever waits.
      await until("all slots", async () => {
        if (servingProcesses(server, model).length !== model.processes) return false;
        // Its threads come and go.
        if (model.name === "mpmt_os2") return true;
        const asking = await Connection.open(server.port);
        const shown = await letters(asking);
        asking.close();
        return count(shown, "_") === model.slots - 1;
      });
      const idle: Connection[] = [];
      for (let i = 0; i < model.slots; i++) idle.push(await idleConnection(server));
      if (model.blocks) {
        // A client has its answer a moment before the slot shows that it waits.
        await until("three slots that wait", async () => {
          // Until all threads have been started a connection that waits may have none.
          for (const connection of idle.slice(1)) {
            await connection.send(GET);
            await connection.response();
          }
          const shown = await letters(idle[0]);
          return count(shown, "W") === 1 && count(shown, "K") === model.slots - 1;
        });
      }
      const next = await Connection.open(server.port);
      await next.send(GET);
      const answer = next.response();
      if (model.blocks && model.name !== "mpmt_os2") {
        // What shows that it waits is that another, asked later on a connection with a slot, is answered before.
        let answered = false;
        answer.then(() => answered = true);
        for (let i = 0; i < 20; i++) {
          await idle[1].send(GET);
          await idle[1].response();
        }
        assert(!answered, "a fifth connection was served while four slots were taken");
        idle.pop()!.close();
      }
      assertEquals((await answer).body, FILES["htdocs/index.html"]);
      next.close();
      for (const connection of idle) connection.close();
    },
  );

  test(
    "answers 4,000 requests over 8 connections in all, and has a line in the log for each",
    elsewhere,
    async () => {
      await using server = await start(model);
      // With a slot to a connection the second four wait until the first four are done: in two turns.
      for (let turn = 0; turn < 2; turn++) {
        const { answered, broken } = await load(server.port, 4, 2000);
        assertEquals([answered, broken], [2000, 0]);
      }
      await until("a line for each request", () => server.log("logs/access_log").split("\n").length > 4000);
    },
  );

  test("a graceful restart loses nothing, and the next generation answers", elsewhere, async () => {
    await using server = await start(model);
    // A port can be connected to before a thread is there, and a child that relays loses who waits in that moment when it is replaced.
    assertEquals(await server.get(), FILES["htdocs/index.html"]);
    const running = load(server.port, 3, 6000);
    await server.restartGracefully();
    const { answered, broken } = await running;
    assertEquals([answered, broken], [6000, 0]);
    await until("the next generation", async () => {
      const figures = await status(server);
      return figures.get("ParentServerMPMGeneration") === "1";
    });
  });

  test("after its share of connections a child is replaced, and no request is lost", elsewhere, async () => {
    await using server = await start(model, `${model.four}MaxConnectionsPerChild 5\n`);
    for (let i = 0; i < 60; i++) {
      assertEquals(await server.get(), FILES["htdocs/index.html"], `request ${i}`);
    }
  });

  if (model.children) {
    test(
      "a child that is killed under load costs its own connections only, and is replaced",
      !linux,
      async () => {
        await using server = await start(model);
        const before = await until(
          "the children",
          () => server.children().length === model.processes ? server.children() : undefined,
        );
        const running = load(server.port, 4, 4000);
        Deno.kill(before[0], "SIGKILL");
        const { answered, broken } = await running;
        assert(broken <= Math.ceil(4 / model.processes), `${broken} connections broke`);
        assert(model.processes === 1 || answered > 3000);
        // prefork starts another only when fewer than MinSpareServers are idle.
        const least = model.name === "prefork" ? 3 : model.processes;
        await until("the children without it", () => {
          const now = server.children();
          return now.length >= least && !now.includes(before[0]);
        });
        // Where the child has the port, nobody listens until its successor does.
        await until("an answer", () => server.get().catch(() => undefined));
      },
    );
  }

  if (model.name !== "mpm_winnt" && model.name !== "mpm_netware") {
    test("a hard restart cuts connections, begins anew and answers", !linux, async () => {
      await using server = await start(model);
      const connection = await idleConnection(server);
      const before = server.children();
      server.process.kill("SIGHUP");
      assertEquals(await connection.readAll(), "");
      connection.close();
      await until("other children", () => {
        const now = server.children();
        return now.length === model.processes && !now.some((pid) => before.includes(pid));
      });
      assertEquals(await server.get(), FILES["htdocs/index.html"]);
    });
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(Deno.readTextFileSync(`/proc/${pid}/status`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
