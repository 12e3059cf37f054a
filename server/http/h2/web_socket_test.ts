// Does a stream become something else for who asks as RFC 8441 says, in both directions, and end with either side?

import { assertEquals } from "@std/assert";
import type { Duplex } from "node:stream";
import { FakeService, settle, text } from "../engine/test_support.ts";
import { ErrorCode } from "./error.ts";
import { Flag, FrameType, Setting } from "./frame.ts";
import { block, data, frame, numbered, TestHttp2 } from "./test_support.ts";

const FIELDS = [
  [":method", "CONNECT"],
  [":protocol", "websocket"],
  [":scheme", "https"],
  [":path", "/chat"],
  [":authority", "test.example"],
  ["sec-websocket-version", "13"],
] as const;
const connect = (stream: number, flags: number = Flag.EndHeaders) =>
  frame(FrameType.Headers, flags, stream, block(FIELDS));

/** A service that gives every stream away. */
function giving(taken: (connection: Duplex) => void) {
  const service = new FakeService(({ head }) => {
    if (head.upgrade === undefined) return text("no", 400);
    assertEquals([head.method, head.upgrade, head.target, head.get("connection")], [
      "GET",
      "websocket",
      "/chat",
      "Upgrade",
    ]);
    return {
      status: 101,
      fields: [["Upgrade", "websocket"], ["Sec-WebSocket-Accept", "x"], ["Sec-WebSocket-Protocol", "own"]],
      body: { kind: "none" },
      takeOver: taken,
    };
  });
  return service;
}

Deno.test("HTTP/2 WebSockets: offered where they are on, and given away with 200", async () => {
  const service = giving((connection) => connection.on("data", (bytes) => connection.write(`<${bytes}>`)));
  const client = new TestHttp2(service, { webSockets: true });
  const [{ payload }] = client.of(FrameType.Settings);
  assertEquals(payload.toHex().includes(`000${Setting.EnableConnectProtocol}00000001`), true);
  // What comes with the request waits for who takes it.
  client.receive(connect(1), data(1, "early"));
  await settle();
  client.receive(data(1, "late"));
  await settle();
  client.look();
  assertEquals(client.of(FrameType.Headers, 1)[0].fields.map(([name]) => name), [
    ":status",
    "date",
    "server",
    "sec-websocket-protocol",
  ]);
  assertEquals([client.status(1), client.body(1), client.ended(1)], ["200", "<early><late>", false]);
  // The client has said its last word.
  client.receive(data(1, "", true));
  await settle();
  client.look();
  assertEquals([client.ended(1), service.waiting, service.finishedStates], [true, 0, ["+"]]);
});

Deno.test("HTTP/2 WebSockets: the other side ends it, or the client gives up, or goes", async () => {
  const connections: Duplex[] = [];
  const client = new TestHttp2(giving((connection) => connections.push(connection)), { webSockets: true });
  client.receive(connect(1), connect(3), connect(5));
  await settle();
  connections[0].end("bye");
  client.receive(numbered(FrameType.RstStream, 3, ErrorCode.Cancel));
  await settle();
  client.look();
  assertEquals([client.body(1), client.ended(1), connections[1].destroyed], ["bye", true, true]);
  client.connection.onGone();
  await settle();
  assertEquals(connections.map(({ destroyed }) => destroyed), [true, true, true]);
  assertEquals([client.service.waiting, client.service.faults], [0, []]);
});

Deno.test("HTTP/2 WebSockets: windows hold for what is written, and a reader that is slow makes the client wait", async () => {
  let connection: Duplex | undefined;
  const service = giving((taken) => connection = taken);
  const client = new TestHttp2(service, { webSockets: true, windowSize: 200_000 }, [[4, 10]]);
  client.receive(connect(1));
  await settle();
  connection!.write("0123456789abcdef");
  client.look();
  assertEquals(client.body(1), "0123456789");
  client.receive(numbered(FrameType.WindowUpdate, 1, 100));
  assertEquals(client.body(1), "0123456789abcdef");
  // Nobody reads: what was sent beyond the stream's buffer is not given back.
  for (let i = 0; i < 12; i++) client.receive(data(1, "x".repeat(16_000)));
  await settle();
  client.look();
  const given = client.of(FrameType.WindowUpdate, 1).length;
  assertEquals(given, 0);
  connection!.resume();
  await settle();
  client.look();
  assertEquals(client.of(FrameType.WindowUpdate, 1).length, 1);
});

Deno.test("HTTP/2 WebSockets: who asks where they are off, or wrongly, is reset", () => {
  const off = new TestHttp2(giving(() => {}));
  off.receive(connect(1));
  assertEquals(off.resetFor(1), ErrorCode.ProtocolError);
  const on = new TestHttp2(giving(() => {}), { webSockets: true });
  on.receive(connect(1, Flag.EndHeaders | Flag.EndStream));
  const fields = FIELDS.map(([name, value]) => [name, name === ":method" ? "GET" : value] as const);
  on.receive(frame(FrameType.Headers, Flag.EndHeaders, 3, block(fields)));
  assertEquals([on.resetFor(1), on.resetFor(3)], [ErrorCode.ProtocolError, ErrorCode.ProtocolError]);
});

Deno.test("HTTP/2 WebSockets: before somebody takes the stream a client can send no more than its window", async () => {
  const service = new FakeService(() => new Promise(() => {}));
  const client = new TestHttp2(service, { webSockets: true, windowSize: 20_000 });
  client.receive(connect(1));
  for (let i = 0; i < 2; i++) client.receive(data(1, "x".repeat(9_900)));
  await settle();
  client.look();
  assertEquals(client.of(FrameType.WindowUpdate, 1), []);
  client.receive(data(1, "x".repeat(9_900)));
  assertEquals(client.resetFor(1), ErrorCode.FlowControlError);
});
