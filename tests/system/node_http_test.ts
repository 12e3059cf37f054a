// Do programs that listen with node:http run as they are? Requests, responses, upgrades and the server object; and the frameworks that are
// built on it, or on fetch, as npm has them.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Connection, freePort, inTime, TestServer, until } from "./harness.ts";

const ignore = Deno.build.os === "windows";

const PROGRAM = `
import http from "node:http";
import { createReadStream } from "node:fs";
const said = [];
const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, "http://a");
  if (pathname === "/facts") {
    response.setHeader("X-Two", ["1", "2"]);
    response.setHeader("x-case", "kept");
    response.writeHead(201, "Made Here", { "Content-Type": "application/json" });
    response.end(JSON.stringify({
      method: request.method,
      url: request.url,
      version: request.httpVersion,
      header: request.headers["x-asked"],
      client: request.socket.remoteAddress,
      address: server.address(),
      listening: server.listening,
      said,
      instance: request instanceof http.IncomingMessage && response instanceof http.ServerResponse,
    }));
  } else if (pathname === "/echo") {
    request.pipe(response);
  } else if (pathname === "/slowly") {
    response.write("one ");
    setTimeout(() => { response.write("two "); response.end("three"); }, 10);
  } else if (pathname === "/file") {
    createReadStream(import.meta.filename).pipe(response);
  } else if (pathname === "/events") {
    response.on("finish", () => said.push("finish")).on("close", () => said.push("close"));
    response.end("x", () => said.push("called back"));
  } else if (pathname === "/gone") {
    request.on("aborted", () => said.push("aborted"));
    response.on("close", () => said.push("closed " + response.writableEnded));
    said.push("asked");
  } else if (pathname === "/throws") {
    throw new Error("as it happens");
  } else if (pathname === "/hints") {
    response.writeEarlyHints({ link: ["</a.css>; rel=preload", "</b.js>; rel=preload"], "x-hint": "1" });
    response.writeProcessing();
    request.on("end", () => {
      response.setHeader("Trailer", "X-Sum");
      response.addTrailers({ "X-Sum": JSON.stringify(request.trailers) });
      response.end("all");
    }).resume();
  } else if (pathname === "/none") {
    response.statusCode = 204;
    response.end();
  } else {
    response.end("hello");
  }
});
server.on("upgrade", (request, socket, head) => {
  if (request.url === "/no") {
    socket.end("HTTP/1.1 403 Forbidden\\r\\nX-Why: not\\r\\nContent-Length: 2\\r\\n\\r\\nno");
    return;
  }
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: echo\\r\\nConnection: Upgrade\\r\\n\\r\\n");
  socket.on("data", (chunk) => socket.write(chunk));
  socket.on("end", () => socket.end());
});
server.listen(@PORT@, "127.0.0.1", () => said.push("listening"));
`;

Deno.test({ name: "node:http: a server's requests and responses", ignore }, async (t) => {
  await using server = await TestServer.start({
    args: ["-c", "ThreadsPerChild 1", "-c", "StartServers 1", "@ROOT@/main.mjs"],
    files: { "main.mjs": PROGRAM },
  });
  const ask = (path: string, init?: RequestInit) => fetch(server.url(path), init);
  const facts = async () => await (await ask("/facts?a=b", { headers: { "x-asked": "yes" } })).json();
  await t.step("what a handler sees and says", async () => {
    const response = await ask("/facts?a=b", { headers: { "x-asked": "yes" } });
    assertEquals(response.status, 201);
    assertEquals([response.headers.get("x-two"), response.headers.get("x-case")], ["1, 2", "kept"]);
    assertEquals(await response.json(), {
      method: "GET",
      url: "/facts?a=b",
      version: "1.1",
      header: "yes",
      client: "127.0.0.1",
      address: { address: "127.0.0.1", port: server.port, family: "IPv4" },
      listening: true,
      said: ["listening"],
      instance: true,
    });
  });
  await t.step("bodies in both directions", async () => {
    const body = "0123456789".repeat(50_000);
    assertEquals(await (await ask("/echo", { method: "POST", body })).text(), body);
    assertEquals(await (await ask("/slowly")).text(), "one two three");
    assertEquals(await (await ask("/file")).text(), await Deno.readTextFile(server.path("main.mjs")));
  });
  await t.step("HEAD and 204 have no body", async () => {
    const head = await server.raw("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assertMatch(head, /^HTTP\/1\.1 200 [^]*content-length: 5\r\n[^]*\r\n\r\n$/i);
    const none = await server.raw("GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assertMatch(none, /^HTTP\/1\.1 204 [^]*\r\n\r\n$/);
    const facts = await server.raw("HEAD /facts HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assertMatch(facts, /^HTTP\/1\.1 201 Made Here\r\n[^]*X-Two: 1\r\nX-Two: 2\r\n[^]*\r\n\r\n$/);
  });
  await t.step("interim responses, and trailers both ways", async () => {
    const seen = await server.raw(
      "POST /hints HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\na\r\n0\r\nX-Own: 1\r\n\r\n",
    );
    const [hints, processing, head, ...rest] = seen.split("\r\n\r\n");
    assertEquals(hints.split("\r\n"), [
      "HTTP/1.1 103 Early Hints",
      "Link: </a.css>; rel=preload, </b.js>; rel=preload",
      "x-hint: 1",
    ]);
    assertEquals(processing, "HTTP/1.1 102 Processing");
    assertMatch(head, /^HTTP\/1\.1 200 [^]*\r\nTrailer: X-Sum\r\n[^]*transfer-encoding: chunked/i);
    assertEquals(rest.join(), '3\r\nall\r\n0\r\nX-Sum: {"x-own":"1"},');
  });
  await t.step("a response tells its end", async () => {
    await (await ask("/events")).text();
    await until("its end", async () => (await facts()).said.length === 4);
    assertEquals((await facts()).said.slice(1).sort(), ["called back", "close", "finish"]);
  });
  await t.step("a client that goes away is told", async () => {
    const client = await Connection.open(server.port);
    await client.send("GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    await until("the request to arrive", async () => (await facts()).said.includes("asked"));
    client.close();
    await until("the end to be told", async () => (await facts()).said.includes("aborted"));
    assert((await facts()).said.includes("closed false"));
  });
  await t.step("a handler that throws gives 500", async () => {
    const response = await ask("/throws");
    await response.body?.cancel();
    assertEquals(response.status, 500);
    await until("the reason", () => server.stderr.includes("as it happens"));
  });
  await t.step("an upgrade, and one that is refused", async () => {
    const upgrade = (path: string) =>
      `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`;
    const client = await Connection.open(server.port);
    await client.send(upgrade("/yes"));
    assertMatch((await client.response()).head, /^HTTP\/1\.1 101 [^]*upgrade: echo/i);
    await client.send("to and fro");
    const buffer = new Uint8Array(100);
    const n = await inTime("the echo", client.conn.read(buffer));
    assertEquals(new TextDecoder().decode(buffer.subarray(0, n!)), "to and fro");
    client.close();
    assertMatch(await server.raw(upgrade("/no")), /^HTTP\/1\.1 403 [^]*x-why: not[^]*\r\n\r\nno$/i);
  });
});

/** Programs as their documentation has them, which say "hello" at /, { "a": 1 } at /json, and what they get at /echo. */
const FRAMEWORKS: readonly [name: string, specifier: string, program: string][] = [
  [
    "express",
    "npm:express@5",
    `import express from "express";
    const app = express();
    app.use(express.json());
    app.get("/", (request, response) => { response.send("hello"); });
    app.get("/json", (request, response) => { response.json({ a: 1 }); });
    app.post("/echo", (request, response) => { response.json(request.body); });
    app.listen(@PORT@);`,
  ],
  [
    "fastify",
    "npm:fastify@5",
    `import Fastify from "fastify";
    const app = Fastify();
    app.get("/", () => Promise.resolve("hello"));
    app.get("/json", () => Promise.resolve({ a: 1 }));
    app.post("/echo", (request) => Promise.resolve(request.body));
    app.listen({ port: @PORT@, host: "127.0.0.1" });`,
  ],
  [
    "koa",
    "npm:koa@3",
    `import Koa from "koa";
    const app = new Koa();
    app.use(async (context) => {
      if (context.method === "POST") {
        context.type = "json";
        context.body = context.req;
      } else context.body = context.path === "/json" ? { a: 1 } : "hello";
    });
    app.listen(@PORT@);`,
  ],
  [
    "hono",
    "npm:hono@4",
    `import { Hono } from "hono";
    const app = new Hono();
    app.get("/", (context) => context.text("hello"));
    app.get("/json", (context) => context.json({ a: 1 }));
    app.post("/echo", async (context) => context.json(await context.req.json()));
    Deno.serve({ port: @PORT@ }, app.fetch);`,
  ],
];

Deno.test({ name: "node:http: frameworks run as their documentation says", ignore }, async (t) => {
  for (const [name, specifier, program] of FRAMEWORKS) {
    await t.step(name, async () => {
      await using server = await TestServer.start({
        args: ["@ROOT@/main.mjs"],
        files: { "deno.json": JSON.stringify({ imports: { [name]: specifier } }), "main.mjs": program },
        port: freePort(),
      });
      assertEquals(await server.get("/"), "hello");
      const json = await fetch(server.url("/json"));
      assertMatch(json.headers.get("content-type") ?? "", /^application\/json/);
      assertEquals(await json.json(), { a: 1 });
      const echo = await fetch(server.url("/echo"), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"some":["thing"]}',
      });
      assertEquals(await echo.json(), { some: ["thing"] });
    });
  }
});
