// Do trailers and interim responses reach a client, over HTTP/1.1 and HTTP/2 alike, and nothing that would let one be taken for another?

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Exchange } from "../../request/exchange.ts";
import { ErrorCode } from "../h2/error.ts";
import { Flag, FrameType } from "../h2/frame.ts";
import { block, data, frame, request, TestHttp2 } from "../h2/test_support.ts";
import type { Fields, Reply } from "./reply.ts";
import { FakeService, settle, streamed, TestConnection, text } from "./test_support.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

function withTrailers(pieces: readonly string[], trailers: Fields, length?: number): Reply {
  return { ...streamed(pieces, length), trailers: () => trailers };
}

function sentBy(handler: (exchange: Exchange) => Reply | Promise<Reply>) {
  const service = new FakeService(handler);
  const [old, client] = [new TestConnection(service), new TestHttp2(service)];
  return { service, old, client };
}

async function settled(client: TestHttp2): Promise<void> {
  await settle();
  client.look();
}

Deno.test("trailers of a response: behind the last chunk, and in HEADERS that end the stream", async () => {
  const { service, old, client } = sentBy(() =>
    withTrailers(["ab", "c"], [["X-Sum", "3"], ["Content-Length", "9"]])
  );
  old.receive(GET);
  client.receive(request(1, "/"));
  await settled(client);
  assert(old.sent.endsWith("3\r\nabc\r\n0\r\nX-Sum: 3\r\n\r\n"), old.sent);
  assertEquals(client.body(1), "abc");
  const [head, trailers] = client.of(FrameType.Headers, 1);
  assertEquals([head.flags & Flag.EndStream, trailers.flags & Flag.EndStream], [0, Flag.EndStream]);
  assertEquals(trailers.fields, [["x-sum", "3"]]);
  assertEquals(client.of(FrameType.Data, 1).every(({ flags }) => (flags & Flag.EndStream) === 0), true);
  assertEquals(service.over.map(({ sentTrailers }) => sentTrailers), [[["X-Sum", "3"]], [["X-Sum", "3"]]]);
});

Deno.test("trailers of a response: behind no body, behind one that waits, and not where there is no place for them", async () => {
  const { old, client } = sentBy(({ head }) =>
    head.target === "/none"
      ? withTrailers([], [["x-sum", "0"]])
      : withTrailers(["x".repeat(70_000)], [["x-sum", "1"]], head.target === "/length" ? 70_000 : undefined)
  );
  client.receive(request(1, "/none"), request(3, "/long"), request(5, "/", { method: "HEAD" }));
  await settled(client);
  assertEquals(client.of(FrameType.Data, 1).length, 0);
  assertEquals(client.of(FrameType.Headers, 1).at(-1)?.fields, [["x-sum", "0"]]);
  assertEquals([client.ended(1), client.ended(3), client.of(FrameType.Headers, 5).length], [true, false, 1]);
  client.receive(
    frame(FrameType.WindowUpdate, 0, 3, [0, 1, 0, 0]),
    frame(FrameType.WindowUpdate, 0, 0, [0, 1, 0, 0]),
  );
  assertEquals([client.body(3).length, client.ended(3)], [70_000, true]);
  old.receive("GET /length HTTP/1.1\r\nHost: a\r\n\r\n");
  await settle();
  assert(old.sent.endsWith("xxx"));
});

Deno.test("trailers of a response that are none break it off, and nothing else", async () => {
  const { service, old, client } = sentBy(({ head }) =>
    head.target === "/good" ? text("good") : withTrailers(["abc"], [["X", "a\r\nX-Injected: 1"]])
  );
  old.receive(GET);
  client.receive(request(1, "/"));
  await settled(client);
  client.receive(request(3, "/good"));
  assertEquals([client.resetFor(1), client.body(3)], [ErrorCode.InternalError, "good"]);
  assertEquals([old.transport.ended, old.sent.includes("Injected")], ["break", false]);
  assertEquals(service.failures.length, 2);
});

Deno.test("trailers of a request are kept, apart from its fields", async () => {
  const seen: unknown[] = [];
  const { service, old, client } = sentBy(async ({ body }) => {
    await body!.whole();
    return text("ok");
  });
  service.readsBody = true;
  old.receive(
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n",
  );
  client.receive(
    request(1, "/", { method: "POST", ends: false }),
    data(1, "a"),
    frame(FrameType.Headers, Flag.EndHeaders | Flag.EndStream, 1, block([["x-sum", "1"], ["x-b", "2"]])),
  );
  await settled(client);
  for (const { trailers, head } of service.over) {
    seen.push(Object.fromEntries(trailers ?? []), head.get("x-sum"));
  }
  const both = (names: readonly string[]) => [{ [names[0]]: "1", [names[1]]: "2" }, undefined];
  assertEquals(seen, [...both(["X-Sum", "X-B"]), ...both(["x-sum", "x-b"])]);
});

Deno.test("interim responses: before the response, to who understands them", async () => {
  const links: Fields = [["Link", "</a.css>; rel=preload"]];
  const { service, old, client } = sentBy(async (exchange) => {
    exchange.interim!.sendInterim(exchange, 103, links);
    await Promise.resolve();
    exchange.interim!.sendInterim(exchange, 102, []);
    return text("ok");
  });
  old.receive(GET);
  client.receive(request(1, "/"));
  await settled(client);
  assertEquals(old.statuses, [103, 102, 200]);
  assertMatch(
    old.sent,
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 102 /,
  );
  const heads = client.of(FrameType.Headers, 1);
  assertEquals(heads.map(({ fields }) => fields[0][1]), ["103", "102", "200"]);
  assertEquals(heads[0].fields[1], ["link", "</a.css>; rel=preload"]);
  const earlier = new TestConnection(service);
  earlier.receive("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  await settle();
  assertEquals(earlier.statuses, [200]);
});

Deno.test("interim responses: not once the response has begun or the client is gone, and none that is wrong", async () => {
  const asked: Exchange[] = [];
  const { service, old, client } = sentBy((exchange) => {
    asked.push(exchange);
    return text("ok");
  });
  old.receive(GET);
  client.receive(request(1, "/"));
  for (const exchange of asked) exchange.interim!.sendInterim(exchange, 103, []);
  await settled(client);
  assertEquals([old.statuses, client.of(FrameType.Headers, 1).length], [[200], 1]);
  const wrong: [number, Fields][] = [[200, []], [101, []], [100, []], [103, [["X", "a\r\nb"]]]];
  const failing = sentBy((exchange) => {
    const [status, fields] = wrong[service.over.length + failing.service.failures.length - 2];
    exchange.interim!.sendInterim(exchange, status, fields);
    return text("sent");
  });
  failing.client.receive(...wrong.map((_, i) => request(2 * i + 1, "/")));
  assertEquals(wrong.map((_, i) => failing.client.status(2 * i + 1)), ["500", "500", "500", "500"]);
});
