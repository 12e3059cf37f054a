// Do the examples do what they say? Each is started with the command that examples/README.md gives, and asked.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { inTime, TestServer } from "./harness.ts";

const ignore = Deno.build.os === "windows";
const README = new URL("../../examples/README.md", import.meta.url);
const ROOT = new URL("../../", import.meta.url).pathname;

/** The arguments that README names for an example, split as a shell does. */
function argumentsOf(example: string): string[] {
  const command = new RegExp(`^\\| \\[${example}\\].*\`deno run -A mod\\.ts ([^\`]+)\``, "m");
  const [, line] = command.exec(Deno.readTextFileSync(README)) ?? [];
  assert(line !== undefined, `README has no command for ${example}`);
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
}

function start(example: string): Promise<TestServer> {
  const args = argumentsOf(example).map((arg) => arg.startsWith("examples/") ? ROOT + arg : arg);
  return TestServer.start({ args: ["--listen", "127.0.0.1:@PORT@", ...args] });
}

/** The stream's text until it includes `end`. */
async function readUntil(stream: ReadableStream<Uint8Array>, end: string): Promise<string> {
  const reader = stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let text = "";
  while (!text.includes(end)) {
    const { value, done } = await inTime("more of the stream", reader.read());
    assert(!done, text);
    text += value;
  }
  await reader.cancel();
  return text;
}

const CHECKS: Readonly<Record<string, (server: TestServer) => Promise<void>>> = {
  async plain(server) {
    assertEquals(await server.get("/"), "Hello from mpmd\n");
    const missing = await fetch(server.url("/x"));
    assertEquals([missing.status, await missing.json()], [404, { error: "there is no /x" }]);
  },

  async deno_serve(server) {
    assertEquals(JSON.parse(await server.get("/x")), { pathname: "/x", from: "127.0.0.1" });
  },

  async hono(server) {
    assertEquals(await server.get("/"), "Hello from Hono\n");
    const user = await fetch(server.url("/api/users/7"));
    assertEquals([await user.json(), user.headers.get("x-frame-options")], [{ id: "7" }, "SAMEORIGIN"]);
    const echo = await fetch(server.url("/api/echo"), { method: "POST", body: '{"a":[1]}' });
    assertEquals(await echo.json(), { a: [1] });
    assertEquals((await fetch(server.url("/missing"))).status, 404);
  },

  async express(server) {
    assertEquals(await server.get("/"), "Hello from Express\n");
    const headers = { "content-type": "application/json" };
    const echo = await fetch(server.url("/api/echo"), { method: "POST", headers, body: '{"a":[1]}' });
    assertEquals([echo.status, await echo.json()], [201, { a: [1] }]);
    const missing = await fetch(server.url("/missing"));
    assertEquals(missing.status, 404);
    await missing.body?.cancel();
  },

  async fastify(server) {
    assertEquals(await server.get("/"), "Hello from Fastify\n");
    const greet = (body: string) =>
      fetch(server.url("/api/greet"), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
    assertEquals(await (await greet('{"name":"you"}')).json(), { hello: "you" });
    const refused = await greet("{}");
    assertEquals([refused.status, (await refused.json()).code], [400, "FST_ERR_VALIDATION"]);
  },

  async koa(server) {
    assertEquals(await server.get("/"), "Hello from Koa\n");
    const other = await fetch(server.url("/x"));
    assertEquals([await other.json(), other.headers.get("x-path")], [{ path: "/x" }, "/x"]);
  },

  async jsx(server) {
    const page = await server.get("/list?name=one&name=%3Cb%3E");
    assertStringIncludes(page, '<!doctype html><html lang="en"><head><title>/list</title>');
    assertStringIncludes(page, "one</li>");
    assertStringIncludes(page, "&lt;b>");
  },

  async sse(server) {
    assertStringIncludes(await server.get("/"), "new EventSource");
    const { body, headers } = await fetch(server.url("/events"));
    assertEquals(headers.get("content-type"), "text/event-stream");
    assert(/^data: \d{4}-.*Z\n\n$/.test(await readUntil(body!, "\n\n")));
  },

  async chat(server) {
    assertStringIncludes(await server.get("/"), "new WebSocket");
    const sockets = await Promise.all(Array.from({ length: 6 }, async () => {
      const socket = new WebSocket(server.url("/chat").replace("http", "ws"));
      await inTime("a socket", new Promise((resolve) => socket.onopen = resolve));
      return socket;
    }));
    const heard = sockets.map((socket) =>
      new Promise((resolve) => socket.onmessage = ({ data }) => resolve(data))
    );
    sockets[0].send("hello all");
    assertEquals(await inTime("all to hear it", Promise.all(heard)), sockets.map(() => "hello all"));
    await Promise.all(sockets.map((socket) => {
      socket.close();
      return new Promise((resolve) => socket.onclose = resolve);
    }));
  },

  async folder(server) {
    assertStringIncludes(await server.get("/"), "<h1>A folder</h1>");
    const style = await fetch(server.url("/style.css"));
    assertStringIncludes(await style.text(), "font-family");
    assertEquals(style.headers.get("content-type"), "text/css");
  },
};

Deno.test("every example is in its README, and is asked here", () => {
  const folders = [...Deno.readDirSync(new URL("./", README))].flatMap(({ name, isDirectory }) =>
    isDirectory ? [name] : []
  );
  assertEquals(folders.sort(), Object.keys(CHECKS).sort());
});

Deno.test(
  { name: "examples with a configuration of their own are right for the type checker", ignore },
  async () => {
    for (const file of ["hono/app.ts", "jsx/app.tsx"]) {
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["check", new URL(file, README).pathname],
        cwd: new URL(".", new URL(file, README)).pathname,
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
    }
  },
);

for (const [example, check] of Object.entries(CHECKS)) {
  Deno.test({ name: `example: ${example}`, ignore }, async () => {
    await using server = await start(example);
    await check(server);
  });
}
