// Does what an application holds of a request stay that request's? While its handler waits, other clients are served from the
// same buffers by the same objects; and when it is over, the connection is somebody else's.

import { assertEquals } from "@std/assert";
import { Connection, TestServer } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const APP = `
let go: () => void = () => {};
let kept: Request, keptInfo: Info;
let watched: unknown;
type Info = { remoteAddr: { hostname: string; port: number }; completed: Promise<void> };

function tried(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return (error as Error).name;
  }
}

function looked(request: Request, info: Info): unknown[] {
  return [
    tried(() => request.method),
    tried(() => new URL(request.url).pathname),
    tried(() => request.headers.get("x-name")),
    tried(() => typeof info.remoteAddr.port),
  ];
}

export default {
  fetch(request: Request, info: Info): Response | Promise<Response> {
    const { headers } = request;
    const name = headers.get("x-name");
    if (name === "waits") {
      return new Promise<void>((resolve) => go = resolve).then(() =>
        Response.json([headers.get("x-name"), ...looked(request, info)])
      );
    }
    if (name === "keeps") {
      kept = request;
      keptInfo = info;
    }
    if (name === "watches") {
      info.completed.then(() => watched = looked(request, info));
    }
    if (name === "looks") return Response.json(looked(kept, keptInfo));
    if (name === "watched") return Response.json(watched);
    if (name === "goes") go();
    return new Response("fine");
  },
};
`;

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName localhost
Application app.ts
StartServers 1
ThreadsPerChild 1
`;

async function ask(connection: Connection, name: string, path = "/other"): Promise<string> {
  await connection.send(`POST ${path} HTTP/1.1\r\nX-Name: ${name}\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
  return (await connection.response()).body;
}

Deno.test(
  { name: "a request that waits keeps its head, whoever is served meanwhile", ignore: !unix },
  async () => {
    await using server = await TestServer.start({ config: CONFIG, files: { "app.ts": APP } });
    const first = await Connection.open(server.port);
    const second = await Connection.open(server.port);
    await first.send("GET /first HTTP/1.1\r\nHost: a\r\nX-Name: waits\r\n\r\n");
    for (let i = 0; i < 3; i++) await ask(second, "other");
    await ask(second, "goes");
    const { body } = await first.response();
    assertEquals(JSON.parse(body), ["waits", "GET", "/first", "waits", "number"]);
    first.close();
    second.close();
  },
);

Deno.test({
  name:
    "what was not read of a request while it was in hand is gone afterwards; who waits for the end keeps it",
  ignore: !unix,
}, async () => {
  await using server = await TestServer.start({ config: CONFIG, files: { "app.ts": APP } });
  const first = await Connection.open(server.port);
  const second = await Connection.open(server.port);
  const get = (name: string) => `GET /first HTTP/1.1\r\nHost: a\r\nX-Name: ${name}\r\n\r\n`;
  await first.send(get("keeps"));
  await first.response();
  await ask(second, "other");
  const over = "RequestOverError";
  assertEquals(JSON.parse(await ask(second, "looks")), [over, over, over, over]);
  await first.send(get("watches"));
  await first.response();
  assertEquals(JSON.parse(await ask(second, "watched")), ["GET", "/first", "watches", "number"]);
  first.close();
  second.close();
});
