// Does a restart lose anything under load? `deno task bench:restart [MPM ...]`: 20 graceful restarts in 20 s, with a port that comes and
// goes and a broken configuration among them, while clients keep their connections, or make one for each request: 72 under event,
// 10 under the others, where each occupies a thread or a process.

import { freePort, TestServer, until } from "../tests/system/harness.ts";
import {
  restartConfig,
  RestartLoad,
  type RestartModel,
  restartModels,
} from "../tests/system/restart_load.ts";

const RESTARTS = 20;
const INTERVAL_MS = 1000;
/** Clients that keep their connection, and clients that do not. */
const CLIENTS = { event: [64, 8], others: [8, 2] } as const;
/** The restart that meets a configuration with an error. */
const BROKEN = 10;

interface Row {
  readonly name: string;
  readonly requests: number;
  readonly failures: readonly string[];
  readonly lines: number;
  readonly restarts: number;
  readonly slowest: number;
}

async function measure(model: RestartModel): Promise<Row> {
  await using server = await TestServer.start({
    config: restartConfig(model),
    files: { "htdocs/index.html": "<p>welcome</p>\n" },
  });
  const port = freePort();
  const configure = (more: string) =>
    Deno.writeTextFile(
      server.path("conf/httpd.conf"),
      restartConfig(model, more).replaceAll("@PORT@", String(server.port)),
    );
  const configured = () => server.log("logs/error_log").split("resuming normal operations").length - 1;
  const [keepAlive, single] = model.name === "event" ? CLIENTS.event : CLIENTS.others;
  const load = new RestartLoad(server.port, keepAlive, single);
  await until("the first answers", () => load.answered > keepAlive);
  const begun = performance.now();
  for (let i = 1; i <= RESTARTS; i++) {
    await configure(i === BROKEN ? "NoSuchDirective\n" : i % 2 === 1 ? `Listen 127.0.0.1:${port}\n` : "");
    await server.restartGracefully();
    const wait = begun + i * INTERVAL_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
  }
  const { answered, failures, slowest } = await load.stop();
  const lines = () => server.log("logs/access_log").split("\n").length - 1;
  // As many as there will be: a log that has stood still for a while.
  let before = -1;
  await until(
    "the access log to stand still",
    () => lines() >= answered || before === (before = lines()),
    60,
  );
  return {
    name: model.name,
    requests: answered,
    failures,
    lines: lines(),
    restarts: configured() - 1,
    slowest,
  };
}

console.log("| MPM | requests | failed | lines in the access log | restarts taken | slowest request |");
console.log("| --- | --- | --- | --- | --- | --- |");
let lost = false;
for (const model of restartModels(CLIENTS.others[0] + CLIENTS.others[1])) {
  if (Deno.args.length > 0 && !Deno.args.includes(model.name)) continue;
  const { name, requests, failures, lines, restarts, slowest } = await measure(model);
  console.log(
    `| ${name} | ${requests} | ${failures.length} | ${lines} | ${restarts} | ${slowest.toFixed(0)} ms |`,
  );
  for (const [failure, times] of Map.groupBy(failures, (text) => text)) {
    console.log(`  ${times.length} x ${failure}`);
  }
  lost ||= failures.length > 0 || lines !== requests;
}
Deno.exitCode = lost ? 1 : 0;
