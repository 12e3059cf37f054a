// Can a client read what it was answered, whatever it is still sending? A connection that is closed with unread input is reset,
// and the reset takes the answer away from the client: so the server lingers, or reads on (RFC 9112 §9.6).

import { assertEquals, assertMatch } from "@std/assert";
import { Connection, TestServer, until } from "./harness.ts";
import { config, FILES, MODELS } from "./models.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const APP = `
export default {
  fetch(request: Request): Response {
    if (request.url.endsWith("/throws")) throw new Error("on purpose");
    return new Response("early\\n");
  },
};
`;

const LIMITS = `
<Location /app>
  Application app.ts
</Location>
<Location /limited>
  LimitRequestBody 1000
</Location>
`;

/** More than the buffers of a connection take: whoever sends it waits for the server to read. */
const MORE = "x".repeat(3_000_000);
const HOST = "Host: test.example\r\n";
const BODY = `${HOST}Content-Length: ${MORE.length}\r\n\r\n${MORE}`;

const CASES: readonly (readonly [what: string, input: string, answer: RegExp])[] = [
  [
    "closed as the client wishes",
    `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n${MORE}`,
    /^HTTP\/1\.1 200 /,
  ],
  ["no request", `GET / x HTTP/1.1\r\n${HOST}\r\n${MORE}`, /^HTTP\/1\.1 400 /],
  ["a body that is too long", `POST /limited HTTP/1.1\r\n${BODY}`, /^HTTP\/1\.1 413 /],
  ["a handler that throws", `POST /app/throws HTTP/1.1\r\n${BODY}`, /^HTTP\/1\.1 500 /],
  [
    "somebody who sends a body without waiting for 100",
    `POST /app/early HTTP/1.1\r\nExpect: 100-continue\r\n${BODY}`,
    /^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n[^]*early\n$/i,
  ],
];

for (const model of MODELS) {
  const name = `${model.name}${model.relayed ? ", relayed" : ""}`;
  Deno.test(
    { name: `${name}: an answer reaches a client that is still sending`, ignore: !unix },
    async () => {
      await using server = await TestServer.start({
        config: config(model, model.four + LIMITS),
        files: { ...FILES, "app.ts": APP },
      });
      for (const [what, input, answer] of CASES) {
        const client = await Connection.open(server.port);
        await client.send(input);
        assertMatch(await client.readAll(), answer, what);
        client.close();
      }
      // One that nobody wants to end goes on behind the body that nobody wanted.
      const client = await Connection.open(server.port);
      for (let i = 0; i < 2; i++) {
        await client.send(`POST /app/early HTTP/1.1\r\n${BODY}`);
        assertEquals((await client.response()).body, "early\n");
      }
      client.close();
    },
  );
}

Deno.test({
  name: "a client that does not finish its request line in time is left without a word, and logged",
  ignore: !unix,
}, async () => {
  await using server = await TestServer.start({
    config: config(MODELS[2], MODELS[2].four + "RequestReadTimeout header=1\n"),
    files: FILES,
  });
  for (const input of ["G", "GET / HTTP/1.1"]) assertEquals(await server.raw(input), "");
  assertMatch(await server.raw("GET / HTTP/1.1\r\nHost: a\r\n"), /^HTTP\/1\.1 408 /);
  // Who has asked for something before is not logged.
  const client = await Connection.open(server.port);
  await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET");
  assertMatch(await client.readAll(), /^HTTP\/1\.1 200 [^]*<p>welcome<\/p>\n$/);
  client.close();
  const requests = await until("the log", () => {
    const found = [...server.log("logs/access_log").matchAll(/"(.*)" (\d+) /g)].map(([, line, status]) =>
      `${line} ${status}`
    );
    return found.length === 4 ? found : undefined;
  });
  assertEquals(requests, ["- 408", "- 408", "GET / HTTP/1.1 408", "GET / HTTP/1.1 200"]);
});
