// Does a server that root has started answer as User, and what can such a child do to it? Real processes; needs root.

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { findUser } from "../../platform/privileges.ts";
import { freePort, runCommand, type ServerSetup, TestServer, until } from "./harness.ts";

// Users are changed by root only; /proc says what became of it.
const ignore = Deno.build.os !== "linux" || Deno.uid() !== 0;
const user = ignore
  ? undefined
  : ["www-data", "nobody", "daemon"].find((name) => findUser(name) !== undefined);

const CONFIG = `Listen 127.0.0.1:@PORT@
DocumentRoot htdocs
CustomLog logs/access_log common
StartServers 1
User ${user}
`;

/** A directory for Deno that everybody may read: root's own is its own. */
async function sharedDenoDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout)) as { npmCache: string };
  const directory = await Deno.makeTempDir({ prefix: "mpmd-deno-" });
  await Deno.chmod(directory, 0o755);
  await copy(npmCache, join(directory, "npm"));
  return directory;
}

async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (isDirectory) await copy(join(from, name), join(to, name));
    else if (isFile) await Deno.copyFile(join(from, name), join(to, name));
  }
}

async function withServer(
  setup: Omit<ServerSetup, "env" | "mode">,
  test: (server: TestServer, denoDirectory: string) => Promise<void>,
): Promise<void> {
  const directory = await sharedDenoDirectory();
  try {
    await using server = await TestServer.start({ ...setup, env: { DENO_DIR: directory }, mode: 0o755 });
    await test(server, directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A field of all threads of a process, each value once. */
function ofThreads(pid: number, field: string): string[] {
  const values = [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => {
    const status = Deno.readTextFileSync(`/proc/${pid}/task/${name}/status`);
    return new RegExp(`^${field}:\\s*(.*?)\\s*$`, "m").exec(status)![1];
  });
  return [...new Set(values)];
}

async function outputOf(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(command, { args }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** A port that only root may listen on, and nobody does. */
function privilegedPort(): number {
  for (let port = 1023; port > 600; port--) {
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("all privileged ports are taken");
}

Deno.test({
  name: "User: all threads of a child are that user's, with its groups, on a port that only root may bind",
  ignore,
  fn: () =>
    withServer(
      { config: CONFIG, port: privilegedPort(), files: { "htdocs/index.html": "hello" } },
      async (server) => {
        assertEquals(await server.get(), "hello");
        const [child, ...others] = server.children();
        assertEquals(others, []);
        const uid = await outputOf("id", "-u", user!);
        const gid = await outputOf("id", "-g", user!);
        assertEquals(ofThreads(child, "Uid"), [[uid, uid, uid, uid].join("\t")]);
        assertEquals(ofThreads(child, "Gid"), [[gid, gid, gid, gid].join("\t")]);
        assertEquals(ofThreads(child, "Groups"), [await outputOf("id", "-G", user!)]);
        assertEquals(ofThreads(child, "CapPrm"), ["0000000000000000"]);
        assertEquals(ofThreads(server.pid, "Uid"), ["0\t0\t0\t0"]);
        // Its memory and its environment are no other process's of that user to read.
        assertEquals((await Deno.stat(`/proc/${child}/environ`)).uid, 0);
      },
    ),
});

Deno.test({
  name: "User: a graceful restart starts children of that user again, with logs opened anew",
  ignore,
  fn: () =>
    withServer({ config: CONFIG, files: { "htdocs/index.html": "hello" } }, async (server) => {
      await server.get("/?before");
      await until("the line", () => server.log("logs/access_log").includes("before"));
      const [old] = server.children();
      await Deno.rename(server.path("logs/access_log"), server.path("logs/access_log.1"));
      server.process.kill("SIGUSR1");
      await until("the next generation", () => !server.children().includes(old));
      assertEquals(await server.get("/?after"), "hello");
      await until("the line", () => server.log("logs/access_log").includes("after"));
      assert(!server.log("logs/access_log").includes("before"));
      const [child] = server.children();
      assertEquals(ofThreads(child, "Uid")[0].split("\t")[0], await outputOf("id", "-u", user!));
      assertEquals((await Deno.stat(server.path("logs/access_log"))).uid, 0);
    }),
});

/** Tries what a child of another user must not be able to do, and says how each ended. */
const ATTACKER = `
const tried = {};
async function attempt(name, action) {
  try { await action(); tried[name] = "done"; } catch (error) { tried[name] = error.name; }
}
const parent = Number(Deno.readTextFileSync("/proc/self/stat").split(") ")[1].split(" ")[1]);
export default {
  async fetch(request) {
    const root = new URL(request.url).searchParams.get("root");
    await attempt("signal the control process", () => Deno.kill(parent, "SIGUSR1"));
    await attempt("look into the control process", () => Deno.readTextFileSync("/proc/" + parent + "/environ"));
    await attempt("write the pid file", () => Deno.writeTextFileSync(root + "/logs/httpd.pid", "1"));
    await attempt("remove the pid file", () => Deno.removeSync(root + "/logs/httpd.pid"));
    await attempt("open the error log", () => Deno.openSync(root + "/logs/error_log", { append: true }));
    await attempt("add a file to logs", () => Deno.writeTextFileSync(root + "/logs/x", "x"));
    await attempt("read a file of root", () => Deno.readTextFileSync(root + "/secret"));
    const { seteuid } = Deno.dlopen("libc.so.6", { seteuid: { parameters: ["u32"], result: "i32" } }).symbols;
    tried["become root"] = seteuid(0) === 0 ? "done" : "refused";
    return Response.json(tried);
  },
};
`;

Deno.test({
  name: "User: a child can neither signal the control process, nor look into it, nor change what is root's",
  ignore,
  fn: () =>
    withServer({
      config: `${CONFIG}<Location /try>\nApplication app.ts\n</Location>\n`,
      files: { "app.ts": ATTACKER, "secret": "x", "htdocs/index.html": "hello" },
    }, async (server) => {
      await Deno.chmod(server.path("secret"), 0o600);
      const tried = JSON.parse(await server.get(`/try?root=${server.root}`)) as Record<string, string>;
      const done = Object.entries(tried).filter(([, how]) =>
        !/^(?:refused|PermissionDenied|NotCapable)$/.test(how)
      );
      assertEquals(done, []);
      assertEquals(Object.keys(tried).length, 8);
      // The directory of the control channel cannot be listed, and the socket is that user's alone.
      const [child] = server.children();
      const environment = Deno.readTextFileSync(`/proc/${child}/environ`);
      const path = /MPMD_CHILD=.*?"path":"([^"]+)"/.exec(environment)![1];
      const [directory, socket] = [await Deno.stat(join(path, "..")), await Deno.stat(path)];
      assertEquals([directory.uid, directory.mode! & 0o777], [0, 0o711]);
      assertEquals([String(socket.uid), socket.mode! & 0o022], [await outputOf("id", "-u", user!), 0]);
    }),
});

/** Descriptors of a process: target, and whether it may write. Those that it closes meanwhile are not its any more. */
function descriptors(pid: number): { fd: number; target: string; writable: boolean }[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].flatMap(({ name }) => {
    try {
      const info = Deno.readTextFileSync(`/proc/${pid}/fdinfo/${name}`);
      const flags = parseInt(/^flags:\s*(\d+)/m.exec(info)![1], 8);
      const target = Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
      return [{ fd: Number(name), target, writable: (flags & 3) !== 0 }];
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  });
}

Deno.test({
  name:
    "User: of what root has opened a child has its logs and sockets, and nothing else to write to; nor do its programs",
  ignore,
  fn: () =>
    withServer({
      config: `${CONFIG}<Location /fds>\nApplication app.ts\n</Location>\n`,
      files: {
        "htdocs/index.html": "hello",
        "app.ts": `export default {
          async fetch() {
            const { stdout } = await new Deno.Command("ls", { args: ["-l", "/proc/self/fd"] }).output();
            return new Response(stdout);
          },
        };`,
      },
    }, async (server, denoDirectory) => {
      assertEquals(await server.get(), "hello");
      const [child] = server.children();
      const all = descriptors(child);
      const files = all.filter(({ target, writable, fd }) => fd > 2 && writable && target.startsWith("/"));
      // Deno keeps copies of the standard streams, whatever they are.
      const standard = new Set(all.filter(({ fd }) => fd <= 2).map(({ target }) => target));
      const logs = [server.path("logs/access_log"), server.path("logs/error_log")];
      assertEquals(files.map(({ target }) => target).filter((target) => !standard.has(target)).sort(), logs);
      assert(all.every(({ target }) => !target.includes("scoreboard")));
      assertEquals(all.filter(({ target, writable }) => writable && target.startsWith(denoDirectory)), []);
      const inherited = (await server.get("/fds")).split("\n").map((line) => line.split(" -> ")[1] ?? "");
      assertEquals(inherited.filter((target) => logs.includes(target) || target.startsWith("socket:")), []);
    }),
});

Deno.test({
  name:
    "User: a child that breaks the protocol of the control channel is killed and replaced, and nothing else happens",
  ignore,
  fn: () =>
    withServer({
      config: `${CONFIG}<Location /garbage>\nApplication app.ts\n</Location>\n`,
      files: {
        "htdocs/index.html": "hello",
        "app.ts": `
          const { write } = Deno.dlopen("libc.so.6", {
            write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
          }).symbols;
          export default {
            fetch() {
              const garbage = new TextEncoder().encode("}garbage{\\n");
              for (const { name } of Deno.readDirSync("/proc/self/fd")) {
                try {
                  const target = Deno.readLinkSync("/proc/self/fd/" + name);
                  if (target.startsWith("socket:")) write(Number(name), garbage, BigInt(garbage.length));
                } catch {}
              }
              return new Response("sent");
            },
          };`,
      },
    }, async (server) => {
      const [child] = await until("a child", () =>
        server.children().length > 0 ? server.children() : undefined);
      await server.raw("GET /garbage HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").catch(() =>
        ""
      );
      await until("the end of that child", () => !server.children().includes(child));
      await until("an answer of another child", () => server.get().catch(() => undefined));
      await until(
        "the reason in the log",
        () => server.log("logs/error_log").includes(`child pid ${child} is killed for its message`),
      );
    }),
});

Deno.test({ name: "User: what cannot be is told at -t, with its line", ignore }, async () => {
  const directory = await sharedDenoDirectory();
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const file = join(root, "httpd.conf");
  try {
    const cases: readonly [string, RegExp][] = [
      [
        "Listen 80\nUser no-such-user\n",
        /AH00526: Syntax error on line 2 of .*\nAH00543: bad user name no-such-user/,
      ],
      [
        `Listen 80\nUser ${user}\nGroup no-such-group\n`,
        /line 3 of .*\nAH00544: bad group name no-such-group/,
      ],
      ["User #4294967295\n", /AH00543: bad user name #4294967295/],
      ["User #3999999999\n", /AH02155: User #3999999999: no user has this number/],
      ["Listen 80\nUser root\n", /line 2 of .*\n.*-D BIG_SECURITY_HOLE/],
      [`Listen 80\nGroup #33\n`, /line 2 of .*\nGroup has no effect without User/],
      [`ChrootDir ${root}\n`, /ChrootDir is not possible/],
    ];
    for (const [text, reason] of cases) {
      await Deno.writeTextFile(file, text);
      const { code, stderr } = await runCommand(["-t", "-f", file], { DENO_DIR: directory });
      assertEquals(code, 1, text);
      assertMatch(stderr, reason);
    }
    await Deno.writeTextFile(file, "User root\n");
    const { code } = await runCommand(["-t", "-f", file, "-D", "BIG_SECURITY_HOLE"], { DENO_DIR: directory });
    assertEquals(code, 0);
  } finally {
    await Deno.remove(root, { recursive: true });
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test({
  name: "User: what it cannot read of Deno's directory is laid out for it, where only root may write",
  ignore,
}, async () => {
  const directory = await sharedDenoDirectory();
  await Deno.chmod(directory, 0o700);
  const cache = await Deno.makeTempDir({ prefix: "mpmd-cache-" });
  try {
    const env = { DENO_DIR: directory, CACHE_DIRECTORY: join(cache, "mpmd") };
    await Deno.chmod(cache, 0o755);
    await using server = await TestServer.start({
      config: CONFIG,
      files: { "htdocs/index.html": "hello" },
      env,
      mode: 0o755,
    });
    assertEquals(await server.get(), "hello");
    const [child] = server.children();
    assertEquals(ofThreads(child, "Uid").length, 1);
    const { stdout } = await new Deno.Command("find", {
      args: [cache, "!", "-type", "l", "(", "-perm", "/022", "-o", "!", "-user", "root", ")"],
    }).output();
    assertEquals(new TextDecoder().decode(stdout), "");

    // A place where others may write is refused.
    await Deno.chmod(join(cache, "mpmd"), 0o777);
    const { code, stderr } = await runCommand(["-t", "-d", server.root], env);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "has to be root's, and nobody else may write there");
  } finally {
    await Deno.remove(cache, { recursive: true });
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test({ name: "User: an MPM without children refuses it", ignore }, async () => {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const file = join(root, "httpd.conf");
  await Deno.writeTextFile(file, `Listen 127.0.0.1:${freePort()}\nPidFile none\nUser ${user}\n`);
  try {
    for (const args of [["--mpm", "mpm_netware"], ["-D", "ONE_PROCESS"]]) {
      const { code, stderr } = await runCommand([...args, "-f", file]);
      assertEquals(code, 1);
      assertStringIncludes(stderr, "without children cannot change to another user");
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
