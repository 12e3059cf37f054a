// Does a connection of HTTP/2 answer what HTTP/1.1 would, at the pace of the client's windows, and end when it should?

import { assert, assertEquals } from "@std/assert";
import { FakeService, settle, streamed, text } from "../engine/test_support.ts";
import type { Reply } from "../engine/reply.ts";
import { ErrorCode } from "./error.ts";
import { Flag, FrameType, RECORD_DATA, Setting } from "./frame.ts";
import { block, data, frame, numbered, request, TestHttp2 } from "./test_support.ts";

const echo = () => new FakeService(({ head }) => text(`${head.method} ${head.target}`));

Deno.test("HTTP/2: several requests at once, each with its own answer", () => {
  const service = echo();
  const client = new TestHttp2(service);
  client.receive(request(1, "/a"), request(3, "/b"), request(5, "/c", { method: "HEAD" }));
  assertEquals([client.body(1), client.body(3), client.body(5)], ["GET /a", "GET /b", ""]);
  const [{ fields }] = client.of(FrameType.Headers, 1);
  assertEquals(fields.map(([name]) => name), [":status", "date", "server", "content-length", "content-type"]);
  assert(client.ended(1) && client.ended(3) && client.ended(5));
  assertEquals(service.over.length, 3);
  assertEquals(client.transport.awaiting > 0, true);
  assertEquals(service.finishedStates, ["+", "+", "+"]);
});

Deno.test("HTTP/2: H2Padding makes frames longer, and windows count it", () => {
  const service = new FakeService(({ head }) => text("x".repeat(Number(head.target.slice(1)))));
  const client = new TestHttp2(service, { padding: 8 }, [[Setting.InitialWindowSize, 40_000]]);
  client.receive(request(1, "/50000"), request(3, "/0"), request(5, "/9"));
  const sent = client.of(FrameType.Data, 1);
  assert(sent.every(({ flags }) => (flags & Flag.Padded) !== 0));
  const before = client.body(1).length;
  assert(before < 40_000 && before > 40_000 - 1000, `${before} bytes of 40,000 are content`);
  assertEquals([client.body(5), client.ended(3), client.ended(1)], ["x".repeat(9), true, false]);
  client.receive(numbered(FrameType.WindowUpdate, 1, 20_000), numbered(FrameType.WindowUpdate, 0, 20_000));
  assertEquals([client.body(1).length, client.ended(1)], [50_000, true]);
  assert(client.of(FrameType.Headers).every(({ flags }) => (flags & Flag.Padded) !== 0));
});

Deno.test("HTTP/2: what is about a connection of HTTP/1.1 is left out, and 304 has no body", () => {
  const replies: Record<string, Reply> = {
    "/fields": { ...text("x"), fields: [["Connection", "close"], ["Keep-Alive", "1"], ["X-Own", " v "]] },
    "/304": { status: 304, fields: [["ETag", '"a"']], body: { kind: "none" } },
    "/bad": { ...text("x"), fields: [["X", "a\r\nb"]] },
  };
  const client = new TestHttp2(new FakeService(({ head }) => replies[head.target]));
  client.receive(request(1, "/fields"), request(3, "/304"), request(5, "/bad"));
  assertEquals(client.of(FrameType.Headers, 1)[0].fields.map(([name]) => name), [
    ":status",
    "date",
    "server",
    "x-own",
    "content-length",
    "content-type",
  ]);
  assertEquals([client.status(3), client.ended(3), client.body(3)], ["304", true, ""]);
  assertEquals(client.of(FrameType.Headers, 3)[0].fields.some(([name]) => name === "content-length"), false);
  assertEquals(client.status(5), "500");
});

Deno.test("HTTP/2: a body goes out as the windows of stream and connection allow", () => {
  const content = "0123456789".repeat(10_000);
  const client = new TestHttp2(new FakeService(() => text(content)));
  client.receive(request(1, "/"));
  assertEquals(client.body(1).length, 65_535);
  client.receive(numbered(FrameType.WindowUpdate, 1, 100_000));
  assertEquals(client.body(1).length, 65_535);
  client.receive(numbered(FrameType.WindowUpdate, 0, 10));
  assertEquals(client.body(1).length, 65_545);
  client.receive(request(3, "/"), numbered(FrameType.WindowUpdate, 0, 100_000));
  assertEquals(client.body(1) === content && client.ended(1), true);
  assertEquals(client.ended(3), false);
  assertEquals(client.body(3).length, 65_535);
  client.receive(numbered(FrameType.WindowUpdate, 0, 200_000), numbered(FrameType.WindowUpdate, 3, 200_000));
  assertEquals(client.body(3) === content && client.ended(3), true);
});

Deno.test("HTTP/2: SETTINGS_INITIAL_WINDOW_SIZE moves the windows of open streams, below zero too", () => {
  const client = new TestHttp2(new FakeService(() => text("x".repeat(1000))), {}, [[
    Setting.InitialWindowSize,
    100,
  ]]);
  const setWindow = (size: number) => frame(FrameType.Settings, 0, 0, [0, 4, 0, 0, size >> 8, size]);
  client.receive(request(1, "/"));
  assertEquals(client.body(1).length, 100);
  client.receive(setWindow(50), numbered(FrameType.WindowUpdate, 1, 40));
  assertEquals(client.body(1).length, 100);
  client.receive(numbered(FrameType.WindowUpdate, 1, 30));
  assertEquals(client.body(1).length, 120);
  client.receive(setWindow(2000));
  assertEquals([client.body(1).length, client.ended(1)], [1000, true]);
});

Deno.test("HTTP/2: a slow network holds back frames, and what waits goes out later", () => {
  const client = new TestHttp2(new FakeService(() => text("x".repeat(60_000))), {}, [[4, 1 << 20]]);
  client.receive(numbered(FrameType.WindowUpdate, 0, 1 << 24));
  client.transport.blocked = true;
  for (let i = 0; i < 20; i++) client.receive(request(1 + 2 * i, "/"));
  const before = client.transport.sent.length;
  assert(before < 600_000, `${before} bytes were made for a client that takes none`);
  client.transport.blocked = false;
  client.transport.backlog = 0;
  client.connection.onDrained();
  client.look();
  for (let i = 0; i < 20; i++) assertEquals(client.body(1 + 2 * i).length, 60_000);
});

Deno.test("HTTP/2: bodies of requests, whole and in pieces, with trailers, for who wants them and who does not", async () => {
  const service = new FakeService(async ({ body }) => text(new TextDecoder().decode(await body!.whole())));
  service.readsBody = true;
  const client = new TestHttp2(service);
  client.receive(request(1, "/", { method: "POST", ends: false, fields: [["content-length", "6"]] }));
  client.receive(data(1, "abc"), request(3, "/", { method: "POST", ends: false }), data(3, "xyz"));
  client.receive(data(1, "def", true));
  client.receive(frame(FrameType.Headers, Flag.EndHeaders | Flag.EndStream, 3, block([["x-trailer", "1"]])));
  await settle();
  client.look();
  assertEquals([client.body(1), client.body(3)], ["abcdef", "xyz"]);
  const unread = new TestHttp2(echo());
  unread.receive(request(1, "/", { method: "POST", ends: false }), data(1, "abc"));
  assertEquals(unread.status(1), undefined);
  unread.receive(data(1, "abc", true));
  assertEquals(unread.body(1), "POST /");
});

Deno.test("HTTP/2: who sends more or less than its Content-Length, or than is allowed, is refused", async () => {
  const service = new FakeService(async ({ body }) => text(String((await body!.whole()).length)));
  service.readsBody = true;
  service.limit = 10;
  const client = new TestHttp2(service);
  const post = (stream: number, length?: string) =>
    request(stream, "/", {
      method: "POST",
      ends: false,
      fields: length === undefined ? [] : [["content-length", length]],
    });
  client.receive(post(1, "3"), data(1, "abcd"), post(3, "3"), data(3, "ab", true));
  assertEquals([client.resetFor(1), client.resetFor(3)], [ErrorCode.ProtocolError, ErrorCode.ProtocolError]);
  client.receive(post(5, "11"), post(7), data(7, "0123456789a"));
  await settle();
  client.look();
  assertEquals([client.status(5), client.status(7)], ["413", "413"]);
  // The rest is of no interest: the client may stop.
  assertEquals([client.resetFor(5), client.resetFor(7)], [ErrorCode.NoError, ErrorCode.NoError]);
});

Deno.test("HTTP/2: a client has to wait for a handler that takes nothing, and goes on when it does", async () => {
  const taken = Promise.withResolvers<void>();
  const service = new FakeService(async ({ body }) => {
    const stream = body!.stream();
    await taken.promise;
    let size = 0;
    for await (const piece of stream) size += piece.length;
    return text(String(size));
  });
  service.readsBody = true;
  const client = new TestHttp2(service, { windowSize: 80_000 });
  client.receive(request(1, "/", { method: "POST", ends: false }));
  for (let sent = 0; sent < 80_000; sent += 10_000) client.receive(data(1, "x".repeat(10_000)));
  await settle();
  client.look();
  const given = () =>
    client.of(FrameType.WindowUpdate, 1).reduce(
      (sum, { payload }) => sum + (payload[2] << 8 | payload[3] | payload[1] << 16),
      0,
    );
  const before = given();
  assert(before < 80_000, `${before} bytes were given back that nobody has taken`);
  taken.resolve();
  await settle();
  client.look();
  assert(given() > before);
  client.receive(data(1, "x".repeat(10_000)), data(1, "x".repeat(10_000), true));
  await settle();
  client.look();
  assertEquals(client.body(1), "100000");
});

Deno.test("HTTP/2: 100 (Continue) for who asks, when somebody reads", async () => {
  const service = new FakeService(async ({ body }) => text(String((await body!.whole()).length)));
  service.readsBody = true;
  const client = new TestHttp2(service);
  client.receive(request(1, "/", { method: "POST", ends: false, fields: [["expect", "100-continue"]] }));
  await settle();
  client.look();
  assertEquals(client.of(FrameType.Headers, 1)[0].fields, [[":status", "100"]]);
  client.receive(data(1, "abc", true));
  await settle();
  client.look();
  assertEquals(client.body(1), "3");
});

Deno.test("HTTP/2: streams of handlers, with and without length; one that fails breaks its stream off", async () => {
  const failing = (): Reply => ({
    status: 200,
    fields: [],
    body: {
      kind: "stream",
      length: undefined,
      stream: new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode("begun"));
          setTimeout(() => controller.error(new Error("no more")), 0);
        },
      }),
    },
  });
  const service = new FakeService(({ head }) =>
    head.target === "/fails" ? failing() : streamed(["abc", "def"], head.target === "/sized" ? 6 : undefined)
  );
  const client = new TestHttp2(service);
  client.receive(request(1, "/"), request(3, "/sized"), request(5, "/fails"));
  await settle();
  client.look();
  assertEquals([client.body(1), client.body(3), client.body(5)], ["abcdef", "abcdef", "begun"]);
  assertEquals([client.ended(1), client.ended(3), client.ended(5)], [true, true, false]);
  assertEquals(client.resetFor(5), ErrorCode.InternalError);
  assertEquals(service.waiting, 0);
  assertEquals(service.over.map(({ bytesSent }) => bytesSent), [6, 6, 5]);
});

Deno.test("HTTP/2: a client that gives up is told to the handler, and the log", async () => {
  let signal: AbortSignal | undefined;
  const service = new FakeService((exchange) => {
    signal = exchange.signal;
    return new Promise(() => {});
  });
  const client = new TestHttp2(service);
  client.receive(request(1, "/"));
  assertEquals([service.waiting, signal?.aborted], [1, false]);
  client.receive(numbered(FrameType.RstStream, 1, ErrorCode.Cancel));
  await settle();
  assertEquals([service.waiting, signal?.aborted, service.finishedStates], [0, true, ["X"]]);
  assertEquals(client.transport.ended, undefined);
});

Deno.test("HTTP/2: a client that takes nothing of what waits is given up, stream by stream", async () => {
  const service = new FakeService(() => text("x".repeat(1000)), { timeout: 1 });
  const client = new TestHttp2(service, {}, [[Setting.InitialWindowSize, 10]]);
  client.receive(request(1, "/"));
  assertEquals(client.body(1).length, 10);
  while (client.resetFor(1) === undefined) {
    await settle();
    client.connection.onTimeout();
    client.look();
  }
  assertEquals([client.resetFor(1), service.finishedStates], [ErrorCode.Cancel, ["X"]]);
});

Deno.test("HTTP/2: a client that does not send the body it announced gets 408", async () => {
  const body = { initial: 1, max: 0, minRate: 0 };
  const service = new FakeService(() => text("never"), { bodyTimeout: body });
  const client = new TestHttp2(service);
  client.receive(request(1, "/", { method: "POST", ends: false }));
  while (client.status(1) === undefined) {
    await settle();
    client.connection.onTimeout();
    client.look();
  }
  assertEquals([client.status(1), client.resetFor(1)], ["408", ErrorCode.NoError]);
});

Deno.test("HTTP/2: an idle connection is closed with GOAWAY, and keeps nothing from being sent", () => {
  const client = new TestHttp2(echo());
  client.receive(request(1, "/"));
  assertEquals(client.transport.timer, 5000);
  client.connection.onTimeout();
  client.look();
  assertEquals([client.goneFor, client.transport.ended], [ErrorCode.NoError, "linger"]);
});

Deno.test("HTTP/2: when the thread ends, what is on its way is still answered", () => {
  const client = new TestHttp2(echo());
  client.receive(request(1, "/a"));
  client.connection.onStopping();
  client.connection.onStopping();
  client.look();
  const [goAway] = client.of(FrameType.GoAway);
  assertEquals([client.of(FrameType.GoAway).length, goAway.payload.slice(0, 4).toHex()], [1, "7fffffff"]);
  // It had not heard of that.
  client.receive(request(3, "/b"));
  assertEquals(client.body(3), "GET /b");
  const [ping] = client.of(FrameType.Ping);
  client.receive(frame(FrameType.Ping, Flag.Ack, 0, ping.payload));
  assertEquals(client.of(FrameType.GoAway)[1].payload.slice(0, 4).toHex(), "00000003");
  assertEquals(client.transport.ended, "linger");
});

Deno.test("HTTP/2: a client with a smaller table is told that none is used; large heads are continued", () => {
  const long: Reply = {
    ...text("x"),
    fields: Array.from({ length: 5 }, (_, i) => [`X-${i}`, "v".repeat(7000)]),
  };
  const client = new TestHttp2(new FakeService(() => long), {}, [[Setting.HeaderTableSize, 0]]);
  client.receive(request(1, "/"));
  assertEquals(client.of(FrameType.Headers, 1)[0].payload[0], 0x20);
  const rest = client.of(FrameType.Continuation, 1);
  assertEquals(rest.length, 2);
  assertEquals(rest[1].fields.filter(([name]) => name.startsWith("x-")).length, 5);
});

Deno.test("HTTP/2: the most urgent goes first, equals one behind the other, or in turn if the client wants that", () => {
  const client = new TestHttp2(new FakeService(() => text("x".repeat(40_000))), {}, [[
    Setting.InitialWindowSize,
    1 << 20,
  ]]);
  // The window of the connection is used up first.
  client.receive(request(1, "/"), request(3, "/"));
  assertEquals([client.ended(1), client.body(3).length], [true, 25_535]);
  const wants = (priority: string) => ({ fields: [["priority", priority]] as const });
  client.receive(
    request(5, "/", wants("u=5")),
    request(7, "/", wants("u=1, i")),
    request(9, "/", wants("i, u=1")),
  );
  client.receive(numbered(FrameType.WindowUpdate, 0, 60_000));
  const lengths = () => [3, 5, 7, 9].map((stream) => client.body(stream).length);
  // Two that share come before all, frame by frame.
  assertEquals(lengths(), [25_535, 0, 2 * RECORD_DATA, 60_000 - 2 * RECORD_DATA]);
  client.receive(numbered(FrameType.WindowUpdate, 0, 20_000));
  assertEquals(lengths(), [25_535, 0, 40_000, 40_000]);
  // The last becomes the first.
  const update = [0, 0, 0, 5, ...new TextEncoder().encode("u=0")];
  client.receive(frame(FrameType.PriorityUpdate, 0, 0, update), numbered(FrameType.WindowUpdate, 0, 40_000));
  assertEquals(lengths(), [25_535, 40_000, 40_000, 40_000]);
  client.receive(numbered(FrameType.WindowUpdate, 0, 40_000));
  assertEquals(lengths(), [40_000, 40_000, 40_000, 40_000]);
});

Deno.test("HTTP/2: a connection that comes when the thread is ending is told so at once; one that sends no more is answered", async () => {
  let signal: AbortSignal | undefined;
  const answer = Promise.withResolvers<void>();
  const service = new FakeService(async (exchange) => {
    signal = exchange.signal;
    await answer.promise;
    return text("still");
  });
  const client = new TestHttp2(service);
  client.transport.stopping = true;
  client.receive(request(1, "/"));
  assertEquals(client.of(FrameType.GoAway).map(({ payload }) => payload.slice(0, 4).toHex()), ["7fffffff"]);
  client.connection.onEnd();
  assertEquals([signal?.aborted, client.transport.ended], [true, undefined]);
  answer.resolve();
  await settle();
  client.look();
  assertEquals([client.body(1), client.transport.ended], ["still", "linger"]);
});

Deno.test("HTTP/2: a file that has become shorter breaks its stream off, and nothing follows", () => {
  let released = 0;
  const file = {
    fd: -1,
    readAt: (_: Uint8Array, length: number, offset: number) =>
      offset < 20_000 ? Math.min(length, 20_000 - offset) : 0,
    release: () => void released++,
  };
  const parts = [{ file, offset: 0, length: 40_000 }];
  const service = new FakeService(() => ({
    status: 200,
    fields: [],
    body: { kind: "parts", parts, length: 40_000 },
  }));
  const client = new TestHttp2(service);
  client.receive(request(1, "/"));
  assertEquals([client.body(1).length < 40_000, client.ended(1), client.resetFor(1)], [
    true,
    false,
    ErrorCode.InternalError,
  ]);
  assertEquals([released, client.frames.at(-1)!.type, service.finishedStates], [1, FrameType.RstStream, [
    "X",
  ]]);
});

Deno.test("HTTP/2: a client that has closed gets what its windows take, and is not waited for", () => {
  const service = new FakeService(({ head }) => text("x".repeat(Number(head.target.slice(1)))));
  const client = new TestHttp2(service, {}, [[Setting.InitialWindowSize, 1000]]);
  client.receive(request(1, "/5000"), request(3, "/10"));
  assertEquals([client.ended(1), client.ended(3), client.transport.ended], [false, true, undefined]);
  client.connection.onEnd();
  client.look();
  assertEquals([client.body(1).length, client.transport.ended], [1000, "break"]);
  assertEquals(service.finishedStates, ["+", "X"]);
});
