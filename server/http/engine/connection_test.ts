// Does a connection behave as RFC 9112 and httpd want, whatever handler and client do? The engine on a fake transport: order,
// persistence, timeouts, and how it ends.

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import type { Exchange } from "../../request/exchange.ts";
import type { Reply } from "./reply.ts";
import { FakeService, settle, streamed, TestConnection, text } from "./test_support.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

function connect(
  handler: (exchange: Exchange) => Reply | Promise<Reply>,
  settings: ConstructorParameters<typeof FakeService>[1] = {},
): TestConnection {
  return new TestConnection(new FakeService(handler, settings));
}

Deno.test("a request that is answered at once leaves the connection idle after a single write", () => {
  const client = connect(() => text("hello"));
  client.receive(GET);
  assertEquals([client.statuses, client.body], [[200], "hello"]);
  assertEquals([client.transport.writes, client.transport.ended, client.transport.served], [1, "idle", 1]);
  assert(!/^connection:/im.test(client.sent));
});

Deno.test("pipelined requests are answered in one write, in order", () => {
  const client = connect(({ path }) => text(path));
  client.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  assertMatch(client.sent, /\/1HTTP[^]*\/2$/);
  assertEquals([client.transport.writes, client.transport.ended], [1, "idle"]);
});

Deno.test("a pipelined request waits for the handler of the one before it", async () => {
  const first = Promise.withResolvers<Reply>();
  const asked: string[] = [];
  const client = connect(({ path }) => {
    asked.push(path);
    return path === "/1" ? first.promise : text("second");
  });
  client.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHo");
  client.receive("st: a\r\n\r\n");
  assertEquals([asked, client.sent, client.transport.reading], [["/1"], "", false]);
  first.resolve(text("first"));
  await settle();
  assertEquals(asked, ["/1", "/2"]);
  assertMatch(client.sent, /first[^]*second$/);
  assertEquals([client.transport.ended, client.transport.reading], ["idle", true]);
});

Deno.test("blank lines between requests belong to their connection and to no other", () => {
  const client = connect(() => text("x"));
  client.receive(GET + "\r");
  assertEquals(client.transport.ended, undefined);
  client.receive("\n" + GET);
  assertEquals([client.statuses, client.transport.ended], [[200, 200], "idle"]);
});

Deno.test("HEAD gets the length of the body that GET would get, and no body", () => {
  const client = connect(() => text("hello"));
  client.receive("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertStringIncludes(client.sent, "Content-Length: 5\r\n");
  assertEquals([client.body, client.transport.ended], ["", "idle"]);
});

Deno.test("HEAD: a stream is not read but told that nobody wants it", async () => {
  let cancelled = false;
  const client = connect(() => ({
    status: 200,
    fields: [],
    body: {
      kind: "stream",
      stream: new ReadableStream({ cancel: () => void (cancelled = true) }),
      length: undefined,
    },
  }));
  client.receive("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  await settle();
  assertEquals([cancelled, client.body, client.transport.ended], [true, "", "idle"]);
});

Deno.test("HTTP/1.0: closed unless asked for otherwise", () => {
  const closed = connect(() => text("x"));
  closed.receive("GET / HTTP/1.0\r\n\r\n");
  assertStringIncludes(closed.sent, "Connection: close\r\n");
  assertEquals(closed.transport.ended, "now", "such a client sends nothing more");
  const kept = connect(() => text("x"));
  kept.receive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  assertStringIncludes(kept.sent, "Keep-Alive: timeout=5, max=99\r\nConnection: Keep-Alive\r\n");
  assertEquals(kept.transport.ended, "idle");
});

Deno.test("Connection: close: believed, unless something followed already, or a body was sent", () => {
  const close = "Connection: close\r\n\r\n";
  const cases: [request: string, ended: string][] = [
    [`GET / HTTP/1.1\r\nHost: a\r\n${close}`, "now"],
    [`GET / HTTP/1.1\r\nHost: a\r\n${close}GET`, "linger"],
    [`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n${close}x`, "linger"],
  ];
  for (const [request, ended] of cases) {
    const client = connect(() => text("x"));
    client.receive(request);
    assertEquals([client.statuses, client.transport.ended], [[200], ended]);
  }
});

Deno.test("HTTP/1.0: a body of unknown length ends with the connection, keep-alive or not", async () => {
  const client = connect(() => streamed(["a", "b"]));
  client.receive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  await settle();
  assertEquals([client.body, client.transport.ended], ["ab", "linger"]);
  assertStringIncludes(client.sent, "Connection: close\r\n");
  assert(!client.sent.includes("Transfer-Encoding"));
});

Deno.test("MaxKeepAliveRequests: the last request of a connection is told so", () => {
  const client = connect(() => text("x"), { maxKeepAliveRequests: 2 });
  client.receive(GET + GET + GET);
  assertEquals(client.statuses, [200, 200]);
  assertStringIncludes(client.sent, "Connection: close\r\n");
  assertEquals(client.transport.ended, "linger");
});

Deno.test("a server that stops closes after the response", () => {
  const client = connect(() => text("x"));
  client.transport.stopping = true;
  client.receive(GET);
  assertStringIncludes(client.sent, "Connection: close\r\n");
  assertEquals(client.transport.ended, "linger");
});

Deno.test("a handler that throws, at once or later, gives 500 and an end", async () => {
  const handlers = [() => {
    throw new Error("at once");
  }, () => Promise.reject(new Error("later"))];
  for (const handler of handlers) {
    const client = connect(handler);
    client.receive(GET);
    await settle();
    assertEquals([client.statuses, client.transport.ended], [[500], "linger"]);
    assertEquals(client.service.failures.length, 1);
  }
});

Deno.test("a field that would end its line becomes a 500 without a trace of it", () => {
  const bad: Reply["fields"][] = [[["X-A", "b\r\nSet-Cookie: c=d"]], [["X-A\r\nB", "c"]], [["", "x"]], [[
    "X",
    "\0",
  ]]];
  for (const fields of bad) {
    const client = connect(() => ({ ...text("x"), fields }));
    client.receive(GET);
    assertEquals(client.statuses, [500]);
    assert(!client.sent.includes("Set-Cookie") && !client.sent.includes("X-A"));
  }
  const client = connect(() => ({ ...text("x"), contentType: "text/x\r\nX-A: b" }));
  client.receive(GET);
  assertEquals(client.statuses, [500]);
  assert(!client.sent.includes("X-A"));
});

Deno.test("a stream is chunked for HTTP/1.1, and the connection goes on", async () => {
  const client = connect(() => streamed(["hello", " world"]));
  client.receive(GET);
  await settle();
  assertStringIncludes(client.sent, "Transfer-Encoding: chunked\r\n");
  assert(client.sent.endsWith("b\r\nhello world\r\n0\r\n\r\n"));
  assertEquals(client.transport.ended, "idle");
});

Deno.test("a stream that is shorter than its Content-Length breaks the connection off", async () => {
  const client = connect(() => streamed(["hello"], 6));
  client.receive(GET);
  await settle();
  assertStringIncludes(client.sent, "Content-Length: 6\r\n");
  assertEquals(client.body, "hello");
  assertEquals([client.transport.ended, client.service.finishedStates], ["break", ["X"]]);
  assertEquals(client.service.failures.length, 1);
});

Deno.test("a stream that is longer than its Content-Length is cut there and told, and the connection goes on", async () => {
  for (const pieces of [["hello"], ["he", "ll", "o"], ["hell", "o"]]) {
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        const piece = pieces.shift();
        if (piece !== undefined) controller.enqueue(new TextEncoder().encode(piece));
      },
      cancel: () => void (cancelled = true),
    });
    const client = connect(() => ({ status: 200, fields: [], body: { kind: "stream", stream, length: 4 } }));
    client.receive(GET);
    await settle();
    assertStringIncludes(client.sent, "Content-Length: 4\r\n");
    assertEquals([client.body, client.transport.ended, cancelled], ["hell", "idle", true]);
    assertEquals(client.service.failures.length, 1);
  }
});

Deno.test("a stream that has given its Content-Length and never ends keeps nobody waiting", async () => {
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(4)),
  });
  const client = connect(() => ({ status: 200, fields: [], body: { kind: "stream", stream, length: 4 } }));
  client.receive(GET);
  await settle();
  assertEquals([client.transport.ended, client.service.failures], ["idle", []]);
});

Deno.test("what a stream gives in one turn leaves with the head in one send; what comes later, at once", async () => {
  let source: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      source = controller;
      for (let i = 0; i < 10; i++) controller.enqueue(new Uint8Array([65 + i]));
    },
  });
  const client = connect(() => ({
    status: 200,
    fields: [],
    body: { kind: "stream", stream, length: undefined },
  }));
  client.receive(GET);
  assertEquals(client.transport.writes, 0);
  await settle();
  assertEquals([client.transport.writes, client.body], [1, "a\r\nABCDEFGHIJ\r\n"]);
  source!.enqueue(new Uint8Array([75]));
  await settle();
  assertEquals([client.transport.writes, client.sent.endsWith("1\r\nK\r\n")], [2, true]);
  source!.close();
  await settle();
  assertEquals([client.transport.writes, client.sent.endsWith("K\r\n0\r\n\r\n")], [3, true]);
});

Deno.test("streams of many connections at the same time stay apart, whoever ends first", async () => {
  const service = new FakeService(({ path }) => {
    let left = 3;
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        for (let i = 0; i < path.length; i++) await undefined;
        if (left-- > 0) controller.enqueue(new TextEncoder().encode(path));
        else controller.close();
      },
    });
    return { status: 200, fields: [], body: { kind: "stream", stream, length: undefined } };
  });
  const paths = Array.from({ length: 40 }, (_, i) => `/${"x".repeat(i)}`);
  const clients = paths.map((path) => {
    const client = new TestConnection(service);
    client.receive(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\nGET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    return client;
  });
  for (let i = 0; i < 10; i++) await settle();
  for (const [i, { sent }] of clients.entries()) {
    // However the pieces came together: the chunks of each body, and their sizes.
    const bodies = sent.split(/HTTP.1\.1 200 [^]*?\r\n\r\n/).slice(1).map((body) => body.split("\r\n"));
    assertEquals(bodies.length, 2);
    for (const lines of bodies) {
      assertEquals(lines.filter((_, at) => at % 2 === 1).join(""), paths[i].repeat(3));
      assertEquals(lines.slice(-3), ["0", "", ""]);
    }
  }
});

Deno.test("bytes that were left behind cost the connection whose they are, and reach no other", () => {
  const service = new FakeService(() => text("hello"));
  const forgetful = new TestConnection(service);
  const other = new TestConnection(service);
  forgetful.connection.output.latin1("left behind");
  other.receive(GET);
  assertEquals([forgetful.sent, forgetful.transport.ended], ["", "break"]);
  assertEquals([other.statuses, other.body, other.transport.ended], [[200], "hello", "idle"]);
  assertEquals(service.faults.length, 1);
  // Also when nobody else comes: the thread looks before it goes on to something else.
  const late = new TestConnection(service);
  late.connection.output.latin1("left behind");
  service.staging.settle();
  assertEquals([late.sent, late.transport.ended, service.faults.length], ["", "break", 2]);
});

Deno.test("a stream that fails after the head ends without its last chunk", async () => {
  const client = connect(() => ({
    status: 200,
    fields: [],
    body: {
      kind: "stream",
      length: undefined,
      stream: new ReadableStream({ pull: (controller) => controller.error(new Error("broken")) }),
    },
  }));
  client.receive(GET);
  await settle();
  assertEquals([client.statuses, client.body, client.transport.ended], [[200], "", "break"]);
  assertEquals(client.service.failures, ["Error: broken"]);
});

Deno.test("a client that has finished sending still gets its answer, then the end", async () => {
  const reply = Promise.withResolvers<Reply>();
  let signal: AbortSignal | undefined;
  const client = connect((exchange) => {
    signal = exchange.signal;
    return reply.promise;
  });
  client.receive(GET);
  client.connection.onEnd();
  assertEquals(signal?.aborted, true);
  reply.resolve(text("late"));
  await settle();
  assertEquals([client.body, client.transport.ended], ["late", "now"]);
});

Deno.test("requests that were received before the client's end are all answered", async () => {
  const client = connect(({ path }) => Promise.resolve(text(path)));
  client.receive("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HT");
  client.connection.onEnd();
  await settle();
  assertEquals(client.statuses, [200, 200, 400]);
  assertEquals(client.transport.ended, "linger");
});

Deno.test("a client that is gone: the signal is aborted and nothing is written any more", async () => {
  const reply = Promise.withResolvers<Reply>();
  let exchange: Exchange | undefined;
  const client = connect((asked) => {
    exchange = asked;
    return reply.promise;
  });
  client.receive(GET);
  const { signal, completed } = exchange!;
  client.connection.onGone();
  assertEquals([signal.aborted, client.service.finishedStates], [true, ["X"]]);
  const other = connect(() => text("x"));
  client.connection.open(other.transport);
  reply.resolve(text("for nobody"));
  await settle();
  assertEquals([client.sent, other.sent], ["", ""]);
  assertEquals(await completed.then(() => "complete", () => "broken off"), "broken off");
});

Deno.test("a stream whose connection is given up writes to no other", async () => {
  let source: ReadableStreamDefaultController<Uint8Array>;
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => void (source = controller),
    cancel: () => void (cancelled = true),
  });
  const client = connect(() => ({
    status: 200,
    fields: [],
    body: { kind: "stream", stream, length: undefined },
  }));
  client.receive(GET);
  await settle();
  const { sent } = client;
  client.connection.reset();
  // The source is told at once, although it gave nothing.
  assertEquals(cancelled, true);
  assertThrows(() => source!.enqueue(new Uint8Array(3)), TypeError);
  await settle();
  assertEquals(client.sent, sent);
});

Deno.test("what was said of one request is not told of bytes that are none", () => {
  const client = connect(() => text("hello"));
  client.receive(`HEAD /${"a".repeat(500)} HTTP/1.1\r\nHost: a\r\n\r\n`);
  client.receive(" \r\n");
  assertEquals([client.statuses, client.body], [[200, 400], "protocol error ( )"]);
});
