// Are restarts carried out one after the other, and none forgotten?

import { assertEquals } from "@std/assert";
import { type RemoteAction, ServerSignals } from "./server_signals.ts";

/** Signals that a test sends, and restarts that end when the test says so. */
function scene() {
  let ask: (action: RemoteAction) => void = () => {};
  const signals = new ServerSignals([(carryOut) => {
    ask = carryOut;
    return () => {};
  }]);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  signals.deliverTo({
    stop: () => begun.push("stop"),
    stopGracefully: () => begun.push("graceful-stop"),
    restart(graceful) {
      begun.push(graceful ? "graceful" : "restart");
      return new Promise((resolve) => ends.push(resolve));
    },
  });
  return {
    ask: (action: RemoteAction) => ask(action),
    begun,
    /** The restart that is carried out ends. */
    async finish() {
      ends.shift()!();
      await new Promise((resolve) => setTimeout(resolve, 0));
    },
    [Symbol.dispose]: () => signals.end(),
  };
}

Deno.test("signals: restarts asked for during one are one more behind it, which is not graceful if one of them is not", async () => {
  using server = scene();
  server.ask("graceful");
  server.ask("graceful");
  server.ask("graceful");
  assertEquals(server.begun, ["graceful"]);
  await server.finish();
  assertEquals(server.begun, ["graceful", "graceful"]);
  server.ask("restart");
  server.ask("graceful");
  await server.finish();
  assertEquals(server.begun.slice(2), ["restart"]);
  await server.finish();
  assertEquals(server.begun.length, 3);
  server.ask("graceful");
  assertEquals(server.begun.length, 4);
  await server.finish();
});

Deno.test("signals: a stop does not wait for a restart", async () => {
  using server = scene();
  server.ask("graceful");
  server.ask("stop");
  assertEquals(server.begun, ["graceful", "stop"]);
  await server.finish();
});
