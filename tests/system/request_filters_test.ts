// What does an application read of a request whose body came compressed? SetInputFilter DEFLATE, with its limits.

import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import zlib from "node:zlib";
import { freePort, TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const APP = `
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    const names = ["content-encoding", "content-length", "content-type"];
    const said = names.map((name) => request.headers.get(name));
    if (pathname.endsWith("/stream")) {
      let size = 0;
      let sum = 0;
      for await (const piece of request.body) {
        size += piece.length;
        for (const byte of piece) sum = (sum * 31 + byte) % 1000003;
      }
      return Response.json({ size, sum, said });
    }
    if (pathname.endsWith("/unread")) return new Response("not read");
    return Response.json({ text: (await request.text()).slice(-20), said });
  },
};
`;

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName main.example
StartServers 1
ThreadsPerChild 1
SetInputFilter DEFLATE
LimitRequestBody 20000000
<Location />
  Application app.ts
</Location>
<Location /small>
  DeflateInflateLimitRequestBody 1000
</Location>
<Location /wide>
  DeflateInflateRatioLimit 2000
</Location>
<Location /plain>
  SetInputFilter NOTHING
</Location>
`;

Deno.test({
  name: "request filters: a compressed body is read as it was, and not without bounds",
  ignore: !unix,
}, async () => {
  const port = freePort();
  await using server = await TestServer.start({ config: CONFIG, files: { "app.ts": APP }, port });
  const post = async (path: string, body: Uint8Array, headers: Record<string, string> = {}) => {
    const response = await fetch(server.url(path), {
      method: "POST",
      // As a stream: without a length.
      body: new Blob([new Uint8Array(body)]).stream(),
      headers: { "Content-Encoding": "gzip", "Content-Type": "text/plain", ...headers },
    });
    return { status: response.status, text: await response.text() };
  };
  const words = Buffer.from(Array.from({ length: 60_000 }, (_, i) => `word ${i * 7919 % 10_007}\n`).join(""));
  const small = Buffer.from("a small body");
  const none = [null, null, "text/plain"];

  assertEquals(JSON.parse((await post("/text", zlib.gzipSync(small))).text), {
    text: "a small body",
    said: none,
  });
  let sum = 0;
  for (const byte of words) sum = (sum * 31 + byte) % 1_000_003;
  assertEquals(JSON.parse((await post("/stream", zlib.gzipSync(words))).text), {
    size: words.length,
    sum,
    said: none,
  });
  assertEquals((await post("/unread", zlib.gzipSync(words))).text, "not read");
  // Another coding, and none, are not this filter's.
  const other = JSON.parse((await post("/text", small, { "Content-Encoding": "br" })).text);
  assertEquals(other, { text: "a small body", said: ["br", null, "text/plain"] });
  const two = JSON.parse(
    (await post("/text", zlib.gzipSync(small), { "Content-Encoding": "br, gzip" })).text,
  );
  assertEquals(two, { text: "a small body", said: ["br", null, "text/plain"] });

  // Too much, too little of too much, and no gzip at all.
  assertEquals((await post("/small", zlib.gzipSync(words))).status, 413);
  assertEquals((await post("/small", zlib.gzipSync(small))).status, 200);
  const zeros = zlib.gzipSync(Buffer.alloc(4_000_000));
  assertEquals((await post("/stream", zeros)).status, 400);
  assertEquals((await post("/wide/stream", zeros)).status, 200);
  assertEquals((await post("/wide/stream", zlib.gzipSync(Buffer.alloc(30_000_000)))).status, 413);
  assertEquals((await post("/text", small)).status, 400);
  assertEquals((await post("/text", zlib.gzipSync(words).subarray(0, 5000))).status, 400);
  for (const ah of ["AH02648", "AH02649", "AH02481", "AH01387"]) {
    await until(`${ah} in the log`, () => server.log("logs/error_log").includes(ah));
  }
  // A name that no module has changes nothing, and is told.
  const unknown = JSON.parse((await post("/plain/text", zlib.gzipSync(small))).text);
  assertEquals(unknown.said, ["gzip", null, "text/plain"]);
  await until(
    "the name in the log",
    () => server.log("logs/error_log").includes("AH00082: an unknown filter was not added: NOTHING"),
  );
});
