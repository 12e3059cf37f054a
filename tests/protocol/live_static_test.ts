// Are files served as RFC 9110 and httpd want it? Ranges, conditions, paths, methods and files that change, against a whole
// server.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Connection, TestServer, until } from "../system/harness.ts";
import { converse, type SeenResponse, takeApart } from "./live_client.ts";
import { latin1Bytes } from "./vectors.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";
const TEXT = "abcdefghijklmnopqrstuvwxyz";
/** 2020-01-01: old enough for strong validators. */
const OLD = new Date(Date.UTC(2020, 0, 1));
const OLD_TEXT = "Wed, 01 Jan 2020 00:00:00 GMT";

const CONFIG = `
Listen 127.0.0.1:@PORT@
ServerName localhost
StartServers 1
ThreadsPerChild 1
DocumentRoot "@ROOT@/htdocs"
OpenFileCacheValid 50ms
<Location "/small">
  LimitRequestBody 3
</Location>
`;

async function start(more = ""): Promise<TestServer> {
  const server = await TestServer.start({
    config: CONFIG + more,
    files: {
      "htdocs/index.html": "the index",
      "htdocs/a.txt": TEXT,
      "htdocs/two words.txt": "two words",
      "htdocs/empty.txt": "",
      "htdocs/small/a.txt": TEXT,
      "htdocs/bare/a.txt": "no index here",
      "htdocs/\u00fc.txt": "umlaut",
    },
  });
  // Tags of files that are younger than a second are weak.
  for (const name of ["a.txt", "index.html"]) await Deno.utime(server.path(`htdocs/${name}`), OLD, OLD);
  return server;
}

/** The answer to one request. */
async function ask(
  server: TestServer,
  target: string,
  fields: Readonly<Record<string, string>> = {},
  method = "GET",
  body = "",
): Promise<SeenResponse> {
  const lines = Object.entries({ Host: "localhost", Connection: "close", ...fields });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const request = latin1Bytes(`${method} ${target} HTTP/1.1\r\n${head}\r\n${body}`);
  const { text, reset } = await converse(server.port, request);
  const { responses, rest } = takeApart(text, [method]);
  assertEquals([responses.length, rest, reset], [1, "", false], text);
  return responses[0];
}

function test(name: string, more: string, run: (server: TestServer) => Promise<void>): void {
  Deno.test({ name: `static: ${name}`, ignore: !unix }, async () => {
    await using server = await start(more);
    await run(server);
  });
}

test("ranges", "", async (server) => {
  const range = (value: string, fields = {}) => ask(server, "/a.txt", { Range: value, ...fields });
  const whole = await ask(server, "/a.txt");
  assertEquals([whole.status, whole.body, whole.fields.get("accept-ranges")], [200, TEXT, "bytes"]);
  for (
    const [spec, body, field] of [
      ["bytes=0-3", "abcd", "bytes 0-3/26"],
      ["bytes=20-", "uvwxyz", "bytes 20-25/26"],
      ["bytes=-2", "yz", "bytes 24-25/26"],
      ["bytes=25-1000", "z", "bytes 25-25/26"],
    ]
  ) {
    const part = await range(spec);
    assertEquals([part.status, part.body, part.fields.get("content-range")], [206, body, field]);
    assertEquals(part.fields.get("content-length"), String(body.length));
  }
  const head = await ask(server, "/a.txt", { Range: "bytes=0-3" }, "HEAD");
  assertEquals([head.status, head.fields.get("content-length")], [206, "4"]);
  for (const spec of ["bytes=5-2", "bytes=x-", "lines=0-1", "bytes=0-1;3"]) {
    const ignored = await range(spec);
    assertEquals([ignored.status, ignored.body], [200, TEXT], spec);
  }
  const beyond = await range("bytes=26-");
  assertEquals(beyond.status, 416);
  const tag = whole.fields.get("etag")!;
  assertEquals((await range("bytes=0-3", { "If-Range": tag })).status, 206);
  assertEquals((await range("bytes=0-3", { "If-Range": OLD_TEXT })).status, 206);
  assertEquals((await range("bytes=0-3", { "If-Range": '"other"' })).body, TEXT);
  assertEquals((await range("bytes=0-3", { "If-Range": "Thu, 02 Jan 2020 00:00:00 GMT" })).body, TEXT);
});

test("several ranges become multipart/byteranges", "", async (server) => {
  const several = await ask(server, "/a.txt", { Range: "bytes=0-1,10-11,-1" });
  assertEquals(several.status, 206);
  const [, boundary] = /^multipart\/byteranges; boundary=(\S+)$/.exec(several.fields.get("content-type")!)!;
  assertEquals(several.fields.get("content-length"), String(several.body.length));
  assertEquals(several.fields.get("content-range"), undefined);
  const parts = several.body.split(`--${boundary}`);
  assertEquals([parts.length, parts[4]], [5, "--\r\n"]);
  for (const [i, [field, text]] of [["0-1", "ab"], ["10-11", "kl"], ["25-25", "z"]].entries()) {
    assertMatch(parts[i + 1], new RegExp(`content-range: bytes ${field}/26\\r\\n`, "i"));
    assert(parts[i + 1].endsWith(`\r\n\r\n${text}\r\n`), parts[i + 1]);
  }
});

test("conditional requests", "", async (server) => {
  const status = async (fields: Record<string, string>, method = "GET") =>
    (await ask(server, "/a.txt", fields, method)).status;
  const whole = await ask(server, "/a.txt");
  const tag = whole.fields.get("etag")!;
  assertMatch(tag, /^"1a-[0-9a-f]+"$/);
  assertEquals(whole.fields.get("last-modified"), OLD_TEXT);
  const unchanged = await ask(server, "/a.txt", { "If-None-Match": `"x", ${tag}` });
  assertEquals([unchanged.status, unchanged.body, unchanged.fields.get("etag")], [304, "", tag]);
  for (const name of ["content-type", "content-length", "transfer-encoding"]) {
    assert(!unchanged.fields.has(name), `${name} in ${unchanged.head}`);
  }
  assertEquals(await status({ "If-None-Match": "*" }), 304);
  assertEquals(await status({ "If-None-Match": tag }, "HEAD"), 304);
  assertEquals(await status({ "If-None-Match": tag }, "POST"), 412);
  assertEquals(await status({ "If-None-Match": '"x"' }), 200);
  assertEquals(await status({ "If-Modified-Since": OLD_TEXT }), 304);
  assertEquals(await status({ "If-Modified-Since": "Tue, 31 Dec 2019 23:59:59 GMT" }), 200);
  assertEquals(await status({ "If-None-Match": '"x"', "If-Modified-Since": OLD_TEXT }), 200);
  assertEquals(await status({ "If-Match": tag }), 200);
  assertEquals(await status({ "If-Match": '"x"' }), 412);
  assertEquals(await status({ "If-Unmodified-Since": OLD_TEXT }), 200);
  assertEquals(await status({ "If-Unmodified-Since": "Tue, 31 Dec 2019 23:59:59 GMT" }), 412);
});

test("methods", "", async (server) => {
  const head = await ask(server, "/a.txt", {}, "HEAD");
  assertEquals([head.status, head.fields.get("content-length"), head.body], [200, "26", ""]);
  const post = await ask(server, "/a.txt", { "Content-Length": "3" }, "POST", "abc");
  assertEquals([post.status, post.body], [200, TEXT]);
  for (const method of ["PUT", "DELETE", "PATCH"]) {
    const refused = await ask(server, "/a.txt", {}, method);
    assertEquals(refused.status, 405);
    assertMatch(refused.fields.get("allow")!, /\bGET\b.*\bHEAD\b/);
  }
  assertEquals((await ask(server, "/a.txt", {}, "BREW")).status, 501);
  const options = await ask(server, "/a.txt", {}, "OPTIONS");
  assertEquals([options.status, options.fields.get("content-length")], [200, "0"]);
  assertMatch(options.fields.get("allow")!, /\bTRACE\b/);
  const any = await ask(server, "*", {}, "OPTIONS");
  assertEquals([any.status, any.fields.get("content-length"), any.fields.get("allow")], [
    200,
    "0",
    undefined,
  ]);
  const connect = await ask(server, "localhost:80", {}, "CONNECT");
  assertEquals([connect.status, connect.fields.get("allow")], [405, "GET,POST,OPTIONS,HEAD,TRACE"]);
  assertEquals((await ask(server, "/a.txt", {}, "PROPFIND")).status, 405);
  assertEquals((await ask(server, "/a.txt", {}, "BREW")).status, 501);
});

test("TRACE sends the request back", "", async (server) => {
  const trace = await ask(server, "/any?where", { "X-A": "b" }, "TRACE");
  assertEquals([trace.status, trace.fields.get("content-type")], [200, "message/http"]);
  assertEquals(
    trace.body,
    "TRACE /any?where HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-A: b\r\n\r\n",
  );
  assertEquals((await ask(server, "/", { "Content-Length": "1" }, "TRACE", "a")).status, 413);
});

test("TraceEnable off", "TraceEnable off\n", async (server) => {
  const trace = await ask(server, "/", {}, "TRACE");
  assertEquals([trace.status, trace.fields.get("allow")], [405, "GET,POST,OPTIONS,HEAD"]);
  assertEquals((await ask(server, "/a.txt", {}, "OPTIONS")).fields.get("allow"), "GET,POST,OPTIONS,HEAD");
});

test("TraceEnable extended sends up to 64 KiB of body back", "TraceEnable extended\n", async (server) => {
  const trace = await ask(server, "/", { "Content-Length": "3" }, "TRACE", "abc");
  assertEquals(trace.status, 200);
  assert(trace.body.startsWith("TRACE / HTTP/1.1\r\n") && trace.body.endsWith("\r\n\r\nabc"), trace.body);
  assertEquals((await ask(server, "/", {}, "TRACE")).status, 200);
  const large = "a".repeat(65_537);
  assertEquals((await ask(server, "/", { "Content-Length": "65537" }, "TRACE", large)).status, 413);
});

test("LimitRequestBody of a location", "", async (server) => {
  const post = (target: string, body: string) =>
    ask(server, target, { "Content-Length": String(body.length) }, "POST", body);
  assertEquals((await post("/small/a.txt", "abc")).status, 200);
  assertEquals((await post("/small/a.txt", "abcd")).status, 413);
  assertEquals((await post("/a.txt", "abcd")).status, 200);
  const chunked = { "Transfer-Encoding": "chunked" };
  assertEquals((await ask(server, "/small/a.txt", chunked, "POST", "4\r\nabcd\r\n0\r\n\r\n")).status, 413);
});

test("Expect: 100-continue is answered at once where nobody wants the body", "", async (server) => {
  const client = await Connection.open(server.port);
  await client.send("POST /a.txt HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  const { head, body } = await client.response();
  assertMatch(head, /^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n/);
  assertEquals([body, await client.readAll()], [TEXT, ""]);
  client.close();
  assertEquals((await ask(server, "/a.txt", { Expect: "a miracle" })).status, 417);
});

test("paths", "", async (server) => {
  const get = (target: string) => ask(server, target);
  assertEquals((await get("/")).body, "the index");
  assertEquals((await get("/two%20words.txt")).body, "two words");
  assertEquals((await get("/%61.txt")).body, TEXT);
  assertEquals((await get("/%C3%BC.txt")).body, "umlaut");
  assertEquals((await get("/\u00c3\u00bc.txt")).body, "umlaut");
  assertEquals((await get("/small/../a.txt")).body, TEXT);
  assertEquals((await get("/small/%2e%2e/a.txt")).body, TEXT);
  assertEquals((await get("//a.txt?query")).body, TEXT);
  const empty = await get("/empty.txt");
  assertEquals([empty.status, empty.body, empty.fields.get("content-length")], [200, "", "0"]);
  for (
    const [target, status] of [
      ["/none", 404],
      ["/a.txt/more", 404],
      ["/a.txt%00.html", 404],
      ["/small%2fa.txt", 404],
      ["/../conf/httpd.conf", 400],
      ["/%2e%2e/conf/httpd.conf", 400],
      ["/small/%2e%2e/%2e%2e/conf/httpd.conf", 400],
      ["/..%2fconf/httpd.conf", 404],
      ["/%zz", 400],
      ["/bare/", 403],
      // A file of this name is there in UTF-8; the single byte is another name.
      ["/\u00fc.txt", 404],
      ["/%fc.txt", 404],
      ["/%c3", 404],
      ["/%80%2e%2e/a.txt", 404],
    ] as const
  ) {
    const refused = await get(target);
    assertEquals(refused.status, status, target);
    assertEquals(refused.fields.get("content-type"), "text/html; charset=iso-8859-1");
  }
  const slash = await get("/small?a=b");
  assertEquals(slash.status, 301);
  assertMatch(slash.fields.get("location")!, /^(?:http:\/\/localhost(?::\d+)?)?\/small\/\?a=b$/);
});

test("error pages escape what was asked for", "", async (server) => {
  const page = await ask(server, "/<script>&quot;");
  assertEquals(page.status, 404);
  assertStringIncludes(page.body, "/&lt;script&gt;&amp;quot;");
  assert(!page.body.includes("<script>"));
  assertEquals(page.fields.get("content-length"), String(page.body.length));
  const head = await ask(server, "/none", {}, "HEAD");
  assertEquals([head.status, head.body], [404, ""]);
});

test("a file that is replaced is served anew after OpenFileCacheValid", "", async (server) => {
  const file = server.path("htdocs/a.txt");
  const client = await Connection.open(server.port);
  const get = async () => {
    await client.send("GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n");
    return (await client.response()).body;
  };
  assertEquals([await get(), await get()], [TEXT, TEXT]);
  await Deno.writeTextFile(server.path("new"), "a new text");
  await Deno.rename(server.path("new"), file);
  await until("the new file", async () => await get() === "a new text");
  await Deno.writeTextFile(file, "changed in place");
  await until("the new content", async () => await get() === "changed in place");
  await Deno.remove(file);
  await until("the file to be gone", async () => /Not Found/.test(await get()));
  client.close();
});

test("a file that shrinks while it is sent: the client sees that it is not whole", "", async (server) => {
  const size = 64 << 20;
  const file = server.path("htdocs/large.bin");
  await Deno.writeTextFile(file, "");
  await Deno.truncate(file, size);
  const conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await conn.write(latin1Bytes("GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n"));
  const buffer = new Uint8Array(65536);
  let received = await conn.read(buffer) ?? 0;
  assertStringIncludes(new TextDecoder().decode(buffer.subarray(0, received)), `Content-Length: ${size}\r\n`);
  await Deno.truncate(file, 1000);
  try {
    for (let n: number | null = 0; n !== null; n = await conn.read(buffer)) received += n;
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
  conn.close();
  assert(received < size, `${received} bytes`);
  assertEquals((await ask(server, "/a.txt")).status, 200);
});

test(
  "a message made ahead says the same as one made now, whatever becomes of the connection",
  "",
  async (server) => {
    const heads = [
      "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      "HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
      "HTTP/1.0\r\n\r\n",
      "HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    const last = "GET /?last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const answer = async (target: string, head: string) => {
      const closes = head.includes("close") || head === heads[2];
      const { text, reset } = await converse(
        server.port,
        latin1Bytes(`GET ${target} ${head}${closes ? "" : last}`),
      );
      assertEquals(reset, false);
      return text.replaceAll(/Date: .*\r\n/g, "");
    };
    await answer("/a.txt", heads[4]);
    for (const head of heads) {
      // The first answer to a target is made now, and kept.
      const now = await answer(`/a.txt?${heads.indexOf(head)}`, head);
      assertMatch(now, /abcdefghijklmnopqrstuvwxyz/);
      assertEquals(await answer("/a.txt", head), now, head);
    }
  },
);
