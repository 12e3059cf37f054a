// Does a server survive what goes wrong in its threads and children? Faults are made as they happen: an application that ends
// its thread, a limit that is too low, a child that is stopped or killed.

import { assertEquals } from "@std/assert";
import { TestServer, until } from "./harness.ts";
import { config, FILES, MODELS, servingProcesses } from "./models.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const THREADS = MODELS.filter(({ name, relayed }) => name === "event" || name === "worker" || relayed);

/** An application that ends the thread it runs in. */
const MORTAL = `export default { fetch(request: Request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/close") self.close();
  if (pathname === "/exit") Deno.exit(1);
  return new Response("fine");
} };`;

for (const model of THREADS) {
  Deno.test({
    name: `${model.name}${
      model.relayed ? ", relayed" : ""
    }: a thread that its application ends is replaced at once; only the client that asked for it gets no answer`,
    ignore: !unix,
  }, async () => {
    await using server = await TestServer.start({
      // Longer than the test waits for anything: it is not what notices.
      config: config(model, `${model.four}HandlerTimeout 600\nApplication "@ROOT@/app.ts"\n`),
      files: { ...FILES, "app.ts": MORTAL },
    });
    const processes = () => Deno.build.os === "linux" ? servingProcesses(server, model) : [];
    if (Deno.build.os === "linux") await until("all processes", () => processes().length === model.processes);
    const before = processes();
    for (const [i, path] of ["/close", "/exit", "/close"].entries()) {
      const answer = await server.raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      assertEquals(answer, "");
      await until(
        "the line",
        () => server.log("logs/error_log").split("was lost: it has ended itself").length > i + 1,
      );
    }
    for (let i = 0; i < 3 * model.slots; i++) assertEquals(await server.get(), "fine");
    assertEquals(processes(), before);
  });
}
