// Does every client get exactly its own answer, under every MPM and with either transport, while many ask at once and the server restarts?

import { assert, assertEquals } from "@std/assert";
import { loadOn, nameOf, startLoadServer } from "../load/server.ts";
import { webSocketLoad } from "../load/web_sockets.ts";
import { until } from "./harness.ts";
import { MODELS } from "./models.ts";

const linux = Deno.build.os === "linux";
for (const [seed, model] of MODELS.entries()) {
  Deno.test({
    name: `${nameOf(model)}: every client gets its own answer, also while the server restarts`,
    ignore: !linux,
  }, async () => {
    await using server = await startLoadServer(model);
    const steady = loadOn(server, seed, { pipeline: 4, close: 0.05, abort: 0.02 });
    await until("many answers", () => steady.answers > 1500, 90);
    const report = await steady.stop();
    assertEquals([...report.wrong], [], "without a restart");
    assert(report.aborted > 0, "nobody went away");
    const restarting = loadOn(server, seed + 100, { pipeline: 2, close: 0.05, mayClose: true });
    await until("some answers", () => restarting.answers > 200, 60);
    await server.restartGracefully();
    const before = restarting.answers;
    await until(
      "the restart",
      () => server.log("logs/error_log").split("resuming normal operations").length > 2,
      60,
    );
    await until("answers behind the restart", () => restarting.answers > before + 500, 90);
    assertEquals([...(await restarting.stop()).wrong], [], "with a restart");
  });
}

Deno.test(
  { name: "event: 1,000 WebSockets get back what they sent, text and binary", ignore: !linux },
  async () => {
    await using server = await startLoadServer(
      MODELS.find(({ name }) => name === "event")!,
      "MaxRequestWorkers 2048\nRequestsPerThread 512\n",
    );
    const beside = loadOn(server, 7, { pipeline: 2 });
    assertEquals(await webSocketLoad(`ws://127.0.0.1:${server.port}/app/socket`, 1000), []);
    assertEquals([...(await beside.stop()).wrong], []);
  },
);
