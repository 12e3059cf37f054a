// Do frameworks answer here what they answer under `deno serve`? Hono and H3 from npm, unchanged; every answer is compared. (Oak's package
// on npm is for Node: its responses are none of the platform's, and `deno serve` refuses them too.)

import { assertEquals } from "@std/assert";
import { freePort, TestServer, until } from "./harness.ts";

const unix = Deno.build.os === "linux" || Deno.build.os === "darwin";

const HONO = `
import { Hono } from "npm:hono@4.13.19";
import { compress } from "npm:hono@4.13.19/compress";
import { cors } from "npm:hono@4.13.19/cors";
import { etag } from "npm:hono@4.13.19/etag";
import { secureHeaders } from "npm:hono@4.13.19/secure-headers";
import { streamText } from "npm:hono@4.13.19/streaming";
import { setCookie } from "npm:hono@4.13.19/cookie";
const app = new Hono();
app.use(cors(), secureHeaders(), etag());
app.use("/compressed/*", compress());
app.get("/text/:x", (c) => c.text("hello " + c.req.param("x") + " " + c.req.query("n")));
app.get("/compressed/:x", (c) => c.text(("hello " + c.req.param("x")).repeat(1000)));
app.get("/html/:x", (c) => c.html("<p>" + c.req.param("x")));
app.get("/cookies/:x", (c) => {
  setCookie(c, "a", c.req.param("x"));
  setCookie(c, "b", "2");
  return c.body(null, 204);
});
app.get("/stream/:x", (c) => streamText(c, async (stream) => {
  for (let i = 0; i < 3; i++) await stream.writeln(c.req.param("x") + " " + i);
}));
app.post("/json/:x", async (c) => c.json({ got: await c.req.json(), x: c.req.param("x") }, 201));
app.get("/fails/:x", () => { throw new Error("on purpose"); });
export default app;
`;

const H3 = `
import { H3 } from "npm:h3@2.0.8";
const app = new H3();
app.get("/text/:x", (event) => "hello " + event.context.params.x + event.url.search);
app.get("/html/:x", (event) => {
  event.res.headers.set("content-type", "text/html");
  return "<p>" + event.context.params.x;
});
app.get("/bytes/:x", (event) => new TextEncoder().encode(event.context.params.x));
app.get("/stream/:x", (event) => new ReadableStream({
  async start(controller) {
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      controller.enqueue(new TextEncoder().encode(event.context.params.x + i));
    }
    controller.close();
  },
}));
app.post("/json/:x", async (event) => ({ got: await event.req.json(), x: event.context.params.x }));
app.get("/fails/:x", () => { throw new Error("on purpose"); });
export default { fetch: (request) => app.fetch(request) };
`;

/** Fields of a response that the server decides about. */
const SERVERS = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "server",
  "transfer-encoding",
  "vary",
]);

interface Answer {
  readonly status: number;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
}

async function ask(port: number, path: string, method: string, body?: string): Promise<Answer> {
  const headers = { "content-type": "application/json", "accept-encoding": "gzip" };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, body, headers });
  const fields = [...response.headers].filter(([name]) => !SERVERS.has(name));
  return { status: response.status, fields, body: (await response.text()).replaceAll(`:${port}`, ":PORT") };
}

/** What is asked of every framework, each time with a number of its own. */
function questions(n: number): readonly (readonly [path: string, method: string, body?: string])[] {
  return [
    [`/text/${n}?n=${n}`, "GET"],
    [`/text/${n}?n=${n}`, "HEAD"],
    [`/html/${n}`, "GET"],
    [`/bytes/${n}`, "GET"],
    [`/compressed/${n}`, "GET"],
    [`/cookies/${n}`, "GET"],
    [`/stream/${n}`, "GET"],
    [`/json/${n}`, "POST", JSON.stringify({ n, text: "x".repeat(n) })],
    [`/none/${n}`, "GET"],
    [`/text/${n}`, "OPTIONS"],
  ];
}

/** The application under `deno serve`. */
async function denoServe(file: string): Promise<{ port: number } & AsyncDisposable> {
  const port = freePort();
  const args = ["serve", "-A", "--no-lock", "--host", "127.0.0.1", "--port", String(port), file];
  const child = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "null", stderr: "null" })
    .spawn();
  const asyncDispose = async () => {
    child.kill();
    await child.status;
  };
  try {
    await until(
      "deno serve to answer",
      () => fetch(`http://127.0.0.1:${port}/none`).then((r) => r.text(), () => false),
      60,
    );
  } catch (error) {
    await asyncDispose();
    throw error;
  }
  return { port, [Symbol.asyncDispose]: asyncDispose };
}

for (const [name, source] of Object.entries({ HONO, H3 })) {
  Deno.test(
    { name: `application: ${name} answers as under deno serve, 40 clients at once`, ignore: !unix },
    async () => {
      await using server = await TestServer.start({
        args: ["--listen", "127.0.0.1:@PORT@", "@ROOT@/app.ts"],
        files: { "app.ts": source },
      });
      await using peer = await denoServe(server.path("app.ts"));
      await Promise.all(Array.from({ length: 40 }, async (_, n) => {
        for (const [path, method, body] of questions(n)) {
          const [ours, theirs] = [
            await ask(server.port, path, method, body),
            await ask(peer.port, path, method, body),
          ];
          assertEquals([path, method, ours], [path, method, theirs]);
        }
      }));
    },
  );
}
