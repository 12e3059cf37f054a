// What does an application cost that fills its heap? Its child, and nobody else: what it had in hand is lost with it when it is fast,
// nothing when it is slow. A real server, an application that leaks, clients of others meanwhile.

import { assertEquals, assertMatch } from "@std/assert";
import { childrenOf, TestServer, until } from "./harness.ts";

const ignore = Deno.build.os !== "linux";

/** /slow keeps 1 MB a request, and stops short of the limit; /fast does not come back. */
const APP = `
const kept: unknown[] = [];
const keep = (megabytes: number) => kept.push(new Array(megabytes * 131_072).fill(0).map((_, i) => i + 0.5));
export default {
  fetch(request: Request): Response {
    const { pathname } = new URL(request.url);
    if (pathname === "/slow" && Deno.memoryUsage().heapUsed < 56e6) keep(1);
    if (pathname === "/fast") for (;;) keep(8);
    return new Response(String(Deno.pid));
  },
};
`;

function start(mpm: string, ...lines: string[]): Promise<TestServer> {
  return TestServer.start({
    args: [
      ...["--mpm", mpm, "--listen", "127.0.0.1:@PORT@"],
      ...["ThreadHeapLimit 64", ...lines].flatMap((line) => ["-c", line]),
      "@ROOT@/app.ts",
    ],
    files: { "app.ts": APP },
  });
}

/** Pid of the child that has answered; undefined: it was cut off. */
const ask = (server: TestServer, path: string) => server.get(path).then(Number, () => undefined);

const MPMS: readonly [mpm: string, ...lines: string[]][] = [
  ["event", "StartServers 2", "ThreadsPerChild 1", "MaxRequestWorkers 4"],
  ["prefork", "StartServers 2", "MinSpareServers 2", "MaxSpareServers 3"],
];

for (const [mpm, ...lines] of MPMS) {
  Deno.test({
    name: `${mpm}: a heap that fills slowly has its child replaced, and every request is answered`,
    ignore,
  }, async () => {
    await using server = await start(mpm, ...lines);
    const log = () => server.stderr;
    await until("a child to be replaced", async () => {
      assertEquals(typeof await ask(server, "/slow"), "number");
      return log().includes("ThreadHeapLimit is");
    }, 40);
    assertMatch(
      log(),
      /child pid \d+: thread 0 has \d+ MB of heap, and ThreadHeapLimit is 64 MB: this child is replaced/,
    );
    assertEquals(typeof await ask(server, "/"), "number");
  });

  Deno.test({
    name: `${mpm}: a heap that fills at once costs its child, the others answer, and the log names the size`,
    ignore,
  }, async () => {
    await using server = await start(mpm, ...lines);
    await until("two children", () => childrenOf(server.pid).length === 2);
    const lost = ask(server, "/fast");
    let done = false;
    lost.finally(() => done = true);
    let answers = 0;
    // Of the other child; a connection that the full one has accepted is lost with it.
    await until("answers meanwhile, and the end", async () => {
      if (await ask(server, "/") !== undefined) answers++;
      return done && answers > 0;
    }, 40);
    assertEquals(await lost, undefined);
    await until(
      "its size",
      () =>
        /child pid \d+ ended by \w+, as V8 does when a heap is full \(ThreadHeapLimit 64 MB\); \d+ MB were resident/
          .test(server.stderr),
    );
    await until("its successor", () => childrenOf(server.pid).length === 2);
    assertEquals(typeof await ask(server, "/"), "number");
  });
}
