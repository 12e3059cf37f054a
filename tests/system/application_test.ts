// Is an application served as `deno serve` would, on every server thread? The thin path of a module with a fetch handler.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Connection, freePort, runCommand, TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const APP = `
export default {
  async fetch(request: Request, info: { remoteAddr: { hostname: string } }): Promise<Response> {
    const { pathname, host } = new URL(request.url);
    switch (pathname) {
      case "/echo":
        return new Response(request.body, { status: 201, headers: { "x-type": request.headers.get("content-type") ?? "none" } });
      case "/json":
        return Response.json({ got: await request.json(), is: request instanceof Request });
      case "/throw":
        throw new Error("on purpose");
      case "/nothing":
        return undefined as unknown as Response;
      case "/stream": {
        const parts = ["one ", "two ", "three"];
        return new Response(new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setTimeout(resolve, 1));
            const part = parts.shift();
            if (part === undefined) controller.close();
            else controller.enqueue(new TextEncoder().encode(part));
          },
        }));
      }
      case "/fails":
        return new Response(new ReadableStream({
          pull(controller) {
            controller.enqueue(new TextEncoder().encode("a beginning"));
            controller.error(new Error("and no end"));
          },
        }));
      case "/abort":
        await new Promise<void>((resolve) => request.signal.addEventListener("abort", () => resolve()));
        console.error("the handler saw the abort");
        return new Response("too late");
      case "/forgotten":
        Promise.reject(new Error("nobody waits for this"));
        return new Response("fine");
      case "/cookies":
        return new Response("", { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] });
      default:
        return new Response(\`\${request.method} \${host} \${pathname} from \${info.remoteAddr.hostname}\`);
    }
  },
};
`;

function start(): Promise<TestServer> {
  return TestServer.start({
    args: ["--listen", "127.0.0.1:@PORT@", "@ROOT@/app.ts"],
    files: { "app.ts": APP },
  });
}

Deno.test(
  { name: "application: request and response pass through, one body after the other", ignore: !unix },
  async () => {
    await using server = await start();
    const { port } = server;
    assertEquals(await (await fetch(server.url("/x?y=1"))).text(), `GET 127.0.0.1:${port} /x from 127.0.0.1`);
    const big = "0123456789abcdef".repeat(100_000);
    const echo = await fetch(server.url("/echo"), {
      method: "POST",
      body: big,
      headers: { "content-type": "text/x" },
    });
    assertEquals([echo.status, echo.headers.get("x-type")], [201, "text/x"]);
    assertEquals(await echo.text(), big);
    const chunked = await fetch(server.url("/echo"), { method: "POST", body: new Blob([big]).stream() });
    assertEquals((await chunked.text()).length, big.length);
    const json = await fetch(server.url("/json"), { method: "POST", body: '{"a":[1,2]}' });
    assertEquals(await json.json(), { got: { a: [1, 2] }, is: true });
    assertEquals(await (await fetch(server.url("/stream"))).text(), "one two three");
    assertEquals((await fetch(server.url("/cookies"))).headers.getSetCookie(), ["a=1", "b=2"]);
    const head = await fetch(server.url("/x"), { method: "HEAD" });
    assert(Number(head.headers.get("content-length")) > 0);
    assertEquals(await head.text(), "");
  },
);

Deno.test({
  name: "application: an exception gives 500 and a log line, and the thread goes on",
  ignore: !unix,
}, async () => {
  await using server = await start();
  for (const path of ["/throw", "/nothing"]) {
    const response = await fetch(server.url(path));
    assertEquals(response.status, 500);
    assertStringIncludes(await response.text(), "Internal Server Error");
  }
  await until(
    "both log lines",
    () => server.stderr.includes("Error: on purpose") && server.stderr.includes("not a Response"),
  );
  assertMatch(
    server.stderr,
    /\[core:error\] \[pid \d+:tid \d+\] \[client 127\.0\.0\.1:\d+\] the handler of GET \/throw failed/,
  );
  assertEquals(await (await fetch(server.url("/forgotten"))).text(), "fine");
  await until("the forgotten promise", () => server.stderr.includes("nobody waits for this"));
  assertEquals((await fetch(server.url("/x"))).status, 200);
});

Deno.test(
  { name: "application: a body that fails after its head breaks the connection off", ignore: !unix },
  async () => {
    await using server = await start();
    const answer = await server.raw("GET /fails HTTP/1.1\r\nHost: a\r\n\r\n");
    assertStringIncludes(answer, "Transfer-Encoding: chunked");
    assert(!answer.endsWith("0\r\n\r\n"), "the body looks complete");
    await until("the log line", () => server.stderr.includes("and no end"));
  },
);

Deno.test({
  name: "application: the signal of a request is aborted when its client goes away",
  ignore: !unix,
}, async () => {
  await using server = await start();
  const client = await Connection.open(server.port);
  await client.send("GET /abort HTTP/1.1\r\nHost: a\r\n\r\n");
  client.close();
  await until("the handler to see it", () => server.stderr.includes("the handler saw the abort"));
});

Deno.test({
  name: "application: one that does not load keeps the server from starting, with its reason",
  ignore: !unix,
}, async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(file, "export const nothing = 1;\n");
  const { code, stderr } = await runCommand(["--listen", `127.0.0.1:${freePort()}`, file]);
  await Deno.remove(file);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "is loaded and serves nothing: a program has");
  assert(!stderr.includes("configured -- resuming"), stderr);
});
