// What does a client cost that means harm? Each way of making a server work for nothing has a bound, after which the connection ends.

import { assert, assertEquals } from "@std/assert";
import { FakeService, settle, text } from "../engine/test_support.ts";
import { ErrorCode } from "./error.ts";
import { Flag, FrameType, Setting } from "./frame.ts";
import { block, data, frame, numbered, preface, request, TestHttp2 } from "./test_support.ts";

const echo = () => new FakeService(({ head }) => text(`${head.method} ${head.target}`));

/** Sends what `attack` gives until the connection ends; no longer than `most` times. Returns how often. */
function timesUntilEnd(client: TestHttp2, most: number, attack: (time: number) => Uint8Array[]): number {
  let times = 0;
  while (client.transport.ended === undefined && times < most) client.receive(...attack(times++));
  return times;
}

/** The connection ended because of ENHANCE_YOUR_CALM. */
function assertCalmed(client: TestHttp2, what: string): void {
  assertEquals([client.goneFor, client.transport.ended], [ErrorCode.EnhanceYourCalm, "linger"], what);
}

const floods: readonly [string, (time: number) => Uint8Array[]][] = [
  ["SETTINGS", () => [frame(FrameType.Settings, 0, 0)]],
  ["PING", () => [frame(FrameType.Ping, 0, 0, new Array(8).fill(1))]],
  ["PRIORITY", (time) => [frame(FrameType.Priority, 0, 2 * time + 1, [0, 0, 0, 0, 1])]],
  ["PRIORITY_UPDATE", () => [frame(FrameType.PriorityUpdate, 0, 0, [0, 0, 0, 1, 0x75, 0x3d, 0x31])]],
  ["unknown frames", () => [frame(0x77, 0, 0)]],
  ["WINDOW_UPDATE of one byte", () => [numbered(FrameType.WindowUpdate, 0, 1)]],
  ["DATA of a stream that is over", () => [data(1, "")]],
  ["trailers that are none", () => [frame(FrameType.Headers, Flag.EndHeaders, 1, block([["a", "b"]]))]],
];

for (const [what, attack] of floods) {
  Deno.test(`HTTP/2 attacks: a flood of ${what} ends the connection`, () => {
    const client = new TestHttp2(echo());
    client.receive(request(1, "/"));
    const times = timesUntilEnd(client, 5000, attack);
    assert(times <= 1200, `${times} were taken`);
    if (what !== "trailers that are none") assertCalmed(client, what);
    assert(client.transport.sent.length < 60_000, "the answers grow");
  });
}

Deno.test("HTTP/2 attacks: empty DATA that never ends a body ends the connection", () => {
  const client = new TestHttp2(echo());
  client.receive(request(1, "/", { method: "POST", ends: false }));
  const times = timesUntilEnd(client, 5000, () => [data(1, "")]);
  assert(times <= 600, `${times} were taken`);
  assertCalmed(client, "empty DATA");
});

Deno.test("HTTP/2 attacks: rapid reset (CVE-2023-44487): requests that are given up at once are few", () => {
  let asked = 0;
  const service = new FakeService(() => {
    asked++;
    return new Promise(() => {});
  });
  const client = new TestHttp2(service);
  const times = timesUntilEnd(client, 10_000, (time) => [
    request(2 * time + 1, "/"),
    numbered(FrameType.RstStream, 2 * time + 1, ErrorCode.Cancel),
  ]);
  assert(times < 300, `${times} requests were taken`);
  assertCalmed(client, "rapid reset");
  // Work that goes on counts as a stream that is open, whatever the client has said.
  assertEquals(asked, 100);
  assertEquals(service.waiting, 0);
});

Deno.test("HTTP/2 attacks: MadeYouReset (CVE-2025-8671): requests that the server is made to reset are as few", () => {
  const overflow = (stream: number) => numbered(FrameType.WindowUpdate, stream, 2 ** 31 - 1);
  const ways: [string, (stream: number) => Uint8Array][] = [
    ["a window that overflows", overflow],
    ["a window that grows by nothing", (stream) => numbered(FrameType.WindowUpdate, stream, 0)],
    ["DATA behind the end", (stream) => data(stream, "x")],
    ["HEADERS behind the end", (stream) => request(stream, "/")],
    [
      "a stream that depends on itself",
      (stream) => frame(FrameType.Priority, 0, stream, [0, 0, stream >> 8, stream, 1]),
    ],
    ["PRIORITY of a wrong size", (stream) => frame(FrameType.Priority, 0, stream, [1])],
  ];
  for (const [what, way] of ways) {
    let asked = 0;
    const service = new FakeService(() => {
      asked++;
      return new Promise(() => {});
    });
    const client = new TestHttp2(service);
    const times = timesUntilEnd(client, 10_000, (time) => [request(2 * time + 1, "/"), way(2 * time + 1)]);
    assert(times < 300, `${what}: ${times} requests were taken`);
    assert(asked <= 100, `${what}: ${asked} handlers were asked`);
    assertCalmed(client, what);
  }
});

Deno.test("HTTP/2 attacks: more streams at once than were offered are refused", () => {
  const service = new FakeService(() => new Promise(() => {}));
  const client = new TestHttp2(service, { maxStreams: 10 });
  for (let i = 0; i < 15; i++) client.receive(request(2 * i + 1, "/"));
  assertEquals(service.waiting, 10);
  assertEquals(
    client.of(FrameType.RstStream).map(({ code }) => code),
    new Array(5).fill(ErrorCode.RefusedStream),
  );
});

Deno.test("HTTP/2 attacks: windows that overflow or grow by nothing cost the stream, or the connection", () => {
  const stuck = () =>
    new TestHttp2(new FakeService(() => text("x".repeat(100))), {}, [[Setting.InitialWindowSize, 0]]);
  const client = stuck();
  client.receive(request(1, "/"), request(3, "/"));
  client.receive(numbered(FrameType.WindowUpdate, 1, 2 ** 31 - 1), numbered(FrameType.WindowUpdate, 1, 1));
  assertEquals([client.ended(1), client.resetFor(1)], [false, ErrorCode.FlowControlError]);
  client.receive(numbered(FrameType.WindowUpdate, 3, 0));
  assertEquals(client.resetFor(3), ErrorCode.ProtocolError);
  const cases: [string, Uint8Array, number][] = [
    [
      "the connection's overflows",
      numbered(FrameType.WindowUpdate, 0, 2 ** 31 - 1),
      ErrorCode.FlowControlError,
    ],
    ["the connection's grows by nothing", numbered(FrameType.WindowUpdate, 0, 0), ErrorCode.ProtocolError],
    ["of a stream that is not open", numbered(FrameType.WindowUpdate, 9, 1), ErrorCode.ProtocolError],
    [
      "an initial one that is too large",
      frame(FrameType.Settings, 0, 0, [0, 4, 0x80, 0, 0, 0]),
      ErrorCode.FlowControlError,
    ],
  ];
  for (const [what, bytes, code] of cases) {
    const other = stuck();
    other.receive(request(1, "/"), bytes);
    assertEquals([other.goneFor, other.transport.ended], [code, "linger"], what);
  }
});

Deno.test("HTTP/2 attacks: a client that sends more than its windows is stopped", () => {
  const service = new FakeService(() => new Promise(() => {}));
  service.readsBody = true;
  const client = new TestHttp2(service, { windowSize: 20_000 });
  client.receive(request(1, "/", { method: "POST", ends: false }));
  for (let i = 0; i < 5; i++) client.receive(data(1, "x".repeat(16_000)));
  // Nobody has taken anything beyond what a handler may have waiting; more than the window is an error of the stream.
  assert(
    client.resetFor(1) === ErrorCode.FlowControlError || client.of(FrameType.WindowUpdate, 1).length > 0,
  );
  // Over all streams together the connection's window is what counts.
  const many = new TestHttp2(service, { windowSize: 1 << 20 });
  let streams = 0;
  while (many.transport.ended === undefined && streams < 100) {
    const stream = 2 * streams++ + 1;
    many.receive(request(stream, "/", { method: "POST", ends: false }), data(stream, "x".repeat(16_000)));
  }
  assert(service.faults.length === 0);
});

Deno.test("HTTP/2 attacks: a window that is opened byte by byte ends the connection, one in small steps does not", () => {
  const widen = (bytes: number) => {
    const client = new TestHttp2(new FakeService(() => text("x".repeat(1 << 20))), {}, [[
      Setting.InitialWindowSize,
      0,
    ]]);
    client.receive(request(1, "/"), numbered(FrameType.WindowUpdate, 0, 1 << 21));
    return [client, timesUntilEnd(client, 1500, () => [numbered(FrameType.WindowUpdate, 1, bytes)])] as const;
  };
  const [tiny, times] = widen(1);
  assert(times < 1200, `${times} were taken`);
  assertCalmed(tiny, "byte by byte");
  const [small] = widen(600);
  assertEquals([small.transport.ended, small.body(1).length], [undefined, 1500 * 600]);
});

Deno.test("HTTP/2 attacks: numbers of streams that may not be", () => {
  const cases: [string, Uint8Array[], number][] = [
    ["an even one", [request(2, "/")], ErrorCode.ProtocolError],
    ["a lower one", [request(5, "/"), request(3, "/")], ErrorCode.ProtocolError],
    ["DATA of one that is not open", [data(9, "x")], ErrorCode.ProtocolError],
    ["RST_STREAM of one that is not open", [numbered(FrameType.RstStream, 9, 0)], ErrorCode.ProtocolError],
  ];
  for (const [what, frames, code] of cases) {
    const client = new TestHttp2(echo());
    client.receive(...frames);
    assertEquals([client.goneFor, client.transport.ended], [code, "linger"], what);
  }
});

Deno.test("HTTP/2 attacks: a client that has used up its numbers is told to connect anew", () => {
  const client = new TestHttp2(echo());
  client.receive(request(2 ** 31 - 1, "/last"));
  assertEquals(client.body(2 ** 31 - 1), "GET /last");
  assertEquals(client.goneFor, ErrorCode.NoError);
});

Deno.test("HTTP/2 attacks: a request that is none costs its stream, and the table is as the client thinks", () => {
  const client = new TestHttp2(echo());
  // Upper case, remembered by the table as entry 62.
  const remembered = [0x40, 1, 0x58, 1, 0x79];
  client.receive(frame(FrameType.Headers, 5, 1, [...remembered, ...block([[":path", "/"]])]));
  assertEquals(client.resetFor(1), ErrorCode.ProtocolError);
  client.receive(request(3, "/still"));
  assertEquals(client.body(3), "GET /still");
  client.receive(frame(FrameType.Headers, 5, 5, [0xbe]));
  assertEquals(client.resetFor(5), ErrorCode.ProtocolError);
  client.receive(frame(FrameType.Headers, 5, 7, [0xbf]));
  assertEquals(client.goneFor, ErrorCode.CompressionError);
});

Deno.test("HTTP/2 attacks: what a handler still does for a client that has gone is nobody's stream", async () => {
  const answer = Promise.withResolvers<void>();
  const service = new FakeService(async () => {
    await answer.promise;
    return text("late");
  });
  const client = new TestHttp2(service);
  for (let i = 0; i < 50; i++) client.receive(request(2 * i + 1, "/"));
  client.connection.onGone();
  answer.resolve();
  await settle();
  assertEquals([service.waiting, service.finishedStates.length], [0, 50]);
  assertEquals(service.faults, []);
});

Deno.test("HTTP/2 attacks: bytes that are no preface, or come one by one, are told apart", () => {
  const client = new TestHttp2(echo());
  for (const byte of request(1, "/slow")) client.receive(Uint8Array.of(byte));
  assertEquals(client.body(1), "GET /slow");
  assertEquals(preface().length > 24, true);
});
