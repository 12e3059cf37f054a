// Is the body of a request what the platform would make of it, read as a whole by each of its methods, arriving at once or in pieces?

import { assertEquals } from "@std/assert";
import { Connection, TestServer } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const APP = `
const say = (error: Error) => error.name + ": " + error.message;
export default {
  async fetch(request: Request): Promise<Response> {
    const way = new URL(request.url).pathname.slice(1);
    switch (way) {
      case "json": return Response.json(await request.json().catch(say));
      case "text": return new Response(await request.text());
      case "bytes": return new Response(await request.bytes());
      case "arrayBuffer": return new Response(await request.arrayBuffer());
      case "blob": {
        const blob = await request.blob();
        return new Response(blob.type + " " + await blob.text());
      }
      case "formData": {
        const data = await request.formData();
        return Response.json([...data].map(([name, value]) => [name, String(value)]));
      }
      case "twice": {
        const before = request.bodyUsed;
        const first = await request.text();
        const second = await request.json().catch(say);
        return Response.json([before, first, request.bodyUsed, second]);
      }
      case "clone": {
        const copy = request.clone();
        return Response.json([await request.text(), await copy.text(), request.bodyUsed]);
      }
      case "late": {
        await request.text();
        let refused = "";
        try { request.clone(); } catch (error) { refused = (error as Error).name; }
        return Response.json([refused, request.headers.get("x-a"), request.bodyUsed]);
      }
      case "again": return new Response(await new Request(request, { headers: { "x-b": "1" } }).text());
      case "stream": return new Response(request.body);
      default: return Response.json([await request.text(), request.bodyUsed]);
    }
  },
};
`;

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName localhost
Application app.ts
StartServers 1
ThreadsPerChild 1
LimitRequestBody 2000000
`;

const text = "größer ".repeat(20_000);
const form = "a=1&b=%C3%B6";

/** What is sent to a path, and what comes back. */
const CASES: readonly (readonly [path: string, type: string, body: string, answer: string])[] = [
  ["json", "application/json", '{"a":[1,"ö"]}', '{"a":[1,"ö"]}'],
  ["json", "application/json", "\ufeff[1]", "[1]"],
  ["json", "application/json", "{", JSON.stringify(nativeError("{"))],
  ["json", "application/json", "", JSON.stringify(nativeError(""))],
  ["text", "text/plain", text, text],
  ["text", "text/plain", "", ""],
  ["bytes", "x/y", text, text],
  ["arrayBuffer", "x/y", text, text],
  ["blob", "Text/Plain;Charset=UTF-8", "ab", "text/plain;charset=utf-8 ab"],
  ["formData", "application/x-www-form-urlencoded", form, '[["a","1"],["b","ö"]]'],
  ["twice", "text/plain", "ab", '[false,"ab",true,"TypeError: Body already consumed."]'],
  ["clone", "text/plain", "ab", '["ab","ab",true]'],
  ["late", "text/plain", "ab", '["TypeError","1",true]'],
  ["again", "text/plain", "ab", "ab"],
  ["stream", "text/plain", text, text],
];

function nativeError(json: string): string {
  try {
    JSON.parse(json);
    return "";
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

Deno.test({
  name: "application: a request's body as a whole, by every method, in one piece and in many",
  ignore: !unix,
}, async () => {
  await using server = await TestServer.start({ config: CONFIG, files: { "app.ts": APP } });
  for (const [path, type, body, answer] of CASES) {
    for (const init of [{ body }, { body: new Blob([body]).stream() }]) {
      const response = await fetch(server.url(`/${path}`), {
        method: "POST",
        headers: { "content-type": type, "x-a": "1" },
        ...init,
      });
      assertEquals([path, response.status, await response.text()], [path, 200, answer]);
    }
  }
  assertEquals(await (await fetch(server.url("/other"))).json(), ["", false]);
});

Deno.test({
  name: "application: a body read as a whole is asked for, limited, and may break off",
  ignore: !unix,
}, async () => {
  await using server = await TestServer.start({ config: CONFIG, files: { "app.ts": APP } });
  const head = "POST /text HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n";
  const client = await Connection.open(server.port);
  await client.send(`${head}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
  assertEquals((await client.response()).head.split("\r\n")[0], "HTTP/1.1 100 Continue");
  await client.send("he");
  await client.send("llo");
  assertEquals((await client.response()).body, "hello");
  await client.send(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`);
  // Chunk by chunk, more than LimitRequestBody.
  const piece = `${(500_000).toString(16)}\r\n${"x".repeat(500_000)}\r\n`;
  for (let i = 0; i < 4; i++) await client.send(piece);
  assertEquals((await client.response()).head.split("\r\n")[0], "HTTP/1.1 413 Request Entity Too Large");
  client.close();
  const broken = await Connection.open(server.port);
  await broken.send(`${head}Content-Length: 5\r\n\r\nhe`);
  broken.close();
  assertEquals(await (await fetch(server.url("/text"), { method: "POST", body: "on" })).text(), "on");
});
