// Does a server that memory sets a limit to say so, and go on with what fits? The kernel's word on memory is a file here, put before the real
// one in a mount namespace of the server's own: needs root and unshare.

import { assertEquals, assertMatch } from "@std/assert";
import { Connection, TestServer, until } from "./harness.ts";
import { config, FILES, GET, idleConnection, MODELS } from "./models.ts";

const able = Deno.build.os === "linux" && Deno.uid() === 0 &&
  await new Deno.Command("unshare", { args: ["-m", "true"], stderr: "null" }).output()
    .then(({ success }) => success, () => false);

const MEMINFO = (left: number) => `MemTotal: 409600 kB\nMemFree: 1024 kB\nMemAvailable: ${left} kB\n`;

Deno.test({
  name:
    "memory: what does not fit is told at the start with the sum; growth stops, and all are served by what there is",
  ignore: !able,
}, async () => {
  const directory = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const meminfo = `${directory}/meminfo`;
  try {
    await Deno.writeTextFile(meminfo, MEMINFO(20_480));
    const worker = MODELS.find(({ name }) => name === "worker")!;
    await using server = await TestServer.start({
      config: config(worker, "StartServers 1\nThreadsPerChild 25\nMaxRequestWorkers 150\n"),
      files: FILES,
      launcher: ["unshare", "-m", "sh", "-c", `mount --bind ${meminfo} /proc/meminfo && exec "$0" "$@"`],
    });
    const clients: Connection[] = [];
    for (let i = 0; i < 8; i++) clients.push(await idleConnection(server));
    const askAll = () =>
      Promise.all(clients.map(async (client) => {
        await client.send(GET);
        assertEquals((await client.response()).body, FILES["htdocs/index.html"]);
      }));
    const log = await until("both lines", async () => {
      await askAll();
      const text = server.log("logs/error_log");
      return /AH03142/.test(text) ? text : undefined;
    });
    assertMatch(
      log,
      /:warn\] .* 6 children with 25 threads \(540 MB each, .*\) may take 3280 MB, this machine has 400 MB/,
    );
    assertMatch(log, /:alert\] .*AH03142: .*20 MB of the machine's 400 MB of memory are left/);
    // Threads come when there is memory again.
    await Deno.writeTextFile(meminfo, MEMINFO(300_000));
    const threads = () => {
      const [child] = server.children();
      return [...Deno.readDirSync(`/proc/${child}/task`)]
        .filter(({ name }) => /^worker-/.test(Deno.readTextFileSync(`/proc/${child}/task/${name}/comm`)))
        .length;
    };
    const before = threads();
    await until("another thread", async () => {
      await askAll();
      return threads() > before;
    });
    for (const client of clients) client.close();
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
