// Does a program find here what it finds under `deno run` and `deno serve`? The rows of the table in docs/applications.md, each asked under
// both; and what a program may ask of its process.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { freePort, inTime, runCommand, TestServer, until } from "./harness.ts";

const ignore = Deno.build.os === "windows";

/** Under `deno run` a program is told where to listen; here it names 4711, and the MPM listens. */
const PORT = 'const port = Number(Deno.env.get("ROW_PORT") ?? 4711);\n';

interface Row {
  /** The command of Deno's that runs it, if any. */
  readonly deno?: "run" | "serve";
  /** What `-t` says that it is, and where it listens; asked of one of each kind. */
  readonly form?: string;
  readonly program: string;
}

/** Every program answers with the method and the path. */
const ROWS: Readonly<Record<string, Row>> = {
  "export default { fetch }": {
    deno: "serve",
    program:
      "export default { fetch: (request: Request) => new Response(request.method + new URL(request.url).pathname) };",
  },
  "a function": {
    form: "export default function",
    program:
      "export default (request: Request) => new Response(request.method + new URL(request.url).pathname);",
  },
  "Hono": {
    deno: "serve",
    program: 'import { Hono } from "npm:hono@4.13.19";\nconst app = new Hono();\n' +
      "app.all('*', (c) => c.text(c.req.method + c.req.path));\nexport default app;",
  },
  "H3": {
    deno: "serve",
    program: 'import { H3 } from "npm:h3@2.0.8";\nconst app = new H3();\n' +
      "app.all('/**', (event) => event.req.method + event.url.pathname);\nexport default app;",
  },
  "Deno.serve()": {
    deno: "run",
    program:
      `${PORT}Deno.serve({ port }, (request) => new Response(request.method + new URL(request.url).pathname));`,
  },
  "Deno.serve() on two ports": {
    deno: "run",
    form: "Deno.serve on 4711, 4712",
    program:
      `${PORT}const handler = (request: Request) => new Response(request.method + new URL(request.url).pathname);\n` +
      'Deno.serve({ port }, handler);\nDeno.serve({ port: Deno.env.has("ROW_PORT") ? 0 : 4712, handler });',
  },
  "node:http": {
    deno: "run",
    program: `import http from "node:http";\n${PORT}` +
      'http.createServer((request, response) => response.end(`${request.method}${request.url}`)).listen(port, "127.0.0.1");',
  },
  "Express": {
    deno: "run",
    form: "node:http on 4711",
    program: `import express from "npm:express@5";\n${PORT}const app = express();\n` +
      "app.use((request, response) => void response.send(request.method + request.path));\napp.listen(port);",
  },
  "Fastify": {
    deno: "run",
    program: `import fastify from "npm:fastify@5";\n${PORT}const app = fastify();\n` +
      "app.all('*', (request) => Promise.resolve(request.method + request.url));\nawait app.listen({ port, host: \"127.0.0.1\" });",
  },
  "Koa": {
    deno: "run",
    program: `import Koa from "npm:koa@3";\n${PORT}const app = new Koa();\n` +
      "app.use((context) => { context.body = context.method + context.path; });\napp.listen(port);",
  },
};

const ASKED = [["GET", ""], ["POST", "/x"], ["DELETE", "/"]] as const;

async function answers(url: string): Promise<string[]> {
  return await Promise.all(ASKED.map(async ([method, end]) => {
    const response = await fetch(`${url}${end}`, { method });
    return `${response.status} ${await response.text()}`;
  }));
}

/** What a program answers under the command of Deno's. */
async function underDeno(command: "run" | "serve", file: string, path: string): Promise<string[]> {
  const port = freePort();
  const options = command === "serve" ? ["--port", String(port), "--host", "127.0.0.1"] : [];
  const process = new Deno.Command(Deno.execPath(), {
    args: [command, "-A", "--no-lock", ...options, file],
    env: { ROW_PORT: String(port) },
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    let found: string[] | undefined;
    await until(`deno ${command} to answer`, async () => {
      found = await answers(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
      return found !== undefined;
    });
    return found!;
  } finally {
    process.kill();
    await process.status;
  }
}

Deno.test({ name: "programs: the rows of the table, here and under Deno", ignore }, async (t) => {
  const rows = Object.entries(ROWS);
  await using server = await TestServer.start({
    config: "Listen 127.0.0.1:@PORT@\nStartServers 1\nThreadsPerChild 1\n" +
      rows.map((_, i) => `<Location /row${i}>\nApplication row${i}.ts\n</Location>\n`).join(""),
    files: Object.fromEntries(rows.map(([, { program }], i) => [`row${i}.ts`, program])),
  });
  const formed = rows.flatMap(([, { form }], i) => form === undefined ? [] : [`Application row${i}.ts`]);
  const config = formed.map((line, i) => `<Location /${i}>\n${line}\n</Location>\n`).join("");
  await Deno.writeTextFile(server.path("conf/forms.conf"), `Listen 127.0.0.1:${freePort()}\n${config}`);
  const checked = runCommand(["-t", "-d", server.root, "-f", "conf/forms.conf"]);
  for (const [i, [name, { deno, form, program }]] of rows.entries()) {
    await t.step(name, async () => {
      const path = `/row${i}`;
      const here = await answers(server.url(path)).catch((cause) => {
        throw new Error(`no answer; the server said: ${server.stderr}`, { cause });
      });
      assertEquals(here, ASKED.map(([method, end]) => `200 ${method}${path}${end}`), program);
      if (deno !== undefined) assertEquals(await underDeno(deno, server.path(`row${i}.ts`), path), here);
      if (form !== undefined) assertStringIncludes((await checked).stderr, `/row${i}.ts: ${form}\n`);
    });
  }
});

/** What the program sees of itself and of what it runs in; it serves this, or prints it where it is asked to. */
const FACTS = `
import process from "node:process";
const kv = await Deno.openKv(":memory:");
await kv.set(["a"], "kept");
const note = (what: string) => Deno.writeTextFileSync("@ROOT@/notes", what + " " + Deno.pid + "\\n", { append: true });
addEventListener("unload", () => note("unload"));
Deno.addSignalListener("SIGUSR2", () => note("signal"));
let ticks = 0;
setInterval(() => ticks++, 5);
const facts = {
  args: Deno.args,
  argv: process.argv.slice(1),
  main: [import.meta.main, Deno.mainModule, import.meta.resolve("./x.ts")],
  here: [import.meta.url, import.meta.filename, import.meta.dirname],
  processors: navigator.hardwareConcurrency,
  agent: navigator.userAgent,
  kv: (await kv.get(["a"])).value,
  exitCode: Deno.exitCode,
  cwd: Deno.cwd(),
  types: [typeof window, typeof BroadcastChannel, typeof Deno.exit, typeof process.exit, typeof caches],
};
if (Deno.env.has("PRINT_FACTS")) {
  console.log(JSON.stringify(facts));
  kv.close();
  Deno.exit();
}
Deno.serve({ port: @PORT@, hostname: "127.0.0.1" }, (request) => {
  if (request.url.endsWith("/exit")) Deno.exit(3);
  if (request.url.endsWith("/ticks")) return new Response(String(ticks));
  return Response.json(facts);
});
`;

Deno.test({ name: "programs: what one may ask of its process", ignore }, async (t) => {
  await using server = await TestServer.start({
    args: ["--unstable-kv", "@ROOT@/main.ts", "one", "--two"],
    files: { "main.ts": FACTS, notes: "" },
  });
  const notes = (what: string) =>
    Deno.readTextFileSync(server.path("notes")).split("\n").filter((line) => line.startsWith(what));
  const child = () => server.children().find((pid) => !ended.has(pid));
  const ended = new Set<number>();

  await t.step("the same as under deno run", async () => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--unstable-kv", server.path("main.ts"), "one", "--two"],
      env: { PRINT_FACTS: "1" },
    }).output();
    assertEquals(JSON.parse(await server.get("/")), JSON.parse(new TextDecoder().decode(stdout)));
    await until("setInterval", async () => Number(await server.get("/ticks")) > 1);
  });
  await t.step("a signal that is sent to a child is its program's", async () => {
    const pid = child();
    assert(pid !== undefined);
    Deno.kill(pid, "SIGUSR2");
    await until("the listener", () => notes("signal").includes(`signal ${pid}`));
  });
  await t.step("Deno.exit() ends one thread, which is replaced", async () => {
    await inTime("an end", fetch(server.url("/exit")).then((response) => response.body?.cancel(), () => {}));
    await until("an answer", async () => (await server.get("/ticks").catch(() => "")) !== "");
    await until("the log line", () => server.stderr.includes("was lost: it has ended itself"));
  });
  await t.step("unload comes when a thread ends", async () => {
    const pid = child()!;
    const before = notes(`unload ${pid}`).length;
    ended.add(pid);
    await server.restartGracefully();
    await until("unload", () => notes(`unload ${pid}`).length > before);
    assertEquals(JSON.parse(await server.get("/")).cwd, Deno.cwd());
  });
});
