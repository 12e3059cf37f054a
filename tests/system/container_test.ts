// Can the server be the first process of a container? In a process id namespace of its own; that needs root.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { childrenOf, TestServer, until } from "./harness.ts";

const UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child=SIGKILL"];

/** A namespace can be made here: a container may forbid that even to its root. */
async function canUnshare(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  try {
    const [command, ...args] = [...UNSHARE, "true"];
    return (await new Deno.Command(command, { args, stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const ignore = !await canUnshare();

const CONFIG = `Listen 127.0.0.1:@PORT@
DocumentRoot htdocs
StartServers 1
<Location /orphans>
Application app.ts
</Location>
`;
const FILES = {
  "htdocs/index.html": "hello",
  // Each shell ends before what it has started: that becomes the first process's.
  "app.ts": `export default {
    async fetch() {
      for (let i = 0; i < 20; i++) {
        await new Deno.Command("sh", { args: ["-c", "sleep 2 &"], stdout: "null", stderr: "null" }).spawn().status;
      }
      return new Response("left");
    },
  };`,
};

/** States of the children of a process, dead ones too. */
function childStates(pid: number): string[] {
  const states: string[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (Number(parent) === pid) states.push(state);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) && !/os error 3/.test(String(error))) throw error;
    }
  }
  return states;
}

Deno.test(
  { name: "process 1: orphans of handlers are taken note of, children as ever", ignore },
  async () => {
    await using server = await TestServer.start({ config: CONFIG, files: FILES, within: UNSHARE });
    const control = server.pid;
    assertMatch(await Deno.readTextFile(`/proc/${control}/status`), /^NSpid:\s+\d+\s+1$/m);
    assertEquals(await server.get("/orphans"), "left");
    assert(childStates(control).length >= 20, "the orphans have come to process 1");
    await until("one child, and no dead ones", () => childStates(control).length === 1);

    const [child] = childrenOf(control);
    Deno.kill(child, "SIGKILL");
    await until("another child", async () => {
      const [next] = childrenOf(control);
      return next !== undefined && next !== child && await server.get().catch(() => undefined) === "hello";
    });
    assertMatch(server.log("logs/error_log"), /AH00052: child pid \d+ exit signal Killed \(9\)/);
  },
);

Deno.test({ name: "process 1: graceful restart, graceful stop and stop by signal", ignore }, async () => {
  for (
    const [signal, line] of [["SIGTERM", "AH00491"], ["SIGWINCH", "AH00492"], ["SIGINT", "AH00491"]] as const
  ) {
    await using server = await TestServer.start({ config: CONFIG, files: FILES, within: UNSHARE });
    const control = server.pid;
    const [old] = childrenOf(control);
    Deno.kill(control, "SIGUSR1");
    await until(
      "the next generation",
      () => !childrenOf(control).includes(old) && childrenOf(control).length > 0,
    );
    assertEquals(await server.get(), "hello");
    Deno.kill(control, signal);
    const { code } = await server.process.status;
    assertEquals(code, 0);
    assert(server.log("logs/error_log").includes(line), signal);
  }
});
