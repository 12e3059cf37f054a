// Does the body of a request reach its handler, at the handler's pace, and does the client learn what is wrong with it? The
// engine on a fake transport: 100 (Continue), limits, timeouts, slow handlers and slow clients.

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Exchange, RequestBody } from "../../request/exchange.ts";
import { BodyError } from "./request_body.ts";
import type { Reply } from "./reply.ts";
import { FakeService, settle, TestConnection, text } from "./test_support.ts";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

function post(length: number, more = ""): string {
  return `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n${more}\r\n`;
}

/** A connection whose handler reads the body itself. */
function connect(
  handler: (exchange: Exchange) => Reply | Promise<Reply>,
  settings: ConstructorParameters<typeof FakeService>[1] = {},
): TestConnection {
  const service = new FakeService(handler, settings);
  service.readsBody = true;
  return new TestConnection(service);
}

async function echo(exchange: Exchange): Promise<Reply> {
  return text(await new Response(exchange.body!.stream()).text());
}

Deno.test("a body reaches its handler in pieces, and the connection goes on", async () => {
  const client = connect(echo);
  client.receive(post(6) + "ab");
  await settle();
  client.receive("cd");
  client.receive("ef");
  await settle();
  assertEquals([client.statuses, client.body, client.transport.ended], [[200], "abcdef", "idle"]);
});

Deno.test("a handler that reads no body: it is read and dropped before the answer", () => {
  const client = new TestConnection(new FakeService(() => text("x")));
  client.receive(post(4) + "ab");
  assertEquals(client.sent, "");
  client.receive("cdGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals([client.statuses, client.transport.ended], [[200, 200], "idle"]);
});

Deno.test("100 (Continue) is sent when the handler begins to read, and once", async () => {
  const begin = Promise.withResolvers<void>();
  const client = connect(async (exchange) => {
    await begin.promise;
    return await echo(exchange);
  });
  client.receive(post(2, "Expect: 100-continue\r\n"));
  await settle();
  assertEquals(client.sent, "");
  begin.resolve();
  await settle();
  assertEquals(client.sent, CONTINUE);
  client.receive("a");
  await settle();
  client.receive("b");
  await settle();
  assertEquals([client.statuses, client.body, client.transport.ended], [[100, 200], "ab", "idle"]);
});

Deno.test("100 (Continue) is not sent when the answer comes first: the connection is closed instead", async () => {
  const quick = connect(() => text("no", 403));
  const late = connect(() => Promise.resolve(text("no", 403)));
  const bodiless = new TestConnection(new FakeService(() => text("no", 403)));
  const refused = connect(() => text("never"));
  refused.service.refusal = text("no", 403);
  for (const client of [quick, late, bodiless, refused]) {
    client.receive(post(2, "Expect: 100-continue\r\n"));
    await settle();
    assertEquals([client.statuses, client.transport.ended], [[403], "linger"]);
    assertStringIncludes(client.sent, "Connection: close\r\n");
  }
});

Deno.test("100 (Continue) is not sent to HTTP/1.0", async () => {
  const client = connect(echo);
  client.receive("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  await settle();
  client.receive("a");
  await settle();
  assertEquals([client.statuses, client.body], [[200], "a"]);
});

Deno.test("a body beyond LimitRequestBody gets 413 that the client can read, whoever reads the body", async () => {
  const discarding = new TestConnection(new FakeService(() => text("never")));
  for (const client of [connect(echo), discarding]) {
    client.service.limit = 5;
    client.receive(post(6) + "abc");
    await settle();
    assertEquals([client.statuses, client.transport.ended], [[413], "linger"]);
    assertStringIncludes(client.sent, "Connection: close\r\n");
  }
});

Deno.test("a chunked body that passes LimitRequestBody or is malformed breaks the handler's stream", async () => {
  for (const [chunks, status] of [["3\r\nabc\r\n3\r\n", 413], ["3\r\nabc\r\nx\r\n", 400]] as const) {
    let seen: unknown;
    const client = connect((exchange) =>
      echo(exchange).catch((error) => {
        seen = error;
        throw error;
      })
    );
    client.service.limit = 5;
    client.receive(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`);
    await settle();
    assert(seen instanceof BodyError);
    assertEquals([client.statuses, client.transport.ended], [[status], "linger"]);
  }
});

Deno.test("a handler's own answer to a malformed body is sent, and the connection is closed", async () => {
  const client = connect((exchange) => echo(exchange).catch(() => text("what?", 422)));
  client.receive("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n");
  await settle();
  assertEquals([client.statuses, client.body, client.transport.ended], [[422], "what?", "linger"]);
  assertStringIncludes(client.sent, "Connection: close\r\n");
});

Deno.test("an answer before the end of the body: the body breaks, what is left of it is dropped, and the connection goes on", async () => {
  let reading: Promise<unknown> | undefined;
  const client = connect((exchange) => {
    reading = new Response(exchange.body!.stream()).text();
    reading.catch(() => {});
    return text("enough");
  });
  client.receive(post(4) + "ab");
  await settle();
  assertEquals([client.body, client.transport.ended, client.service.over.length], ["enough", undefined, 0]);
  assert(!client.sent.includes("Connection: close"));
  await assertRejects(() => reading!, BodyError);
  client.receive("c");
  client.receive("d" + post(0));
  await settle();
  assertEquals([client.statuses, client.transport.ended], [[200, 200], "idle"]);
  assertEquals(client.service.over.map(({ bytesReceived }) => bytesReceived), [
    post(4).length + 4,
    post(0).length,
  ]);
});

Deno.test("the rest of a body behind its answer is bounded: too long, malformed, late or cut off, it ends the connection", async () => {
  const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
  const ends: ((client: TestConnection) => void)[] = [
    (client) => client.receive("9\r\n"),
    (client) => client.receive("x\r\n"),
    (client) => client.connection.onTimeout(),
    (client) => client.connection.onEnd(),
  ];
  for (const end of ends) {
    const client = connect(() => text("enough"));
    client.service.limit = 5;
    client.receive(chunked);
    await settle();
    assertEquals([client.statuses, client.transport.ended], [[200], undefined]);
    assert(client.transport.timer > 0);
    end(client);
    assertEquals([client.statuses, client.transport.ended, client.service.over.length], [[200], "linger", 1]);
  }
});

Deno.test("an answer to somebody who waits for 100 (Continue) closes: the body may come or not", async () => {
  const client = connect(() => text("enough"));
  client.receive(post(4, "Expect: 100-continue\r\n"));
  await settle();
  assertEquals([client.statuses, client.transport.ended], [[200], "linger"]);
  assertStringIncludes(client.sent, "Connection: close\r\n");
});

Deno.test("a body that is let go of after its request does not reach into the next one", async () => {
  let first: ReadableStream<Uint8Array> | undefined;
  const client = connect(({ body }) => {
    if (first !== undefined) return new Promise<Reply>(() => {});
    first = body!.stream();
    return text("first");
  });
  client.receive(post(2) + "ab");
  await settle();
  client.receive(post(2, "Expect: 100-continue\r\n"));
  await first!.cancel();
  await settle();
  assertEquals(client.statuses, [200]);
});

Deno.test("a body that its client does not finish gives 400", async () => {
  const discarding = new TestConnection(new FakeService(() => text("never")));
  for (const client of [connect(echo), discarding]) {
    client.receive(post(4) + "ab");
    client.connection.onEnd();
    await settle();
    assertEquals(client.statuses, [400]);
  }
});

Deno.test("a slow head or body gives 408; a connection without a request just ends", async () => {
  const silent = connect(echo);
  silent.receive("");
  silent.connection.onTimeout();
  assertEquals([silent.sent, silent.transport.ended !== undefined], ["", true]);
  const head = connect(echo);
  head.receive("GET / HTTP/1.1\r\nHost:");
  assert(head.transport.timer > 0 && head.transport.timer <= 20_000);
  assertEquals(head.transport.awaiting, 1);
  const discarding = new TestConnection(new FakeService(() => text("never")));
  const reading = connect(echo);
  for (const client of [discarding, reading]) {
    client.receive(post(4) + "ab");
    await settle();
    assert(client.transport.timer > 0 && client.transport.timer <= 20_000);
  }
  for (const client of [head, discarding, reading]) {
    client.connection.onTimeout();
    await settle();
    assertEquals([client.statuses, client.transport.ended], [[408], "linger"]);
  }
});

Deno.test("a handler that does not read makes the client wait, and no timer runs against it", async () => {
  const begin = Promise.withResolvers<void>();
  const client = connect(async (exchange) => {
    const reader = exchange.body!.stream().getReader();
    await begin.promise;
    let size = 0;
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      size += piece.value.length;
    }
    return text(String(size));
  });
  const piece = "a".repeat(100_000);
  client.receive(post(200_000));
  await settle();
  assert(client.transport.timer > 0);
  client.receive(piece);
  await settle();
  assertEquals([client.transport.reading, client.transport.timer], [false, 0]);
  const { now } = performance;
  // The handler takes an hour, and the client has its whole time after that.
  performance.now = () => now.call(performance) + 3_600_000;
  try {
    begin.resolve();
    await settle();
  } finally {
    performance.now = now;
  }
  assertEquals(client.transport.reading, true);
  assert(client.transport.timer > 10_000);
  client.receive(piece);
  await settle();
  assertEquals([client.body, client.transport.ended], ["200000", "idle"]);
});

Deno.test("a body that is asked for after its request has no hold on the connection", async () => {
  const bodies: RequestBody[] = [];
  const client = connect((exchange) => {
    bodies.push(exchange.body!);
    return bodies.length > 1 ? new Promise(() => {}) : text("x");
  });
  client.receive(post(2) + "a");
  await settle();
  assertEquals(client.statuses, [200]);
  const next = connect(() => text("never"));
  client.connection.open(next.transport);
  client.receive(post(2, "Expect: 100-continue\r\n"));
  assertEquals(bodies.length, 2);
  await assertRejects(() => new Response(bodies[0].stream()).text(), BodyError);
  assertEquals(next.sent, "");
});

Deno.test("a client that takes nothing of a stream is cut off after TimeOut, one that takes some is not", async () => {
  let cancelled = false;
  const client = connect((): Reply => ({
    status: 200,
    fields: [],
    body: {
      kind: "stream",
      length: undefined,
      stream: new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(200_000)),
        cancel: () => void (cancelled = true),
      }),
    },
  }), { timeout: 7000 });
  client.transport.blocked = true;
  client.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await settle();
  const { backlog } = client.transport;
  assert(backlog > 262_144);
  await settle();
  assertEquals([client.transport.backlog, client.transport.timer], [backlog, 7000]);
  client.transport.backlog -= 1;
  client.connection.onTimeout();
  await settle();
  assertEquals([cancelled, client.transport.ended], [false, undefined]);
  client.drain();
  await settle();
  assert(client.transport.backlog > 262_144);
  client.connection.onTimeout();
  await settle();
  assertEquals([cancelled, client.transport.ended, client.service.finishedStates], [true, "break", ["X"]]);
});
