// Does a request get to another server and its answer back, as the configuration says, and does nothing else get through?

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Backend, ok, say, type SeenRequest } from "./backend.ts";
import { Connection, freePort, inTime, TestServer, until } from "./harness.ts";

const ignore = Deno.build.os === "windows";

function start(config: string, files: Record<string, string> = {}): Promise<TestServer> {
  return TestServer.start({
    config: `Listen 127.0.0.1:@PORT@\nServerName test.example\nErrorLog logs/error_log\n${config}`,
    files,
  });
}

function get(path: string, fields = ""): string {
  return `GET ${path} HTTP/1.1\r\nHost: test.example\r\n${fields}Connection: close\r\n\r\n`;
}

/** Status line, without the version, and body. */
function gist(answer: string): string {
  const split = answer.indexOf("\r\n\r\n");
  return `${answer.slice(9, answer.indexOf("\r\n"))}|${split < 0 ? "" : answer.slice(split + 4)}`;
}

function lines({ head }: SeenRequest): string[] {
  return head.trimEnd().split("\r\n");
}

Deno.test({
  name: "proxy: requests are written anew, and fields about a connection stay on it",
  ignore,
  async fn() {
    using backend = Backend.answering(() =>
      ok(
        "hello",
        "X-A: b\r\nKeep-Alive: timeout=9\r\nConnection: X-Secret\r\nX-Secret: s\r\nDate: Thu, 01 Jan 1970 00:00:01 GMT\r\nServer: other\r\n",
      )
    );
    await using server = await start(`
      ProxyPass /a/ http://127.0.0.1:${backend.port}/base/
      ProxyPass /not !
      ProxyPass /raw http://127.0.0.1:${backend.port}/raw nocanon
      ProxyPassMatch ^/m/(\\d+)$ http://127.0.0.1:${backend.port}/n/$1
      <Location /kept>
        ProxyPass http://127.0.0.1:${backend.port}/kept
        ProxyPreserveHost On
        ProxyAddHeaders Off
      </Location>
      <Location /handler>
        SetHandler "proxy:http://127.0.0.1:${backend.port}/h"
      </Location>
      RewriteEngine On
      RewriteRule ^/rw/(.*) http://127.0.0.1:${backend.port}/rewritten/$1 [P]
    `);
    const answer = await server.raw(
      get(
        "/a/x%20y?q=1",
        "Connection: X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nX-Forwarded-For: 192.0.2.9\r\nX-End: 2\r\nProxy-Authorization: x\r\nKeep-Alive: 3\r\n",
      ),
    );
    assertEquals(gist(answer), "200 OK|hello");
    assertMatch(answer, /\r\nX-A: b\r\n/);
    assertMatch(answer, /\r\nServer: other\r\n/);
    assertMatch(answer, /\r\nDate: Thu, 01 Jan 1970 00:00:01 GMT\r\n/);
    assert(!/x-secret|timeout=9/i.test(answer), answer);
    assertEquals(lines(backend.seen[0]), [
      "GET /base/x%20y?q=1 HTTP/1.1",
      `Host: 127.0.0.1:${backend.port}`,
      "X-End: 2",
      "X-Forwarded-For: 192.0.2.9, 127.0.0.1",
      "X-Forwarded-Host: test.example",
      "X-Forwarded-Server: test.example",
      "Connection: Keep-Alive",
    ]);
    const firstLine = async (target: string) => {
      const before = backend.seen.length;
      const got = await server.raw(get(target));
      return backend.seen.length > before ? lines(backend.seen.at(-1)!)[0] : gist(got).split("|")[0];
    };
    assertEquals(await firstLine("/raw/a%41"), "GET /raw/a%41 HTTP/1.1");
    assertEquals(await firstLine("/m/42"), "GET /n/42 HTTP/1.1");
    assertEquals(await firstLine("/not/x"), "404 Not Found");
    assertEquals(await firstLine("/ax"), "404 Not Found");
    assertEquals(await firstLine("/rw/z?k=v"), "GET /rewritten/z?k=v HTTP/1.1");
    assertMatch(await firstLine("/handler"), /^GET \/h/);
    await server.raw(get("/kept"));
    assertEquals(lines(backend.seen.at(-1)!), [
      "GET /kept HTTP/1.1",
      "Host: test.example",
      "Connection: Keep-Alive",
    ]);
  },
});

Deno.test({
  name:
    "proxy: what backends say of themselves is written as clients know it; errors may be the server's own",
  ignore,
  async fn() {
    using backend = Backend.answering(({ head }) => {
      if (head.startsWith("GET /gone")) return "HTTP/1.1 410 Gone\r\nContent-Length: 4\r\n\r\nmine";
      if (head.startsWith("GET /teapot")) return "HTTP/1.1 418 Teapot\r\nContent-Length: 4\r\n\r\nmine";
      return `HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:${backend.port}/in/x?y\r\nSet-Cookie: a=b; Domain=internal.example; Path=/in/z\r\nContent-Length: 0\r\n\r\n`;
    });
    await using server = await start(`
      ProxyPass /out/ http://127.0.0.1:${backend.port}/
      ProxyPassReverse /out/ http://127.0.0.1:${backend.port}/
      ProxyPassReverseCookieDomain internal.example public.example
      ProxyPassReverseCookiePath /in/ /out/in/
      ProxyVia On
      <Location /out/gone>
        ProxyErrorOverride On 410
      </Location>
    `);
    const answer = await server.raw(get("/out/in"));
    assertMatch(answer, /\r\nLocation: http:\/\/test\.example\/out\/in\/x\?y\r\n/);
    assertMatch(answer, /\r\nSet-Cookie: a=b; Domain=public\.example; Path=\/out\/in\/z\r\n/);
    assertMatch(answer, /\r\nVia: 1\.1 test\.example\r\n/);
    assertMatch(backend.seen[0].head, /\r\nVia: 1\.1 test\.example\r\n/);
    assertMatch(gist(await server.raw(get("/out/gone"))), /^410 Gone\|<!DOCTYPE/);
    assertEquals(gist(await server.raw(get("/out/teapot"))), "418 Teapot|mine");
  },
});

Deno.test({
  name: "proxy: a backend that is not there, silent, talks nonsense or stops within its answer",
  ignore,
  async fn() {
    const closed = freePort();
    const answers: Record<string, string | undefined> = {
      nonsense: "SSH-2.0-OpenSSH_9\r\n",
      split: "HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n",
      two: "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 20\r\n\r\nabc",
      huge: `HTTP/1.1 200 OK\r\n${"A: bbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n".repeat(9999)}\r\n`,
      line: `HTTP/1.1 200 OK\r\nA: ${"b".repeat(20_000)}\r\n\r\n`,
      chunk: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
      upgrade: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
      silent: undefined,
      gone: "",
    };
    using backend = Backend.scripted(async (next, conn) => {
      const request = await next();
      const name = /^GET \/(\w+)/.exec(request?.head ?? "")?.[1] ?? "";
      const answer = answers[name];
      if (answer === undefined) await next();
      else await say(conn, answer);
      conn.close();
    });
    await using server = await start(`
      ProxyPass /dead/ http://127.0.0.1:${closed}/
      ProxyPass / http://127.0.0.1:${backend.port}/ timeout=1 responsefieldsize=8192
    `);
    const expected: Readonly<Record<string, string>> = {
      nonsense: "502 Bad Gateway",
      split: "502 Bad Gateway",
      two: "502 Bad Gateway",
      huge: "502 Bad Gateway",
      line: "502 Bad Gateway",
      upgrade: "502 Bad Gateway",
      silent: "504 Gateway Timeout",
      gone: "502 Bad Gateway",
    };
    for (const [name, status] of Object.entries(expected)) {
      const answer = await server.raw(get(`/${name}`));
      assertEquals(gist(answer).split("|")[0], status, name);
      assert(!answer.includes("evil"), answer);
    }
    // A bad chunk is met when the head is on its way already, or before: the client must not take it for whole.
    const chunk = await server.raw(get("/chunk"));
    assert(chunk.startsWith("HTTP/1.1 502 ") || !chunk.endsWith("0\r\n\r\n"), chunk);
    assertEquals(gist(await server.raw(get("/dead/x"))).split("|")[0], "503 Service Unavailable");
    assertEquals(gist(await server.raw(get("/dead/x"))).split("|")[0], "503 Service Unavailable");
    await until("the log", () => /AH01114/.test(server.log("logs/error_log")));
    const log = server.log("logs/error_log");
    assertMatch(log, /AH00957: .*Connection refused/);
    assertMatch(log, /AH00898: Error reading from remote server returned by \/nonsense/);
    assertMatch(log, /AH01102: \(70007\)The timeout specified has expired: error reading status line/);
  },
});

Deno.test({
  name: "proxy: an answer that is cut off is not taken for whole",
  ignore,
  async fn() {
    using backend = Backend.scripted(async (next, conn) => {
      const request = await next();
      const chunked = request?.head.startsWith("GET /chunked") === true;
      await say(
        conn,
        chunked
          ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
          : "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst",
      );
      // So that the beginning has gone on before the end comes.
      await until("the client to have it", () => told.has(chunked));
      conn.close();
    });
    const told = new Set<boolean>();
    await using server = await start(`ProxyPass / http://127.0.0.1:${backend.port}/`);
    for (const chunked of [true, false]) {
      const client = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
      await say(client, `GET /${chunked ? "chunked" : "length"} HTTP/1.1\r\nHost: a\r\n\r\n`);
      const buffer = new Uint8Array(4096);
      let text = "";
      while (!text.includes("first")) {
        const n = await inTime("the beginning", client.read(buffer));
        assert(n !== null, text);
        text += new TextDecoder().decode(buffer.subarray(0, n));
      }
      told.add(chunked);
      let rest = "";
      for (;;) {
        const n = await inTime("the end", client.read(buffer).catch(() => null));
        if (n === null) break;
        rest += new TextDecoder().decode(buffer.subarray(0, n));
      }
      client.close();
      assertEquals(rest.replace(/^\r\n/, ""), "");
    }
  },
});

Deno.test({
  name:
    "proxy: connections are used again; one that the backend has closed costs no answer, and nothing is made twice that must not be",
  ignore,
  async fn() {
    let closing = false;
    using backend = Backend.scripted(async (next, conn) => {
      for (let request = await next(); request !== undefined; request = await next()) {
        // What comes second on a connection is not answered any more.
        if (
          closing && backend.seen.some((each) => each !== request && each.connection === request!.connection)
        ) return;
        await say(conn, ok(`${request.head.split(" ", 1)[0]} ${request.body}`));
      }
    });
    await using server = await start(`
      MaxConnectionsPerChild 0
      StartServers 1
      ServerLimit 1
      ThreadsPerChild 1
      ThreadLimit 1
      MaxRequestWorkers 25
      RequestsPerThread 25
      ProxyPass / http://127.0.0.1:${backend.port}/
    `);
    const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc";
    for (let i = 0; i < 5; i++) assertEquals(gist(await server.raw(get("/"))), "200 OK|GET ");
    assertEquals(gist(await server.raw(post)), "200 OK|POST abc");
    assertEquals(backend.connections, 1);
    closing = true;
    // Answered on a new connection, for it may be asked twice.
    assertEquals(gist(await server.raw(get("/"))), "200 OK|GET ");
    assertEquals(backend.connections, 2);
    // Nobody knows whether the backend has done it.
    const before = backend.seen.length;
    assertEquals(gist(await server.raw(post)).split("|")[0], "502 Bad Gateway");
    assertEquals(backend.seen.length, before + 1);
    closing = false;
    // Closed while nobody used it: not even a POST meets that.
    assertEquals(gist(await server.raw(get("/"))), "200 OK|GET ");
    backend.stop();
    await backend.listenAgain();
    assertEquals(gist(await server.raw(post)), "200 OK|POST abc");
  },
});

Deno.test({
  name: "proxy: bodies go through in both directions at the pace of whoever is slower",
  ignore,
  async fn() {
    const size = 64 << 20;
    let written = 0;
    let stalled = false;
    using backend = Backend.scripted(async (next, conn) => {
      const request = await next();
      if (request === undefined) return;
      if (request.head.startsWith("POST")) return await say(conn, ok(String(request.body.length)));
      await say(conn, `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const piece = new Uint8Array(1 << 16).fill(120);
      while (written < size) {
        written += await conn.write(piece.subarray(0, Math.min(piece.length, size - written)));
      }
    });
    await using server = await start(`ProxyPass / http://127.0.0.1:${backend.port}/`);
    const client = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await say(client, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    // The client takes nothing: what the kernels hold is a few MB, the server holds little.
    let last = -1;
    await until("the backend to stall", async () => {
      await new Promise((resolve) => setTimeout(resolve, 150));
      stalled = written === last && written > 0;
      last = written;
      return stalled;
    });
    assert(written < size / 2, `${written} bytes were taken ahead of the client`);
    const buffer = new Uint8Array(1 << 18);
    let received = 0;
    while (received < size) {
      const n = await inTime("more", client.read(buffer));
      if (n === null) break;
      received += n;
    }
    client.close();
    assert(received > size, `${received}`);
    // Upwards, without a length known ahead.
    const body = "x".repeat(300_000);
    const chunks = Array.from({ length: 5 }, () => `${body.length.toString(16)}\r\n${body}\r\n`).join("");
    const answer = await server.raw(
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${chunks}0\r\n\r\n`,
    );
    assert(answer.startsWith("HTTP/1.1 200 OK\r\n"), answer);
    assert(Number(gist(answer).split("|")[1]) >= 5 * body.length, answer);
  },
});

Deno.test({
  name: "proxy: a client that leaves takes its request with it",
  ignore,
  async fn() {
    using backend = Backend.scripted(async (next) => {
      await next();
      await next();
    });
    await using server = await start(`ProxyPass / http://127.0.0.1:${backend.port}/`);
    const client = await Connection.open(server.port);
    await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until("the request", () => backend.seen.length === 1);
    assertEquals(backend.ended, 0);
    client.close();
    await until("the backend to be told", () => backend.ended === 1);
  },
});

Deno.test({
  name: "proxy: Expect is the backend's to answer, and an early answer ends an upload",
  ignore,
  async fn() {
    using backend = Backend.scripted(async (_next, conn) => {
      const buffer = new Uint8Array(65_536);
      let text = "";
      while (!text.includes("\r\n\r\n")) {
        text += new TextDecoder().decode(buffer.subarray(0, await conn.read(buffer) ?? 0));
      }
      if (text.startsWith("POST /no")) {
        return await say(conn, "HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno");
      }
      if (/^expect: 100-continue/im.test(text)) await say(conn, "HTTP/1.1 100 Continue\r\n\r\n");
      while (!text.includes("\r\n\r\nabc")) {
        text += new TextDecoder().decode(buffer.subarray(0, await conn.read(buffer) ?? 0));
      }
      await say(conn, ok("thanks"));
    });
    await using server = await start(`ProxyPass / http://127.0.0.1:${backend.port}/`);
    const expecting = (path: string) =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`;
    const yes = await Connection.open(server.port);
    await yes.send(expecting("/yes"));
    assertEquals((await yes.response()).head, "HTTP/1.1 100 Continue\r\n\r\n");
    await yes.send("abc");
    assertEquals((await yes.response()).body, "thanks");
    yes.close();
    assertMatch(await server.raw(expecting("/no")), /^HTTP\/1\.1 403 No\r\n/);
    // Not expected, and far more than anybody wants: answered before it is all sent.
    const early = await Connection.open(server.port);
    await early.send(
      `POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n${"x".repeat(100_000)}`,
    );
    assertMatch((await early.response()).head, /^HTTP\/1\.1 403 No\r\n/);
    early.close();
  },
});
