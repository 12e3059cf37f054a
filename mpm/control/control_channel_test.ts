// Is what comes over a control channel held to the protocol?

import { assert, assertEquals, assertRejects } from "@std/assert";
import { connectControl, ControlChannel, ControlServer, ProtocolBreach } from "./control_channel.ts";

/** Both ends of a connection; what is written to `raw` arrives at `channel`. */
async function pair(): Promise<{ raw: Deno.Conn; channel: ControlChannel }> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const [raw, accepted] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
    listener.accept(),
  ]);
  listener.close();
  return { raw, channel: new ControlChannel(accepted) };
}

async function readAll(channel: ControlChannel, longest?: number): Promise<unknown[]> {
  const messages: unknown[] = [];
  for await (const message of channel.messages(longest)) messages.push(message);
  return messages;
}

Deno.test("control channel: messages arrive however they are cut into pieces", async () => {
  const { raw, channel } = await pair();
  const reading = readAll(channel);
  for (const byte of new TextEncoder().encode('{"type":"a"}\n{"type":"ü","n":1}\n{"cut')) {
    await raw.write(Uint8Array.of(byte));
  }
  raw.close();
  assertEquals(await reading, [{ type: "a" }, { type: "ü", n: 1 }]);
  channel.close();
});

Deno.test("control channel: what is no message, or too long, is a breach", async () => {
  for (const text of ["}garbage{\n", "1\n", "null\n", "x".repeat(2000)]) {
    const { raw, channel } = await pair();
    const reading = assertRejects(() => readAll(channel, 1000), ProtocolBreach);
    await raw.write(new TextEncoder().encode(text));
    await reading;
    raw.close();
    channel.close();
  }
});

Deno.test("control channel: a token is good for one connection, and nobody gets far without one", async () => {
  const server = await ControlServer.open();
  const connected: ControlChannel[] = [];
  const address = server.expect((channel) => connected.push(channel));
  const isClosed = async (channel: ControlChannel) => (await channel.messages().next()).done === true;
  const stranger = await connectControl({ ...address, token: "guessed" });
  assert(await isClosed(stranger));
  const child = await connectControl(address);
  const second = await connectControl(address);
  assert(await isClosed(second));
  assertEquals(connected.length, 1);
  for (const channel of [stranger, child, second, ...connected]) channel.close();
  server.close();
});
