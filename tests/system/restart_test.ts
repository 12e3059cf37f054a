// Does a graceful restart lose anything? Clients keep asking, on connections that stay and on new ones, while the server is
// restarted several times: none is refused or cut off, and the access log has a line for every answer.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Connection, freePort, TestServer, until } from "./harness.ts";
import { restartConfig, RestartLoad, type RestartModel, restartModels } from "./restart_load.ts";

const RESTARTS = 5;
const KEEP_ALIVE = 4;
const SINGLE = 2;
/** Needs signals and descriptors that outlive a generation's processes. */
const ignore = Deno.build.os === "windows";

function start(model: RestartModel): Promise<TestServer> {
  return TestServer.start({
    config: restartConfig(model),
    files: { "htdocs/index.html": "<p>welcome</p>\n" },
  });
}

/** How often the server has taken a configuration up. */
function configured(server: TestServer): number {
  return server.log("logs/error_log").split("configured -- resuming normal operations").length - 1;
}

/** A restart, and some answers behind it. */
async function restart(server: TestServer, load: RestartLoad): Promise<void> {
  const before = configured(server);
  await server.restartGracefully();
  await until("the restart", () => configured(server) > before);
  const answered = load.answered;
  await until("answers", () => load.answered > answered + 50);
}

/** All of the load was answered, and logged, beside the answers to `others`. */
async function assertNothingLost(server: TestServer, load: RestartLoad, others = 0): Promise<void> {
  const { answered: own, failures } = await load.stop();
  assertEquals(failures, []);
  const answered = own + others;
  const lines = () =>
    server.log("logs/access_log").split("\n").filter((line) => line === "200 GET / HTTP/1.1").length;
  await until(`${answered} lines in the access log, not ${lines()}`, () => lines() >= answered);
  assertEquals(lines(), answered);
}

for (const model of restartModels(KEEP_ALIVE + SINGLE + 2)) {
  Deno.test(
    { name: `${model.name}: ${RESTARTS} graceful restarts lose no request and no line`, ignore },
    async () => {
      await using server = await start(model);
      const load = new RestartLoad(server.port, KEEP_ALIVE, SINGLE);
      for (let i = 0; i < RESTARTS; i++) await restart(server, load);
      await assertNothingLost(server, load);
    },
  );

  Deno.test({
    name: `${model.name}: restarts add a port, refuse a broken configuration, take the port away`,
    ignore,
  }, async () => {
    await using server = await start(model);
    const load = new RestartLoad(server.port, KEEP_ALIVE, SINGLE);
    const port = freePort();
    const configure = (more: string) => {
      const text = restartConfig(model, more).replaceAll("@PORT@", String(server.port));
      return Deno.writeTextFile(server.path("conf/httpd.conf"), text);
    };
    await configure(`Listen 127.0.0.1:${port}\n`);
    await restart(server, load);
    const added = new RestartLoad(port, 1, 1);
    await until("answers on the new port", () => added.answered > 20);

    await configure(`Listen 127.0.0.1:${port}\nKeepAliv On\n`);
    await server.restartGracefully();
    await until(
      "the refusal",
      () => server.log("logs/error_log").includes("Invalid command 'KeepAliv'"),
    );
    const { failures } = await added.stop();
    assertEquals(failures, []);
    assertStringIncludes(server.log("logs/error_log"), "the running configuration stays");

    await configure("");
    await restart(server, load);
    await until(
      "nobody on the port that was taken away",
      () => Connection.open(port).then((connection) => connection.close(), () => true),
    );
    await assertNothingLost(server, load, added.answered);
  });
}
