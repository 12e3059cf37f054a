// What do probes see of a server that is busy? The two questions of docs/operations.md, asked of a real one.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Connection, TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

Deno.test({
  name:
    "probes: while all slots are busy a connection is accepted, and readiness is answered once a slot is free",
  ignore: !unix,
}, async () => {
  await using server = await TestServer.start({
    config: `Listen 127.0.0.1:@PORT@
ServerName test.example
StartServers 1
ThreadsPerChild 1
MaxRequestWorkers 1
RequestsPerThread 1
<Location "/server-status">
  SetHandler server-status
</Location>
<Location "/waits">
  Application waits.ts
</Location>
`,
    files: {
      "waits.ts": `export default {
  async fetch(request: Request) { return new Response(await request.text()); },
};`,
    },
  });
  assertMatch(await server.get("/server-status?auto"), /^BusyWorkers: 1$/m);
  // The body's end is what the handler waits for.
  const busy = await Connection.open(server.port);
  await busy.send("POST /waits HTTP/1.1\r\nHost: test.example\r\nContent-Length: 4\r\n\r\nbo");
  const probe = await Connection.open(server.port);
  await probe.send("GET /server-status?auto HTTP/1.1\r\nHost: test.example\r\n\r\n");
  await busy.send("dy");
  assertEquals((await busy.response()).body, "body");
  const { body } = await probe.response();
  assertMatch(body, /^Total Accesses: [1-9]\d*$/m);
  busy.close();
  probe.close();

  await server.stop();
  await until("connections to be refused", async () => {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port }).catch((error) =>
      error
    );
    if (!(connection instanceof Error)) connection.close();
    return connection instanceof Deno.errors.ConnectionRefused;
  });
  assert(!server.stderr.includes("error"));
});
