import { assert, assertEquals } from "@std/assert";
import { Doorbell, someoneWaits } from "../../platform/doorbell.ts";
import { openPoller } from "../../platform/poller.ts";
import * as posix from "../../platform/posix.ts";
import { listen } from "../../platform/sockets.ts";
import { AcceptWatch } from "./accept_watch.ts";
import { bindTcp } from "../listening/listening_socket.ts";

Deno.test({
  name: "of two that wait for a socket one is woken; when it takes nothing the other is, and only then",
  ignore: Deno.build.os !== "linux", // elsewhere the kernel wakes both
}, async () => {
  posix.openLibc();
  const socket = bindTcp({ host: "127.0.0.1", port: 0, protocol: "http" }, false);
  listen(socket, 16);
  const bell = Doorbell.create()!;
  const poller = openPoller();
  const watches = [0, 1].map(() => new AcceptWatch(poller, poller.create(), [socket], bell.fd));
  for (const watch of watches) watch.begin();
  const { port } = posix.localAddress(socket);
  const wait = () => watches.map((watch) => poller.waitOffThread(watch.set, 20_000).then(() => watch));
  let woken = wait();
  let client = await Deno.connect({ hostname: "127.0.0.1", port });
  let first = await Promise.race(woken);
  const other = () => watches[1 - watches.indexOf(first)];
  // Both are told of what is there already when they begin to wait, which happens in threads of their own.
  while (poller.wait(other().set, 0) > 0) {
    posix.close(posix.acceptConnection(socket));
    client.close();
    await Promise.all(woken);
    woken = wait();
    await new Promise((resolve) => setTimeout(resolve, 20));
    client = await Deno.connect({ hostname: "127.0.0.1", port });
    first = await Promise.race(woken);
  }
  const second = other();
  assert(someoneWaits([socket]) && !someoneWaits([bell.fd]));

  first.end();
  await woken[watches.indexOf(second)];
  assertEquals(poller.wait(second.set, 0), 1);
  assert(second.heard(poller.ready[0]));
  // It has been heard, once.
  assertEquals(poller.wait(second.set, 0), 0);

  // Who takes everything, or takes nothing any more, wakes nobody.
  const connection = posix.acceptConnection(socket);
  assert(connection >= 0);
  second.end();
  assert(!someoneWaits([bell.fd]));
  const late = await Deno.connect({ hostname: "127.0.0.1", port });
  second.leave();
  assert(!someoneWaits([bell.fd]));
  client.close();
  late.close();
  for (const { set } of watches) posix.close(set);
  for (const fd of [connection, socket]) posix.close(fd);
  bell.close();
});
