// Does the server's status say what mod_status says? Keys, order and forms as httpd 2.4.71 answers them, from real servers.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Connection, TestServer, until } from "./harness.ts";
import { MODELS, start } from "./models.ts";

const linux = Deno.build.os === "linux";
const unix = linux || Deno.build.os === "darwin";
const of = (name: string) => MODELS.find((model) => model.name === name)!;

const HEAD = [
  "ServerVersion",
  "ServerMPM",
  "Server Built",
  "CurrentTime",
  "RestartTime",
  "ParentServerConfigGeneration",
  "ParentServerMPMGeneration",
  "ServerUptimeSeconds",
  "ServerUptime",
  "Load1",
  "Load5",
  "Load15",
];
const TRAFFIC = [
  "Total Accesses",
  "Total kBytes",
  "Total Duration",
  "CPUUser",
  "CPUSystem",
  "CPUChildrenUser",
  "CPUChildrenSystem",
  "CPULoad",
  "Uptime",
  "ReqPerSec",
  "BytesPerSec",
  "BytesPerReq",
  "DurationPerReq",
];
const WORKERS = ["BusyWorkers", "GracefulWorkers", "IdleWorkers"];
const ASYNC = [
  "Processes",
  "Stopping",
  "ConnsTotal",
  "ConnsAsyncWaitIO",
  "ConnsAsyncWriting",
  "ConnsAsyncKeepAlive",
  "ConnsAsyncClosing",
];

async function autoKeys(server: TestServer): Promise<string[]> {
  const [name, ...lines] = (await server.get("/server-status?auto")).trimEnd().split("\n");
  assertEquals(name, "test.example");
  return lines.map((line) => line.slice(0, line.indexOf(":")));
}

for (
  const { mpm, extended, keys } of [
    { mpm: "event", extended: "On", keys: [...HEAD, ...TRAFFIC, ...WORKERS, ...ASYNC, "Scoreboard"] },
    { mpm: "prefork", extended: "On", keys: [...HEAD, ...TRAFFIC, ...WORKERS, "Scoreboard"] },
    { mpm: "event", extended: "Off", keys: [...HEAD, ...WORKERS, ...ASYNC, "Scoreboard"] },
  ]
) {
  Deno.test({
    name: `status: the keys of ?auto, ${mpm}, ExtendedStatus ${extended}`,
    ignore: !unix,
  }, async () => {
    const model = of(mpm);
    await using server = await start(model, `${model.four}ExtendedStatus ${extended}\n`);
    // Averages are there once a second has passed, a request is counted and processes have said what they cost.
    const found = await until("all keys", async () => {
      const found = await autoKeys(server);
      return found.length >= keys.length ? found : undefined;
    });
    assertEquals(found, keys);
  });
}

const APPLICATION = `
export default {
  async fetch(request: Request) {
    await request.arrayBuffer();
    await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    return new Response();
  },
};`;

Deno.test(
  { name: "status: the page, its forms, and what a slot does right now", ignore: !linux },
  async () => {
    await using server = await TestServer.start({
      config: `Listen 127.0.0.1:@PORT@
ServerName test.example
StartServers 1
ThreadsPerChild 1
MaxRequestWorkers 1
SeeRequestTail On
<Location "/server-status">
  SetHandler server-status
</Location>
<Location "/waits">
  Application waits.ts
</Location>
`,
      files: { "waits.ts": APPLICATION },
    });
    const waiting = await Connection.open(server.port);
    await waiting.send(`GET /waits?${"x".repeat(80)}<&tail HTTP/1.1\r\nHost: test.example\r\n\r\n`);
    const page = await until("the request that waits", async () => {
      const page = await server.get("/server-status");
      return page.includes("tail") ? page : undefined;
    });
    const end = `${"x".repeat(80)}<&tail HTTP/1.1`.slice(-63).replace("<&", "&lt;&amp;");
    const row = page.split("\n").find((line) => line.includes("tail"))!;
    assertStringIncludes(row, `<td>${end}</td>`);
    assertMatch(row, /<td><b>W<\/b><\/td>/);
    assertStringIncludes(row, `<td>127.0.0.1</td><td>http/1.1</td><td>test.example:${server.port}</td>`);
    for (const cell of ["Srv", "PID", "Acc", "M", "SS", "Req", "Dur", "Conn", "Child", "Slot", "Client"]) {
      assertStringIncludes(page, `<th>${cell}</th>`);
    }

    const list = await server.get("/server-status?notable");
    assertStringIncludes(list, "<h2>Server Details</h2>");
    assertStringIncludes(list, "[<b>Write</b>]");
    assert(!list.includes("<th>Srv</th>"));
    waiting.close();

    const head = (answer: string) => answer.slice(0, answer.indexOf("\r\n\r\n"));
    const ask = async (query: string, method = "GET", host = "test.example") =>
      head(
        await server.raw(
          `${method} /server-status${query} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        ),
      );
    assertMatch(await ask("?refresh"), /^refresh: 10\r?$/im);
    assertMatch(await ask("?auto&refresh=3"), /^refresh: 3\r?$/im);
    assertMatch(await ask("?refresh=0"), /^refresh: 10\r?$/im);
    assert(!/^refresh:/im.test(await ask("")));
    assertMatch(await ask("?auto"), /^content-type: text\/plain; charset=ISO-8859-1\r?$/im);
    assertMatch(await ask(""), /^content-type: text\/html; charset=ISO-8859-1\r?$/im);
    assert(!(await ask("", "POST")).startsWith("HTTP/1.1 200 "));
  },
);

Deno.test({ name: "status: without ExtendedStatus the page tells states only", ignore: !unix }, async () => {
  const model = of("event");
  await using server = await start(model, `${model.four}ExtendedStatus Off\n`);
  const page = await server.get("/server-status");
  assertMatch(page, /^(?: {3}\d+ in state: [S_W] ?,?)+$/m);
  assertStringIncludes(page, "<code>ExtendedStatus On</code>");
  assert(!page.includes("Total accesses"));
  assert(!page.includes("GET /server-status"));
});
