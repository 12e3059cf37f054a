// Does a connection that changes its protocol belong to its handler, and is it let go of at the end? Upgrades on a fake transport.

import type { Duplex } from "node:stream";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FakeService, settle, TestConnection, text } from "./test_support.ts";
import { NO_BODY, type Reply } from "./reply.ts";
// The engine loads it when it is needed; here it is to be there at once.
import "./tunnel.ts";

const UPGRADE = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: shout\r\n\r\n";

/** Says everything again in capitals. */
function shout(connection: Duplex): void {
  connection.on("data", (bytes) => connection.write(new TextDecoder().decode(bytes).toUpperCase()));
}

function connect(takeOver: (connection: Duplex) => void, later = false): TestConnection {
  const reply: Reply = { status: 101, fields: [["Upgrade", "shout"]], body: NO_BODY, takeOver };
  return new TestConnection(new FakeService(() => later ? Promise.resolve(reply) : reply));
}

for (const later of [false, true]) {
  Deno.test(`a handler that answers ${later ? "later" : "at once"} takes the connection over, with the input behind the request`, async () => {
    const client = connect(shout, later);
    client.receive(UPGRADE + "early");
    await settle();
    client.receive(" and late");
    await settle();
    assertStringIncludes(client.sent, "HTTP/1.1 101 Switching Protocols\r\n");
    assertStringIncludes(client.sent, "Upgrade: shout\r\nConnection: Upgrade\r\n\r\n");
    assert(!/content-length|keep-alive|connection: close/i.test(client.sent));
    assertEquals([client.body, client.transport.ended], ["EARLY AND LATE", undefined]);
    assertEquals(client.service.over.length, 0, "the request is not over");
    client.connection.onEnd();
    await settle();
    assertEquals([client.transport.ended, client.service.finishedStates], ["linger", ["-"]]);
    const [{ bytesReceived, bytesWritten, bytesSent }] = client.service.over;
    assertEquals([bytesReceived, bytesWritten, bytesSent], [UPGRADE.length + 14, client.sent.length, 0]);
  });
}

Deno.test("what a handler writes before it ends the connection arrives", async () => {
  const client = connect((connection) => connection.end("bye"));
  client.receive(UPGRADE);
  await settle();
  assertEquals([client.body, client.transport.ended, client.service.over.length], ["bye", "linger", 1]);
});

Deno.test("a handler that destroys the connection, at once or later, ends it", async () => {
  let connection: Duplex | undefined;
  for (const takeOver of [(taken: Duplex) => taken.destroy(), (taken: Duplex) => connection = taken]) {
    const client = connect(takeOver);
    client.receive(UPGRADE);
    await settle();
    connection?.destroy();
    await settle();
    assertEquals([client.transport.ended, client.service.over.length], ["linger", 1]);
  }
});

Deno.test("what is corked leaves together", async () => {
  let connection!: Duplex;
  const client = connect((taken) => connection = taken);
  client.receive(UPGRADE);
  await settle();
  const before = client.transport.writes;
  connection.cork();
  connection.write("head ");
  connection.write("and payload");
  connection.uncork();
  await settle();
  assertEquals([client.transport.writes - before, client.sent.endsWith("head and payload")], [1, true]);
});

Deno.test("a client that is gone: the stream is closed, without an error that somebody would have to catch", async () => {
  // Also before the handler has it.
  for (const early of [false, true]) {
    let closed = 0;
    const client = connect((connection) => connection.on("close", () => closed++));
    client.receive(UPGRADE);
    if (!early) await settle();
    client.connection.onGone();
    await settle();
    assertEquals([closed, client.service.finishedStates], [1, ["X"]]);
  }
});

Deno.test("writing waits for a client that does not read, and reading for a handler that does not", async () => {
  let connection!: Duplex;
  const client = connect((taken) => connection = taken);
  client.receive(UPGRADE);
  await settle();
  client.transport.blocked = true;
  let written = false;
  connection.write(new Uint8Array(100_000), () => written = true);
  await settle();
  assertEquals(written, false);
  client.transport.blocked = false;
  client.drain();
  await settle();
  assertEquals(written, true);
  client.receive("x".repeat(100_000));
  assertEquals(client.transport.reading, false);
  let length = 0;
  connection.on("data", (bytes) => length += bytes.length);
  await settle();
  assertEquals([length, client.transport.reading], [100_000, true]);
});

Deno.test("nobody is upgraded who has not asked: the handler has failed", async () => {
  for (
    const input of ["GET / HTTP/1.1\r\nHost: a\r\nUpgrade: shout\r\n\r\n", UPGRADE.replace("1.1", "1.0")]
  ) {
    let taken = false;
    const client = connect(() => taken = true);
    client.receive(input);
    await settle();
    assertEquals([client.statuses, taken], [[500], false]);
    assertEquals(client.service.failures.length, 1);
  }
});

Deno.test("a handler that fails while it takes over costs its connection", async () => {
  const client = connect(() => {
    throw new Error("on purpose");
  }, true);
  client.receive(UPGRADE);
  await settle();
  assertEquals([client.transport.ended, client.service.faults], ["break", ["Error: on purpose"]]);
});

Deno.test("a request that is not an upgrade goes on as ever on the next connection", async () => {
  const client = connect(shout);
  client.receive(UPGRADE);
  client.connection.onEnd();
  await settle();
  const plain = new TestConnection(new FakeService(() => text("plain")));
  plain.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals([plain.body, plain.transport.ended], ["plain", "idle"]);
});
