// Does a service manager hear what sd_notify(3) says? A socket of the kind that systemd listens on, and a real server.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import { TestServer, until } from "./harness.ts";

const ignore = Deno.build.os !== "linux"; // systemd is Linux's

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const;
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

/** What systemd is to a service: a datagram socket, and the clock by which reloads are measured. */
class FakeManager {
  readonly #libc = Deno.dlopen("libc.so.6", SYMBOLS);
  readonly #fd: number;
  readonly #buffer = new Uint8Array(4096);
  readonly messages: string[] = [];

  /** @param name a path, or "@" and an abstract name */
  constructor(readonly name: string) {
    const { socket, bind } = this.#libc.symbols;
    const bytes = new TextEncoder().encode(name);
    const address = new Uint8Array(2 + bytes.length);
    address[0] = AF_UNIX;
    address.set(bytes, 2);
    if (name.startsWith("@")) address[2] = 0;
    this.#fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assertEquals(bind(this.#fd, address, address.length), 0);
  }

  /** Takes what has arrived. */
  receive(): readonly string[] {
    for (;;) {
      const n = Number(this.#libc.symbols.recv(this.#fd, this.#buffer, 4096n, MSG_DONTWAIT));
      if (n < 0) return this.messages;
      this.messages.push(new TextDecoder().decode(this.#buffer.subarray(0, n)));
    }
  }

  /** The message after the first `after` ones that begins with `start`, and its index. */
  async hears(start: string, after = 0): Promise<{ text: string; index: number }> {
    return await until(start, () => {
      const index = this.receive().findIndex((text, i) => i >= after && text.startsWith(start));
      return index < 0 ? undefined : { text: this.messages[index], index };
    });
  }

  [Symbol.dispose](): void {
    this.#libc.symbols.close(this.#fd);
    this.#libc.close();
  }
}

const CONFIG = `Listen 127.0.0.1:@PORT@
DocumentRoot htdocs
ExtendedStatus On
<Location /environment>
Application app.ts
</Location>
`;
const FILES = {
  "htdocs/index.html": "hello",
  "app.ts": `export default { fetch: () => Response.json(Object.keys(Deno.env.toObject())) };`,
};

Deno.test({
  name: "systemd: ready, reloading, ready again, stopping; also when a configuration is refused",
  ignore,
}, async () => {
  const directory = await Deno.makeTempDir({ prefix: "mpmd-notify-" });
  try {
    using manager = new FakeManager(join(directory, "notify"));
    await using server = await TestServer.start({
      config: CONFIG,
      files: FILES,
      env: { NOTIFY_SOCKET: manager.name },
    });
    const ready = await manager.hears("READY=1");
    assertMatch(
      ready.text,
      new RegExp(`\nMAINPID=${server.pid}\nSTATUS=\\d+ child(?:ren)?, \\d+ of \\d+ slots busy`),
    );
    assertEquals(ready.index, 0);

    server.process.kill("SIGUSR1");
    const reloading = await manager.hears("RELOADING=1");
    const micros = Number(/^MONOTONIC_USEC=(\d+)$/m.exec(reloading.text)![1]);
    const uptime = Number((await Deno.readTextFile("/proc/uptime")).split(" ")[0]) * 1e6;
    assert(micros > 0 && micros <= uptime + 1e6, `${micros} is later than now, ${uptime}`);
    const again = await manager.hears("READY=1", reloading.index);

    await Deno.writeTextFile(server.path("conf/httpd.conf"), "Nonsense\n");
    server.process.kill("SIGUSR1");
    const refused = await manager.hears("RELOADING=1", again.index);
    await manager.hears("READY=1", refused.index);
    assertEquals(await server.get(), "hello");

    // Nothing that the server starts can speak for it.
    const names = JSON.parse(await server.get("/environment")) as string[];
    assertEquals(names.filter((name) => /^(?:NOTIFY_|WATCHDOG_|MPMD_)/.test(name)), []);
    server.process.kill("SIGWINCH");
    await manager.hears("STOPPING=1");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test({
  name: "systemd: signs of life as long as a child answers, and the status, to an abstract socket",
  ignore,
}, async () => {
  using manager = new FakeManager(`@mpmd-test-${crypto.randomUUID()}`);
  await using server = await TestServer.start({
    config: CONFIG + "StartServers 1\n",
    files: FILES,
    env: { NOTIFY_SOCKET: manager.name, WATCHDOG_USEC: "400000" },
  });
  const first = await manager.hears("WATCHDOG=1");
  await manager.hears("WATCHDOG=1", first.index + 1);
  const [child] = server.children();
  Deno.kill(child, "SIGSTOP");
  let signs = -1;
  let since = performance.now();
  await until("two seconds without a sign of life", () => {
    const now = manager.receive().filter((text) => text === "WATCHDOG=1").length;
    if (now !== signs) since = performance.now();
    signs = now;
    return performance.now() - since > 2000;
  }, 60);
  const { text } = await manager.hears("STATUS=");
  assertMatch(text, /^STATUS=\d+ child(?:ren)?, \d+ of \d+ slots busy/);
  Deno.kill(child, "SIGCONT");
  await manager.hears("WATCHDOG=1", manager.messages.length);
});

Deno.test({
  name: "systemd: a watchdog that is another process's is not served; a socket that cannot be is a warning",
  ignore,
}, async () => {
  using manager = new FakeManager(`@mpmd-test-${crypto.randomUUID()}`);
  {
    await using _server = await TestServer.start({
      config: CONFIG,
      files: FILES,
      env: { NOTIFY_SOCKET: manager.name, WATCHDOG_USEC: "20000", WATCHDOG_PID: "1" },
    });
    await manager.hears("READY=1");
  }
  await manager.hears("STOPPING=1");
  assertEquals(manager.receive().filter((text) => text.includes("WATCHDOG")), []);

  for (const name of ["relative/path", "/nowhere/notify"]) {
    await using server = await TestServer.start({
      config: CONFIG,
      files: FILES,
      env: { NOTIFY_SOCKET: name },
    });
    await until("the warning", () => /\[systemd:warn\]/.test(server.log("logs/error_log")));
    assertEquals(await server.get(), "hello");
  }
});
