// Does every request over HTTP/2 get exactly its own answer, while many clients with many streams each ask at once and the server restarts?

import { assert, assertEquals } from "@std/assert";
import type { VerifiedHttp2Load } from "../load/http2_client.ts";
import { http2LoadOn, secureHost, startLoadServer } from "../load/server.ts";
import { freePort, type TestServer, until } from "./harness.ts";
import { MODELS } from "./models.ts";

const linux = Deno.build.os === "linux";

/** Restarts `server` under a load that goes on. */
async function restartUnder(server: TestServer, load: VerifiedHttp2Load): Promise<void> {
  await until("some answers", () => load.answers > 200, 60);
  await server.restartGracefully();
  const before = load.answers;
  const ready = () => server.log("logs/error_log").split("resuming normal operations").length > 2;
  await until("the restart", ready, 60);
  await until("answers behind the restart", () => load.answers > before + 400, 90);
  assertEquals([...(await load.stop()).wrong], [], "with a restart");
}

for (
  const [seed, model] of MODELS.filter(({ name }) => ["event", "worker", "prefork"].includes(name)).entries()
) {
  Deno.test({
    name: `HTTP/2 under ${model.name}: every stream gets its own answer, also while the server restarts`,
    ignore: !linux,
  }, async () => {
    await using server = await startLoadServer(model);
    const steady = http2LoadOn(server, seed, { streams: 20, abort: 0.02, close: 0.01 });
    await until("many answers", () => steady.answers > 800, 90);
    const report = await steady.stop();
    assertEquals([...report.wrong], [], "without a restart");
    assert(report.aborted > 0, "nobody gave up");
    await restartUnder(server, http2LoadOn(server, seed + 100, { streams: 5, mayClose: true }));
  });
}

Deno.test({
  name: "HTTP/2 over TLS under event: every stream gets its own answer, also while the server restarts",
  ignore: !linux,
}, async () => {
  const port = freePort();
  await using server = await startLoadServer(MODELS.find(({ name }) => name === "event")!, secureHost(port));
  const steady = http2LoadOn(server, 7, { streams: 20, abort: 0.02, close: 0.01 }, port);
  await until("many answers", () => steady.answers > 400, 90);
  assertEquals([...(await steady.stop()).wrong], [], "without a restart");
  await restartUnder(server, http2LoadOn(server, 8, { streams: 5, mayClose: true }, port));
});
