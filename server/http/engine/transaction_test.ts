// Is a request over when it is over, and known for what it was? The engine on a fake transport: clients that take their time,
// byte counts, faults of the server's own, and clients that never finish a request.

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { FileSource } from "../../../mpm/mod.ts";
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

const file: FileSource = { fd: -1, readAt: () => 0, release: () => {} };

function fileReply(): Reply {
  const parts = [{ file, offset: 0, length: 1_000_000 }];
  return { status: 200, fields: [], body: { kind: "parts", parts, length: 1_000_000 } };
}

Deno.test("a response is over when its client has taken it; until then it has no slot, and the next request waits", () => {
  const client = connect(({ path }) => path === "/file" ? fileReply() : text("next"));
  client.transport.blocked = true;
  client.receive("GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
  const { transport, service } = client;
  assertEquals([transport.draining, transport.reading, transport.ended], [1, false, undefined]);
  assertEquals([service.count, service.over.length], [1, 0]);
  transport.blocked = false;
  client.drain();
  assertEquals([service.finishedStates, transport.ended, transport.reading], [["+"], "idle", true]);
  client.receive(GET);
  assertEquals([client.statuses, service.count, service.over.length], [[200, 200], 2, 2]);
});

Deno.test("a pipelined request behind a response that waits for its client keeps the slot, and is answered afterwards", () => {
  const client = connect(({ path }) => path === "/file" ? fileReply() : text("next"));
  client.transport.blocked = true;
  client.receive("GET /file HTTP/1.1\r\nHost: a\r\n\r\n" + GET);
  assertEquals([client.statuses, client.transport.draining], [[200], 0]);
  client.transport.blocked = false;
  client.drain();
  assertEquals([client.statuses, client.body, client.transport.ended], [[200, 200], "next", "idle"]);
});

Deno.test("a client that goes before it has taken its response: broken off, and what it did not take was not sent", () => {
  const client = connect(fileReply);
  client.transport.blocked = true;
  client.receive(GET);
  const head = client.transport.backlog - 1_000_000;
  client.transport.backlog = 400_000;
  client.connection.onGone();
  const [{ bytesSent, bytesWritten, connectionState }] = client.service.over;
  assertEquals([bytesSent, bytesWritten, connectionState], [1_000_000, head + 600_000, "X"]);
});

Deno.test("a client that pipelines and takes no responses is asked no more until it does", () => {
  let answered = 0;
  const client = connect(() => {
    answered++;
    return text("x".repeat(50_000));
  });
  client.transport.blocked = true;
  client.receive(GET.repeat(20));
  assert(answered < 10, `${answered} responses of 50 kB are queued`);
  assertEquals([client.transport.reading, client.transport.ended], [false, undefined]);
  client.transport.blocked = false;
  client.drain();
  assertEquals([answered, client.transport.ended, client.transport.reading], [20, "idle", true]);
});

Deno.test("bytes are counted as on the wire: head, body and framing, in one piece or in many", async () => {
  const post = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
  const requests = [GET, post, "\r\n" + GET, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"];
  const kinds: (() => Reply)[] = [
    () => text("hello"),
    () => streamed(["hello", " world"]),
    () => ({ status: 204, fields: [], body: { kind: "none" } }),
    () => ({ status: 200, fields: [], body: { kind: "bytes", bytes: new Uint8Array(100_000) } }),
  ];
  for (const kind of kinds) {
    for (const singly of [false, true]) {
      const client = connect(kind);
      const due: number[] = [];
      let sent = 0;
      for (const request of requests) {
        for (const part of singly ? request : [request]) client.receive(part);
        await settle();
        due.push(request.length, client.sent.length - sent);
        sent = client.sent.length;
      }
      const counted = client.service.over.flatMap((over) => [over.bytesReceived, over.bytesWritten]);
      assertEquals(counted, due);
    }
  }
  const pipelined = connect(() => text("hello"));
  pipelined.receive(requests.join(""));
  const { over } = pipelined.service;
  assertEquals(over.map(({ bytesReceived }) => bytesReceived), requests.map(({ length }) => length));
  assertEquals(over.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0), pipelined.sent.length);
});

Deno.test("an interim response counts, and so does what was no request", async () => {
  const service = new FakeService(async ({ body }) => text(await new Response(body!.stream()).text()));
  service.readsBody = true;
  const client = new TestConnection(service);
  client.receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  await settle();
  client.receive("a");
  await settle();
  assertEquals(client.statuses, [100, 200]);
  assertEquals(service.over[0].bytesWritten, client.sent.length);
  const wrong = connect(() => text("never"));
  wrong.receive("GET  / HTTP/1.1\r\n\r\n");
  assertEquals(wrong.statuses, [400]);
  const [{ bytesReceived, bytesWritten }] = wrong.service.over;
  assertEquals([bytesReceived, bytesWritten], [19, wrong.sent.length]);
});

/** A service that fails outside of its handler when it is told to. */
class FailingService extends FakeService {
  fails: "finished" | "handlerFailed" | "invalidField" | "streamFailed" | undefined = undefined;

  #failIf(what: FailingService["fails"]): void {
    if (this.fails === what) throw new Error(`${what} fails`);
  }
  override finished(exchange: Exchange): void {
    super.finished(exchange);
    this.#failIf("finished");
  }
  override handlerFailed(exchange: Exchange, error: unknown): Reply {
    this.#failIf("handlerFailed");
    return super.handlerFailed(exchange, error);
  }
  override invalidField(exchange: Exchange, error: Error): Reply {
    this.#failIf("invalidField");
    return super.invalidField(exchange, error);
  }
  override streamFailed(exchange: Exchange, error: unknown): void {
    this.#failIf("streamFailed");
    super.streamFailed(exchange, error);
  }
}

Deno.test("whatever fails in a callback of the engine is logged, and ends its connection", async () => {
  const cases: [FailingService["fails"], () => Promise<Reply>][] = [
    ["finished", () => Promise.resolve(text("x"))],
    ["finished", () => Promise.resolve(streamed(["a"]))],
    ["handlerFailed", () => Promise.reject(new Error("on purpose"))],
    ["invalidField", () => Promise.resolve({ ...text("x"), fields: [["A", "b\r\n"]] })],
    ["streamFailed", () => Promise.resolve(streamed(["abc"], 1))],
    [undefined, () => Promise.resolve(undefined as unknown as Reply)],
    [
      undefined,
      () => Promise.resolve({ status: 200, fields: [], body: { kind: "bytes" } } as unknown as Reply),
    ],
  ];
  for (const [fails, handler] of cases) {
    const service = new FailingService(handler);
    service.fails = fails;
    const client = new TestConnection(service);
    client.receive(GET);
    await settle();
    assertEquals([client.transport.ended, service.faults.length], ["break", 1], `${fails}`);
    assertEquals([service.over.length, service.staging.length], [1, 0], `${fails}`);
  }
});

Deno.test("a fault within a call leaves nothing of its response for the next client", () => {
  const service = new FailingService(() => text("secret"));
  service.fails = "finished";
  const client = new TestConnection(service);
  let fault: unknown;
  try {
    client.receive(GET);
  } catch (error) {
    // What the MPM does with it.
    fault = error;
    client.connection.reset();
  }
  assertMatch(String(fault), /finished fails/);
  service.fails = undefined;
  const next = new TestConnection(service);
  next.receive("GET /other HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals(next.statuses, [200]);
  assertEquals(service.over.length, 2);
});

Deno.test("a request line that does not come in time: closed without an answer, and logged if it was to be the first", () => {
  for (const served of [0, 1]) {
    const client = connect(() => text("x"));
    for (let i = 0; i < served; i++) client.receive(GET);
    const { sent } = client;
    client.receive("GET /half");
    client.connection.onTimeout();
    assertEquals([client.sent, client.transport.ended], [sent, "linger"]);
    const logged = client.service.over.slice(served).map(({ status, head, bytesWritten }) => [
      status,
      head.requestLine(),
      bytesWritten,
    ]);
    assertEquals(logged, served === 0 ? [[408, "", 0]] : []);
  }
});

Deno.test("fields that do not come in time get 408", () => {
  const client = connect(() => text("x"));
  client.receive("GET / HTTP/1.1\r\nHost: a\r\nX");
  client.connection.onTimeout();
  assertEquals([client.statuses, client.transport.ended], [[408], "linger"]);
});
