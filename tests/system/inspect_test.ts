// Is an application debugged where it runs? A debugger, by the protocol of Deno's inspector: it stops the application at its first
// statement and in a request, and is there again after a restart.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { freePort, inTime, runCommand, TestServer, until } from "./harness.ts";

const ignore = Deno.build.os === "windows";

const APP = `const word: string = "hello";
export default {
  fetch(request: Request) {
    const path = new URL(request.url).pathname;
    return new Response(word + path);
  },
};
`;

interface Paused {
  readonly callFrames: readonly {
    readonly callFrameId: string;
    readonly location: { readonly scriptId: string; readonly lineNumber: number };
  }[];
}

/** A debugger at the only thread whose inspector listens on `port`. */
class DebuggerClient implements Disposable {
  #id = 0;
  readonly #answers = new Map<number, (result: Record<string, unknown>) => void>();
  readonly #scripts = new Map<string, string>();
  #onPaused = Promise.withResolvers<Paused>();

  private constructor(readonly socket: WebSocket) {
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.method === "Debugger.scriptParsed") {
        this.#scripts.set(message.params.scriptId, message.params.url);
      }
      if (message.method === "Debugger.paused") this.#onPaused.resolve(message.params);
      this.#answers.get(message.id)?.(message.result ?? {});
    };
  }

  static async attach(port: number): Promise<DebuggerClient> {
    const url = await until("the inspector", async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/json`).catch(() => undefined);
      const targets = await answer?.json() as { webSocketDebuggerUrl: string }[] | undefined ?? [];
      // The inspector listens before its thread is in the list.
      assert(targets.length <= 1, `${targets.length} threads can be debugged`);
      return targets[0]?.webSocketDebuggerUrl;
    });
    const client = new DebuggerClient(new WebSocket(url));
    await new Promise((resolve) => client.socket.onopen = resolve);
    await client.ask("Debugger.enable");
    return client;
  }

  ask(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Record<string, unknown>> {
    const id = ++this.#id;
    const answer = new Promise<Record<string, unknown>>((resolve) => this.#answers.set(id, resolve));
    this.socket.send(JSON.stringify({ id, method, params }));
    return inTime(method, answer);
  }

  /** Where it stops next: the innermost frame, its module's name and line. */
  async stopped(): Promise<{ readonly frame: string; readonly at: string }> {
    const { callFrames: [{ callFrameId, location }] } = await inTime("a stop", this.#onPaused.promise);
    this.#onPaused = Promise.withResolvers();
    const name = this.#scripts.get(location.scriptId)?.split("/").at(-1);
    return { frame: callFrameId, at: `${name}:${location.lineNumber + 1}` };
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}

Deno.test(
  { name: "--inspect-brk: a debugger stops the application at its first statement and in a request", ignore },
  async () => {
    const port = freePort();
    await using server = await TestServer.start({
      args: ["--listen", "127.0.0.1:@PORT@", `--inspect-brk=127.0.0.1:${port}`, "@ROOT@/app.ts"],
      files: { "app.ts": APP, "deno.json": "{}" },
    });
    using client = await DebuggerClient.attach(port);
    const stopped = client.stopped();
    await client.ask("Runtime.runIfWaitingForDebugger");
    assertEquals((await stopped).at, "app.ts:1");
    await client.ask("Debugger.setBreakpointByUrl", { urlRegex: "app\\.ts$", lineNumber: 4 });
    const inRequest = client.stopped();
    await client.ask("Debugger.resume");
    const answer = server.get("/there");
    const { frame, at } = await inRequest;
    assertEquals(at, "app.ts:5");
    const { result } = await client.ask("Debugger.evaluateOnCallFrame", {
      callFrameId: frame,
      expression: "path",
    });
    assertEquals((result as { value: string }).value, "/there");
    await client.ask("Debugger.resume");
    assertEquals(await answer, "hello/there");
  },
);

Deno.test({ name: "--inspect: after a restart the new thread can be debugged", ignore }, async (t) => {
  for (const mpm of ["event", "prefork"]) {
    await t.step(mpm, async () => {
      const port = freePort();
      await using server = await TestServer.start({
        args: ["--mpm", mpm, "--listen", "127.0.0.1:@PORT@", `--inspect=${port}`, "@ROOT@/app.ts"],
        files: { "app.ts": APP },
      });
      const idOf = async (): Promise<string | undefined> => {
        const answer = await fetch(`http://127.0.0.1:${port}/json`).catch(() => undefined);
        return (await answer?.json() as { id: string }[] | undefined)?.[0]?.id;
      };
      const first = await until("the inspector", idOf);
      assertEquals(await server.get("/"), "hello/");
      await server.restartGracefully();
      await until("another thread's inspector", async () => {
        const id = await idOf();
        return id !== undefined && id !== first;
      });
      assertEquals(await server.get("/"), "hello/");
    });
  }
});

Deno.test({ name: "--inspect without an application is told", ignore }, async () => {
  const { code, stderr } = await runCommand(["-t", "--inspect"]);
  assertEquals(code, 1);
  assertMatch(stderr, /--inspect goes with an application/);
});
