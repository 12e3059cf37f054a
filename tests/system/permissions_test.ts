// Is an application denied what DenoPermissions does not grant? Asked of applications in a real server.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { freePort, runCommand, TestServer, until } from "./harness.ts";

/** Tries everything, with Deno's and with Node's interfaces, and tells how each attempt ended. */
const APPLICATION = `
import { readFileSync } from "node:fs";
import process from "node:process";
import { beside } from "./beside.ts";

async function tried(action) {
  try {
    await action();
    return "done";
  } catch (error) {
    // import() wraps what it is told.
    return /^Requires (?:read|import) access/.test(error.message) ? "NotCapable" : error.name;
  }
}

export default {
  async fetch(request) {
    const { outside, port } = Object.fromEntries(new URL(request.url).searchParams);
    const connect = async () => (await Deno.connect({ hostname: "127.0.0.1", port: Number(port) })).close();
    return Response.json({
      beside,
      "read beside": await tried(() => Deno.readTextFileSync(new URL("beside.ts", import.meta.url))),
      read: await tried(() => Deno.readTextFileSync(outside)),
      "read by node:fs": await tried(() => readFileSync(outside)),
      "import": await tried(() => import(new URL("file://" + outside).href)),
      write: await tried(() => Deno.writeTextFileSync(outside, "")),
      net: await tried(connect),
      run: await tried(() => new Deno.Command(Deno.execPath(), { args: ["--version"] }).output()),
      env: await tried(() => Deno.env.get("MPMD_TEST_VARIABLE")),
      "env by node:process": await tried(() => { if (!process.env.MPMD_TEST_VARIABLE) throw new Deno.errors.NotCapable(); }),
      ffi: await tried(() => Deno.dlopen(outside, {})),
      pointer: await tried(() => Deno.UnsafePointer.create(1n)),
      signal: await tried(() => Deno.kill(Deno.ppid, "SIGCHLD")),
      "a worker with more": await tried(() =>
        new Worker("data:application/javascript,", { type: "module", deno: { permissions: { net: true } } })
      ),
      "a new grant": (await Deno.permissions.request({ name: "run" })).state,
    });
  },
};
`;

const DENIED = "NotCapable";

async function attempts(
  permissions: (outside: string, port: number) => string,
): Promise<Record<string, string>> {
  const outside = await Deno.makeTempFile({ prefix: "mpmd-outside-", suffix: ".mjs" });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  try {
    await using server = await TestServer.start({
      config: `Listen 127.0.0.1:@PORT@
DocumentRoot htdocs
ExtendedStatus On
CustomLog logs/access_log "%{MPMD_TEST_VARIABLE}e %>s"
LoadModule mpm_worker_module modules/mod_mpm_worker.so
StartServers 1
ThreadsPerChild 2
MaxRequestWorkers 2
${permissions(outside, port)}
<Location /app>
  Application apps/main.ts
</Location>
<Location /server-status>
  SetHandler server-status
</Location>
`,
      env: { MPMD_TEST_VARIABLE: "known" },
      files: {
        "apps/main.ts": APPLICATION,
        "apps/beside.ts": 'export const beside = "there";',
        "htdocs/index.html": "hello",
      },
    });
    // The server itself goes on as ever: files, the status page, its logs.
    assertEquals(await server.get(), "hello");
    assertMatch(await server.get("/server-status?auto"), /^Load1: /m);
    const url = `/app?outside=${encodeURIComponent(outside.replaceAll("\\", "/"))}&port=${port}`;
    const answer = JSON.parse(await server.get(url)) as Record<string, string>;
    await until("the lines of the log", () => server.log("logs/access_log").split(" 200").length > 3);
    assertEquals(await server.get(), "hello");
    return answer;
  } finally {
    listener.close();
    await Deno.remove(outside);
  }
}

Deno.test("DenoPermissions none: an application reads what is beside it, and is denied all else", async () => {
  const { beside, "read beside": readBeside, "a new grant": grant, ...others } = await attempts(() =>
    "DenoPermissions none"
  );
  assertEquals([beside, readBeside, grant], ["there", "done", "denied"]);
  const allowed = Object.entries(others).filter(([, how]) => how !== DENIED);
  assertEquals(allowed, []);
  assertEquals(Object.keys(others).length, 12);
});

Deno.test("DenoPermissions with lists: what is listed is granted, nothing beside it", async () => {
  const answer = await attempts((outside, port) =>
    `DenoPermissions "read=${outside}" net=127.0.0.1:${port}\nDenoPermissions env=MPMD_TEST_VARIABLE "run=${Deno.execPath()}"`
  );
  for (const name of ["read", "read by node:fs", "import", "net", "run", "env", "env by node:process"]) {
    assertEquals(answer[name], "done", name);
  }
  for (const name of ["write", "ffi", "pointer", "signal", "a worker with more"]) {
    assertEquals(answer[name], DENIED, name);
  }
});

Deno.test("DenoPermissions: without it, or with all, nothing is denied", async () => {
  for (const line of ["", "DenoPermissions none\nDenoPermissions all"]) {
    const { signal, ffi, ...others } = await attempts(() => line);
    // An empty file is no library: it was looked at.
    assert(ffi !== DENIED && signal !== undefined);
    const denied = Object.entries(others).filter(([, how]) => how === DENIED);
    assertEquals(denied, []);
  }
});

Deno.test("DenoPermissions: what it does not take is told with its line", async () => {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const file = join(root, "httpd.conf");
  const cases: readonly [string, RegExp][] = [
    ["DenoPermissions fly", /line 2 of .*\nDenoPermissions: "fly" is none of all, none, read/],
    ["DenoPermissions read=", /the list of read= is empty/],
    ["DenoPermissions ffi=libc.so.6", /ffi has no list/],
    ["DenoPermissions net=host:port:x", /'host:port:x'/],
    ["DenoPermissions sys=nothing", /unknown system info kind "nothing"/],
  ];
  try {
    for (const [line, reason] of cases) {
      await Deno.writeTextFile(file, `Listen ${freePort()}\n${line}\n`);
      const { code, stderr } = await runCommand(["-t", "-f", file]);
      assertEquals(code, 1, line);
      assertMatch(stderr, reason);
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test({
  name: "DenoPermissions: an MPM without threads refuses it",
  ignore: Deno.build.os === "windows", // no prefork there
}, async () => {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const file = join(root, "httpd.conf");
  await Deno.writeTextFile(file, `Listen ${freePort()}\nDenoPermissions none\n`);
  const { code, stderr } = await runCommand(["-t", "-f", file, "--mpm", "prefork"]);
  await Deno.remove(root, { recursive: true });
  assertEquals(code, 1);
  assertMatch(stderr, /the MPM prefork has no threads/);
});
