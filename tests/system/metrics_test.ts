// Do a monitoring system's figures say what the server does? Scrapes of real servers under load, read strictly.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Connection, load, TestServer, until } from "./harness.ts";
import { type Family, readExposition } from "./exposition.ts";
import { idleConnection, type Model, MODELS, start } from "./models.ts";

const linux = Deno.build.os === "linux";
const unix = linux || Deno.build.os === "darwin";

const METRICS = `
<Location "/metrics">
  SetHandler server-metrics
</Location>
`;
const EVENT = MODELS.find(({ name }) => name === "event")!;
const OPEN_METRICS = "application/openmetrics-text";

async function scrape(server: TestServer, accept?: string) {
  const field = accept === undefined ? "" : `Accept: ${accept}\r\n`;
  const answer = await server.raw(
    `GET /metrics HTTP/1.1\r\nHost: test.example\r\n${field}Connection: close\r\n\r\n`,
  );
  assert(answer.startsWith("HTTP/1.1 200 "), answer.slice(0, 200));
  const split = answer.indexOf("\r\n\r\n") + 4;
  return { head: answer.slice(0, split), body: answer.slice(split) };
}

async function metrics(server: TestServer): Promise<Map<string, Family>> {
  return readExposition((await scrape(server)).body, false);
}

/** The sum of a metric's values over the labels that contain `label`. */
function sum(families: ReadonlyMap<string, Family>, name: string, label = ""): number {
  const family = families.get(name);
  assert(family !== undefined, `${name} is missing`);
  let total = 0;
  for (const [key, value] of family.values) if (key.includes(label)) total += value;
  return total;
}

for (const model of MODELS) {
  Deno.test({
    name: `metrics of ${model.name}${
      model.relayed ? ", relayed" : ""
    }: figures of all processes, from any of them`,
    ignore: !unix && model.relayed !== true,
  }, () => ofModel(model));
}

async function ofModel(model: Model): Promise<void> {
  await using server = await start(model, model.four + METRICS);
  const threads = model.name === "prefork" || model.name === "mpmt_os2" ? undefined : model.slots;
  const before = await until("all threads", async () => {
    const families = await metrics(server);
    return threads === undefined || sum(families, "mpmd_threads") === threads ? families : undefined;
  });
  const title = { mpm_winnt: "WinNT", mpm_netware: "NetWare" }[model.name] ?? model.name;
  assertStringIncludes([...before.get("mpmd_build_info")!.values.keys()][0], `mpm="${title}"`);
  const started = sum(before, "mpmd_start_time_seconds") * 1000;
  assert(started <= Date.now() && started > Date.now() - 60_000, "the time of the start");

  const { answered } = await load(server.port, 3, 300);
  assertEquals(answered, 300);
  await server.raw("GET /nothing HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n");
  // The answer is with its client before it is counted.
  const after = await until("all requests to be counted", async () => {
    const families = await metrics(server);
    const grown = sum(families, "mpmd_requests_total", '"4xx"') - sum(before, "mpmd_requests_total", '"4xx"');
    const served = sum(families, "mpmd_requests_total", '"2xx"') -
      sum(before, "mpmd_requests_total", '"2xx"');
    return grown >= 1 && served >= 300 ? families : undefined;
  });
  const grew = (name: string) => sum(after, name) - sum(before, name);
  assert(grew("mpmd_response_body_bytes_total") >= 300 * 15, "bytes of bodies");
  assert(grew("mpmd_request_duration_seconds_total") > 0, "time of requests");
  assert(sum(after, "mpmd_slots_busy") >= 1, "the slot that answers is busy");
  assert(sum(after, "mpmd_slots", 'state="writing"') >= 1, "it writes");
  assert(sum(after, "mpmd_slots_limit") >= model.slots, "the limit of slots");
  // On a machine with other work a thread may look stuck for a moment.
  await until("no thread to be stuck", async () => sum(await metrics(server), "mpmd_threads_stuck") === 0);
  // Relayed, the child's scoreboard is its own.
  const hasControl = model.children && model.relayed !== true;
  if (hasControl) assertEquals(sum(after, "mpmd_children_failed_total"), 0);
  assertEquals(
    after.has("mpmd_connections_without_slot"),
    model.name === "event",
    "only event keeps connections without a slot",
  );
  for (const name of after.keys()) assert(before.has(name), name);

  // Every process says what it costs, within a second or so of its start.
  const names = hasControl ? ["control", "child-0"] : ["child-0"];
  const costs = await until("the cost of each process", async () => {
    const families = await metrics(server);
    const known = names.every((name) =>
      sum(families, "mpmd_process_resident_memory_bytes", `"${name}"`) > 10_000_000 &&
      sum(families, "mpmd_process_cpu_seconds_total", `"${name}"`) > 0
    );
    return known ? families : undefined;
  });
  const processes = [...costs.get("mpmd_process_resident_memory_bytes")!.values.keys()];
  assertEquals(processes.includes('process="control"'), hasControl);
}

Deno.test({ name: "metrics: OpenMetrics for those who want it", ignore: !unix }, async () => {
  await using server = await start(EVENT, EVENT.four + METRICS);
  const prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5," +
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
  const open = await scrape(server, prometheus);
  assertMatch(open.head, /^content-type: application\/openmetrics-text; version=1\.0\.0; charset=utf-8\r$/im);
  assertMatch(open.head, /^vary: accept\r$/im);
  const text = await scrape(server, "text/plain");
  assertMatch(text.head, /^content-type: text\/plain; version=0\.0\.4; charset=utf-8\r$/im);
  const families = readExposition(text.body, false);
  assertEquals([...readExposition(open.body, true).keys()], [...families.keys()]);
  assert(!(await scrape(server, `${OPEN_METRICS};q=0, */*`)).body.includes("# EOF"));

  const head = await server.raw(
    "HEAD /metrics HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n",
  );
  assertMatch(head, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\n$/);
  const post = await server.raw(
    "POST /metrics HTTP/1.1\r\nHost: test.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
  );
  assert(!post.startsWith("HTTP/1.1 200 "), post.slice(0, 100));
});

Deno.test({ name: "metrics: restarts, children that die, idle connections", ignore: !linux }, async () => {
  await using server = await start(EVENT, EVENT.four + METRICS);
  const first = await until("two children", async () => {
    const families = await metrics(server);
    return sum(families, "mpmd_children", '"accepting"') === 2 ? families : undefined;
  });
  assertEquals(sum(first, "mpmd_children_started_total"), 2);

  const idle = [await idleConnection(server), await idleConnection(server)];
  await until("the idle connections", async () => {
    const families = await metrics(server);
    return sum(families, "mpmd_connections_without_slot", '"keep_alive"') >= 2 &&
      sum(families, "mpmd_connections") >= 2;
  });
  for (const connection of idle) connection.close();

  Deno.kill(server.children()[0], "SIGKILL");
  const replaced = await until("the death of a child", async () => {
    const families = await metrics(server);
    return sum(families, "mpmd_children_failed_total") === 1 &&
        sum(families, "mpmd_children_started_total") >= 3
      ? families
      : undefined;
  });
  const requests = sum(replaced, "mpmd_requests_total");
  assert(requests >= sum(first, "mpmd_requests_total"), "a counter went back");

  await server.restartGracefully();
  const restarted = await until("the restart", async () => {
    const families = await metrics(server);
    return sum(families, "mpmd_restarts_total") === 1 ? families : undefined;
  });
  assert(sum(restarted, "mpmd_requests_total") > requests, "counters go on over a restart");
  assertEquals(sum(restarted, "mpmd_start_time_seconds"), sum(first, "mpmd_start_time_seconds"));
  assertEquals(sum(restarted, "mpmd_children_failed_total"), 1);
});

Deno.test({
  name: "metrics: a thread that is stuck is counted; without ExtendedStatus the time of requests is not",
  ignore: !linux,
}, async () => {
  // A slot a thread: what comes later is never handed to the one that is stuck.
  await using server = await TestServer.start({
    config: `Listen 127.0.0.1:@PORT@
ServerName test.example
StartServers 1
ThreadsPerChild 2
MaxRequestWorkers 2
RequestsPerThread 1
ExtendedStatus Off
${METRICS}
<Location "/stuck">
  Application stuck.ts
</Location>
`,
    files: {
      "go/README": "",
      "stuck.ts": `export default {
  fetch() {
    while ([...Deno.readDirSync(new URL("go", import.meta.url))].length === 1);
    return new Response("on it goes");
  },
};`,
    },
  });
  const connection = await Connection.open(server.port);
  await connection.send("GET /stuck HTTP/1.1\r\nHost: test.example\r\n\r\n");
  const stuck = await until("the stuck thread", async () => {
    const families = await metrics(server);
    return sum(families, "mpmd_threads_stuck") === 1 ? families : undefined;
  });
  assert(!stuck.has("mpmd_request_duration_seconds_total"));
  assert(stuck.has("mpmd_requests_total"));
  await Deno.writeTextFile(server.path("go/on"), "");
  const { body } = await connection.response();
  assertEquals(body, "on it goes");
  await until("it to move again", async () => sum(await metrics(server), "mpmd_threads_stuck") === 0);
  connection.close();
});
