// Does the access log know what went over the wire? Bytes in and out, requests before, and how each connection was left, of a
// whole server, against what a client counts itself.

import { assertEquals, assertMatch } from "@std/assert";
import { Connection, TestServer, until } from "../system/harness.ts";
import { converse } from "./live_client.ts";
import { latin1Bytes } from "./vectors.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName localhost
DocumentRoot "@ROOT@/htdocs"
StartServers 1
ThreadsPerChild 1
LogFormat "%U %s %b %I %O %S %k %X" counts
CustomLog logs/counts counts
<Location /app>
  Application app.ts
</Location>
`;

const APP = `
export default {
  async fetch(request: Request): Promise<Response> {
    const text = await request.text();
    return new Response(new Blob([text.toUpperCase()]).stream());
  },
};
`;

const BIG = 32 << 20;

async function start(): Promise<TestServer> {
  const server = await TestServer.start({
    config: CONFIG,
    files: { "app.ts": APP, "htdocs/a.txt": "hello, world\n", "htdocs/big.bin": "" },
  });
  await Deno.truncate(server.path("htdocs/big.bin"), BIG);
  return server;
}

/** The first `count` lines of the log. */
function lines(server: TestServer, count: number): Promise<string[]> {
  return until(`${count} lines`, () => {
    const found = server.log("logs/counts").split("\n").slice(0, -1);
    return found.length >= count ? found : undefined;
  });
}

Deno.test({ name: "counts: requests on one connection, one by one", ignore: !unix }, async () => {
  await using server = await start();
  const chunked = "POST /app HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  const requests = [
    "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345",
    "GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  ];
  const client = await Connection.open(server.port);
  const due: string[] = [];
  for (const [i, request] of requests.entries()) {
    await client.send(request);
    const { head, body } = await client.response();
    const [, path] = request.split(" ");
    const [, status] = head.split(" ");
    const sent = head.length + body.length;
    const state = i === 3 ? "-" : "+";
    due.push(
      `${path} ${status} ${body.length} ${request.length} ${sent} ${request.length + sent} ${i} ${state}`,
    );
  }
  client.close();
  assertEquals(await lines(server, 4), due);
  const { text } = await converse(
    server.port,
    latin1Bytes(chunked.replace("Host", "Connection: close\r\nHost")),
  );
  const length = chunked.length + "Connection: close\r\n".length;
  assertEquals(
    (await lines(server, 5))[4],
    `/app 200 3 ${length} ${text.length} ${length + text.length} 0 -`,
  );
});

Deno.test({ name: "counts: pipelined requests, and bytes that are no request", ignore: !unix }, async () => {
  await using server = await start();
  const get = "GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n";
  const wrong = "GET  / HTTP/1.1\r\n\r\n";
  const { text } = await converse(server.port, latin1Bytes(get + get + wrong));
  const found = (await lines(server, 3)).map((line) => line.split(" "));
  assertEquals(found.map(([, status]) => status), ["200", "200", "400"]);
  assertEquals(found.map(([, , , received]) => Number(received)), [get.length, get.length, wrong.length]);
  assertEquals(found.reduce((sum, [, , , , sent]) => sum + Number(sent), 0), text.length);
});

Deno.test({
  name:
    "counts: a download that is broken off is logged when it is, with what was sent; a whole one when it has arrived",
  ignore: !unix,
}, async () => {
  await using server = await start();
  const get = "GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n";
  const broken = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await broken.write(latin1Bytes(get));
  await broken.read(new Uint8Array(1000));
  // Others are served, and logged, meanwhile.
  await server.get("/a.txt");
  assertMatch((await lines(server, 1))[0], /^\/a\.txt 200 /);
  broken.close();
  const [path, status, , , sent, , , state] = (await lines(server, 2))[1].split(" ");
  assertEquals([path, status, state], ["/big.bin", "200", "X"]);
  assertEquals(Number(sent) > 1000 && Number(sent) < BIG, true, sent);
  const { text } = await converse(
    server.port,
    latin1Bytes(get.replace("Host", "Connection: close\r\nHost")),
  );
  const whole = (await lines(server, 3))[2].split(" ");
  assertEquals([whole[2], whole[4], whole[7]], [String(BIG), String(text.length), "-"]);
});
