// Can a client make the server say something to a backend that it should not, or a backend something to another client?

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Backend, ok, say } from "./backend.ts";
import { Connection, TestServer } from "./harness.ts";

const ignore = Deno.build.os === "windows";

function start(config: string): Promise<TestServer> {
  return TestServer.start({
    config: `Listen 127.0.0.1:@PORT@\nServerName test.example\nErrorLog logs/error_log\n${config}`,
  });
}

Deno.test({
  name: "proxy: no request is hidden in another, and none goes where the configuration does not say",
  ignore,
  async fn() {
    using backend = Backend.answering(({ body }) => ok(`<${body}>`));
    using secret = Backend.answering(() => ok("secret"));
    await using server = await start(`
      RewriteEngine On
      RewriteRule ^/suffix(.*)$ http://127.0.0.1:${backend.port}$1 [P]
      RewriteRule ^/any/(.*)$ $1 [P]
      ProxyPass / http://127.0.0.1:${backend.port}/
    `);
    const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    const attacks: readonly (readonly [name: string, request: string])[] = [
      [
        "TE.CL",
        `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${
          smuggled.length.toString(16)
        }\r\n${smuggled}\r\n0\r\n\r\n`,
      ],
      [
        "CL.TE",
        `POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: ${
          5 + smuggled.length
        }\r\n\r\n0\r\n\r\n${smuggled.replace("/smuggled", "/second")}`,
      ],
      [
        "TE.TE",
        `POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${smuggled}`,
      ],
      [
        "a blank before the colon",
        `POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
      ],
      [
        "two lengths",
        `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
      ],
      ["a line end in the path", `GET /a%0d%0aX-Injected:%201%0d%0a HTTP/1.1\r\nHost: a\r\n\r\n`],
      ["a line end in a rule's path", `GET /suffix/a%0d%0aX-Injected:%201 HTTP/1.1\r\nHost: a\r\n\r\n`],
      ["a bare CR in a field", `GET /a HTTP/1.1\r\nHost: a\r\nX: 1\rX-Injected: 1\r\n\r\n`],
      [
        "fields of one hop that hide others",
        `GET /a HTTP/1.1\r\nHost: a\r\nConnection: close, X-Forwarded-For, Host\r\n\r\n`,
      ],
    ];
    for (const [name, request] of attacks) {
      await server.raw(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
      for (const { head } of backend.seen) {
        assert(!head.startsWith("GET /smuggled"), `${name}: ${head}`);
        assert(!/^x-injected/im.test(head), `${name}: ${head}`);
        assertMatch(head, /^Host: 127\.0\.0\.1:\d+\r\n/m, name);
        assertMatch(head, /^X-Forwarded-For: 127\.0\.0\.1\r\n/m, name);
        assertEquals(
          /^content-length/im.test(head) && /^transfer-encoding/im.test(head),
          false,
          `${name}: ${head}`,
        );
      }
    }
    // Where a rule leaves the host to the client, the client still does not choose another.
    for (
      const target of [
        `/suffix@127.0.0.1:${secret.port}/`,
        `/suffix.evil.example/`,
        `/any/unix:/var/run/x|http://a/`,
        `/suffix:${secret.port}/`,
      ]
    ) {
      const answer = await server.raw(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      assert(!answer.includes("secret"), `${target}: ${answer}`);
    }
    assertEquals(secret.connections, 0);
    // Not an open proxy.
    const absolute = await server.raw(
      `GET http://127.0.0.1:${secret.port}/ HTTP/1.1\r\nHost: 127.0.0.1:${secret.port}\r\nConnection: close\r\n\r\n`,
    );
    assert(!absolute.includes("secret"), absolute);
    const connect = await server.raw(
      `CONNECT 127.0.0.1:${secret.port} HTTP/1.1\r\nHost: 127.0.0.1:${secret.port}\r\n\r\n`,
    );
    assertMatch(connect, /^HTTP\/1\.1 (?:400|405) /);
    assertEquals(secret.connections, 0);
  },
});

Deno.test({
  name: "proxy: what a backend says behind its answer is nobody's answer",
  ignore,
  async fn() {
    using backend = Backend.scripted(async (next, conn) => {
      for (let request = await next(); request !== undefined; request = await next()) {
        await say(conn, ok("mine") + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nothers");
      }
    });
    await using server = await start(`ProxyPass / http://127.0.0.1:${backend.port}/`);
    const client = await Connection.open(server.port);
    for (let i = 0; i < 5; i++) {
      await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertEquals((await client.response()).body, "mine");
    }
    client.close();
    assertEquals(backend.connections, 5);
  },
});
