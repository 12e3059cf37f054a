// Does any Deno program run as it is? Each form of a program, what it may ask of the server that it thinks it has, and what is said
// of one that does not load.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { freePort, inTime, runCommand, TestServer, until } from "./harness.ts";

const unix = Deno.build.os !== "windows";

/** A server of `program` that listens where that says. */
function start(program: string, ...more: string[]): Promise<TestServer> {
  return TestServer.start({ args: ["@ROOT@/main.ts", ...more], files: { "main.ts": program } });
}

/** What `-t` says of a program, whose files are `files`. */
async function test(files: Readonly<Record<string, string>>, config?: string) {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(root, name), text);
  const args = config === undefined
    ? [join(root, "main.ts")]
    : ["-d", root, "-C", `Listen 127.0.0.1:${freePort()}`, "-C", "ErrorLog /dev/stderr", "-f", "httpd.conf"];
  if (config !== undefined) await Deno.writeTextFile(join(root, "httpd.conf"), config);
  const { code, stderr } = await runCommand(["-t", ...args]);
  await Deno.remove(root, { recursive: true });
  return { code, stderr: stderr.replaceAll(root, "ROOT") };
}

const EXPORTED: Readonly<Record<string, string>> = {
  "a function": "export default (request: Request) => new Response(new URL(request.url).pathname);",
  "an async function": "export default async function (request: Request) {" +
    " await 1; return new Response(new URL(request.url).pathname); }",
  "an instance with fetch on its prototype":
    "class App { fetch(request: Request) { return new Response(this.path(request)); }" +
    " path(request: Request) { return new URL(request.url).pathname; } }\nexport default new App();",
  "a function with fetch": "export default Object.assign(() => { throw new Error('not this'); }, {" +
    " fetch: (request: Request) => new Response(new URL(request.url).pathname) });",
  "fetch that returns a promise of another make":
    "export default { fetch: (request: Request) => ({ then: (ok: (r: Response) => void) =>" +
    " ok(new Response(new URL(request.url).pathname)) }) };",
};

Deno.test({ name: "programs: default exports in all their forms", ignore: !unix }, async (t) => {
  const names = Object.keys(EXPORTED);
  const places = names.map((_, i) => `<Location /${i}>\nApplication ${i}.ts\n</Location>\n`).join("");
  await using server = await TestServer.start({
    config: `Listen 127.0.0.1:@PORT@\n${places}`,
    files: Object.fromEntries(names.map((name, i) => [`${i}.ts`, EXPORTED[name]])),
  });
  for (const [i, name] of names.entries()) {
    await t.step(name, async () => assertEquals(await server.get(`/${i}`), `/${i}`));
  }
});

const TWO_SERVERS = `
if (import.meta.main) {
  const seen: string[] = [];
  const first = Deno.serve({
    hostname: "127.0.0.1",
    port: @PORT@,
    onListen: ({ port }) => { seen.push("listens on " + port); },
  }, (request, info) => {
    if (new URL(request.url).pathname === "/shutdown") second.shutdown();
    return Response.json({
      seen,
      addr: first.addr,
      from: info.remoteAddr.hostname,
      args: Deno.args,
      main: Deno.mainModule === import.meta.url,
    });
  });
  const aborter = new AbortController();
  const second = Deno.serve({
    hostname: "127.0.0.1",
    port: @SECOND@,
    signal: aborter.signal,
    onError: (error) => new Response("told: " + (error as Error).message, { status: 418 }),
    handler: (request) => {
      if (new URL(request.url).pathname === "/late") return Promise.reject(new Error("late"));
      throw new Error("at once");
    },
  });
  second.unref();
  second.ref();
  await Promise.all([first.finished, second.finished]);
}
`;

Deno.test({ name: "programs: Deno.serve() twice, on the ports that it names", ignore: !unix }, async (t) => {
  const second = freePort();
  await using server = await start(
    TWO_SERVERS.replace("@SECOND@", String(second)),
    "one",
    "--two",
  );
  const ask = (path: string) => fetch(`http://127.0.0.1:${second}${path}`);
  await t.step("what the program is told", async () => {
    assertEquals(JSON.parse(await server.get()), {
      seen: [`listens on ${server.port}`],
      addr: { transport: "tcp", hostname: "127.0.0.1", port: server.port },
      from: "127.0.0.1",
      args: ["one", "--two"],
      main: true,
    });
  });
  await t.step("onError answers", async () => {
    for (const [path, text] of [["/", "told: at once"], ["/late", "told: late"]]) {
      const response = await ask(path);
      assertEquals([response.status, await response.text()], [418, text]);
    }
  });
  await t.step("a server that was shut down says so", async () => {
    await until("503", async () => {
      await server.get("/shutdown");
      const response = await ask("/");
      await response.body?.cancel();
      return response.status === 503;
    });
  });
});

Deno.test({ name: "programs: Deno.serve() and a configuration's Listen lines", ignore: !unix }, async () => {
  await using server = await TestServer.start({
    config: "Listen 127.0.0.1:@PORT@\nApplication main.ts\n",
    files: {
      "main.ts": "const server = Deno.serve(() => new Response(String((server.addr as Deno.NetAddr).port)));",
    },
  });
  assertEquals(await server.get(), String(server.port));
});

Deno.test({ name: "programs: Deno.serve() on a Unix-domain socket", ignore: !unix }, async () => {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const path = join(root, "socket");
  await using _server = await TestServer.start({
    args: ["@ROOT@/main.ts"],
    files: {
      "main.ts": `Deno.serve({ path: ${JSON.stringify(path)} }, () => new Response("by path"));\n` +
        `Deno.serve({ port: @PORT@, hostname: "127.0.0.1" }, () => new Response("by port"));`,
    },
  });
  const connection = await Deno.connect({ transport: "unix", path });
  await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  const answer = await inTime("an answer", new Response(connection.readable).text());
  assertStringIncludes(answer, "by path");
  assertEquals(await _server.get(), "by port");
  await Deno.remove(root, { recursive: true });
});

/** What is wrong with a program, and what is said of it. */
const FAULTS: Readonly<Record<string, [program: string, said: RegExp]>> = {
  "a syntax error": ["const a = 1;\nconst = 2;\n", /Unexpected token[^]*main\.ts:2:7/],
  "a missing module": [
    'import "./nowhere.ts";\n',
    /Module not found "file:\/\/ROOT\/nowhere\.ts"[^]*main\.ts:1:8/,
  ],
  "a missing export": [
    'import { nothing } from "./other.js";\nexport default () => new Response(nothing);\n',
    /other\.js' does not provide an export named 'nothing'[^]*main\.ts:1:10/,
  ],
  "a throw at the top": [
    '\n\nthrow new Error("no database");\n',
    /no database\n +at file:\/\/ROOT\/main\.ts:3:7/,
  ],
  "a promise that is rejected before it serves": [
    'async function main() { await 1; throw new TypeError("no key"); }\nmain();\n',
    /TypeError: no key\n +at file:\/\/ROOT\/main\.ts:1:40/,
  ],
  "the end of the process": ["Deno.exit(7);\n", /ended its process with 7 while it was loaded/],
  "none of the forms": ["export const a = 1;\n", /serves nothing: .*export default.*Deno\.serve.*node:http/],
  "a certificate": [
    'Deno.serve({ cert: "x", key: "y" }, () => new Response());\n',
    /reads certificates from its configuration[^]*main\.ts:1:6/,
  ],
};

Deno.test(
  { name: "programs: -t says what keeps one from loading, with its place, once", ignore: !unix },
  async (t) => {
    for (const [name, [program, said]] of Object.entries(FAULTS)) {
      await t.step(name, async () => {
        const { code, stderr } = await test({ "main.ts": program, "other.js": "export const other = 1;\n" });
        assertEquals(code, 1);
        assertMatch(stderr, said);
        assertEquals(stderr.split("main.ts does not load").length <= 2, true, stderr);
        assert(!stderr.includes("Syntax OK"), stderr);
      });
    }
  },
);

Deno.test({ name: "programs: -t says what it found", ignore: !unix }, async () => {
  const { code, stderr } = await test({ "main.ts": "Deno.serve({ port: 4711 }, () => new Response());\n" });
  assertEquals(code, 0);
  assertStringIncludes(stderr, "file://ROOT/main.ts: Deno.serve on 4711");
  assertStringIncludes(stderr, "Syntax OK");
});

Deno.test({ name: "programs: a permission that is missing when one loads", ignore: !unix }, async () => {
  const { code, stderr } = await test(
    { "main.ts": '\nDeno.env.get("SECRET");\nexport default () => new Response();\n' },
    "Application main.ts\nDenoPermissions net\n",
  );
  assertEquals(code, 1);
  assertMatch(stderr, /NotCapable: Requires env access to "SECRET"[^]*main\.ts:2:10/);
});

Deno.test(
  { name: "programs: a new version that does not load leaves the old one serving", ignore: !unix },
  async () => {
    await using server = await start(
      "Deno.serve({ port: @PORT@, hostname: '127.0.0.1' }, () => new Response('old'));",
    );
    // Its children have loaded it.
    assertEquals(await server.get(), "old");
    await Deno.writeTextFile(server.path("main.ts"), "Deno.serve(;");
    await server.restartGracefully();
    await until("the reason", () => server.stderr.includes("the running configuration stays"));
    assertMatch(server.stderr, /main\.ts does not load: .*main\.ts:1:12/);
    assertEquals(await server.get(), "old");
    await Deno.writeTextFile(
      server.path("main.ts"),
      `Deno.serve({ port: ${server.port}, hostname: '127.0.0.1' }, () => new Response('new'));`,
    );
    await server.restartGracefully();
    await until("the new version", async () => await server.get() === "new");
  },
);

const BEGIN = Date.now();

/** A Deno.cron() whose minutes last half a second: jobs are due in each thread, as they are in each process of Deno. */
const FAST_CRON = `
export default {
  name: "fast_cron_module",
  hooks() {
    const cron = (_name, _schedule, handler) => void setInterval(() => {
      const { now } = Date;
      const at = ${BEGIN} + (now() - ${BEGIN}) * 120;
      Date.now = () => at;
      handler().catch(() => {});
      Date.now = now;
    }, 100);
    Object.defineProperty(Deno, "cron", { configurable: true, value: cron });
    return {};
  },
};
`;

const JOBS = `
const file = new URL("jobs.txt", import.meta.url);
Deno.cron?.("write", "* * * * *", () => {
  Deno.writeTextFileSync(file, Math.floor((Date.now() + 1000) / 60_000) + " " + Deno.pid + "\\n", { append: true });
});
Deno.cron?.("fail", "* * * * *", () => { throw new Error("a job that fails"); });
export default () => new Response(String(Deno.pid));
`;

Deno.test(
  { name: "programs: a job of Deno.cron() runs once, also when its child is gone", ignore: !unix },
  async () => {
    await using server = await TestServer.start({
      config: "Listen 127.0.0.1:@PORT@\nStartServers 2\nThreadsPerChild 2\nErrorLog logs/error_log\n" +
        "LoadModule fast_cron_module ./cron.mjs\nApplication main.ts\n",
      files: { "cron.mjs": FAST_CRON, "main.ts": JOBS, "jobs.txt": "" },
    });
    const runs = () =>
      Deno.readTextFileSync(server.path("jobs.txt")).trim().split("\n").filter((line) => line !== "")
        .map((line) => line.split(" ").map(Number));
    const others = (pids: readonly number[]) => runs().filter(([, pid]) => !pids.includes(pid)).length;
    await until("a job has run", () => runs().length > 0);
    const [[, killed]] = runs().slice(-1);
    Deno.kill(killed, "SIGKILL");
    await until("another child runs it", () => others([killed]) > 1);
    const old = [killed, ...server.children()];
    await server.restartGracefully();
    await until("new children run it", () => others(old) > 1);
    const minutes = runs().map(([minute]) => minute);
    assertEquals(minutes, [...new Set(minutes)]);
    assertStringIncludes(server.log("logs/error_log"), 'Deno.cron "fail": Error: a job that fails');
  },
);
