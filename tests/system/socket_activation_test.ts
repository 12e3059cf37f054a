// Does the server take the sockets that a service manager has bound for it (systemd's LISTEN_FDS)? The test is the manager.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bindTcp, bindUnix, putToListening } from "../../mpm/listening/listening_socket.ts";
import * as posix from "../../platform/posix.ts";
import { freePort, inTime, TestServer, until } from "./harness.ts";
import { config, FILES, GET, MODELS } from "./models.ts";

const linux = Deno.build.os === "linux";
/** Descriptors are passed between processes there. */
const ignore = !linux && Deno.build.os !== "darwin";

const EVENT = MODELS.find(({ name }) => name === "event")!;

/** A manager's sockets: one on a port, one on a path. */
class Manager {
  readonly port = freePort();
  readonly directory = Deno.makeTempDirSync({ prefix: "mpmd-sockets-" });
  readonly path = `${this.directory}/site.sock`;
  readonly #fds: readonly number[];

  constructor() {
    posix.openLibc();
    const tcp = bindTcp({ host: "127.0.0.1", port: this.port, protocol: "http" }, false);
    const unix = bindUnix({ path: this.path, mode: 0o600, protocol: "http" });
    const warn = (ah: string, message: string) => assert(false, `${ah} ${message}`);
    for (const fd of this.#fds = [tcp, unix]) {
      const rules = { settings: { listen: [] }, protocol: "http", unix: fd === unix, patient: false, warn };
      putToListening(fd, "the manager's address", rules);
      posix.setCloseOnExec(fd, false);
    }
  }

  /** Starts a server as systemd does: descriptors 3 and 4, and variables for the process that it becomes. */
  start(lines: string): Promise<TestServer> {
    const [tcp, unix] = this.#fds;
    const script = `exec 100<&${tcp} 101<&${unix} 3<&100 4<&101 100<&- 101<&-
LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:local exec "$@"`;
    return TestServer.start({
      config: `${lines}\n${config(EVENT, EVENT.four)}`,
      files: FILES,
      launcher: ["bash", "-c", script, "manager"],
    });
  }

  /** Asks over the port. */
  async get(): Promise<string> {
    return await answer(await Deno.connect({ hostname: "127.0.0.1", port: this.port }));
  }

  async getLocal(): Promise<string> {
    return await answer(await Deno.connect({ transport: "unix", path: this.path }));
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) posix.close(fd);
    Deno.removeSync(this.directory, { recursive: true });
  }
}

async function answer(connection: Deno.Conn): Promise<string> {
  await connection.write(new TextEncoder().encode(GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")));
  return await inTime("an answer", new Response(connection.readable).text());
}

Deno.test({
  name: "sockets that match a Listen line are taken over, others are bound; children know nothing of it",
  ignore,
  async fn() {
    using manager = new Manager();
    await using server = await manager.start(`Listen 127.0.0.1:${manager.port}\nListen unix:${manager.path}`);
    // Were they not taken over, binding them would have failed: the manager listens.
    assertStringIncludes(await manager.get(), "welcome");
    assertStringIncludes(await manager.getLocal(), "welcome");
    assertEquals(await server.get(), FILES["htdocs/index.html"]);
    if (linux) {
      const children = server.children();
      assert(children.length > 0);
      for (const pid of children) {
        assert(
          !/(^|\0)LISTEN_/.test(Deno.readTextFileSync(`/proc/${pid}/environ`)),
          "a child has LISTEN_ variables",
        );
      }
    }
  },
});

Deno.test({
  name: "a socket of the manager stays open when a restart does without it, and can be named again",
  ignore,
  async fn() {
    using manager = new Manager();
    const lines = `Listen 127.0.0.1:${manager.port}`;
    await using server = await manager.start(lines);
    const path = server.path("conf/httpd.conf");
    const text = Deno.readTextFileSync(path);
    for (const [i, next] of [text.replace(lines, ""), text].entries()) {
      Deno.writeTextFileSync(path, next);
      await server.restartGracefully();
      await until("the restart", () => server.log("logs/error_log").split("AH00489").length > i + 2);
    }
    assertStringIncludes(await manager.get(), "welcome");
  },
});

Deno.test({
  name: "a client that comes between two starts of the server is served by the second",
  ignore,
  async fn() {
    using manager = new Manager();
    const lines = `Listen 127.0.0.1:${manager.port}\nListen unix:${manager.path}`;
    const first = await manager.start(lines);
    assertStringIncludes(await manager.get(), "welcome");
    await first[Symbol.asyncDispose]();
    const waiting = [manager.get(), manager.getLocal()];
    await using _second = await manager.start(lines);
    for (const text of await Promise.all(waiting)) assertStringIncludes(text, "welcome");
  },
});

Deno.test({
  name: "variables that are for another process are not followed",
  ignore,
  async fn() {
    await using server = await TestServer.start({
      config: config(EVENT, EVENT.four),
      files: FILES,
      env: { LISTEN_PID: "1", LISTEN_FDS: "3" },
    });
    assertEquals(await server.get(), FILES["htdocs/index.html"]);
    assert(
      !server.log("logs/error_log").includes("LISTEN_FDS"),
      "it has looked at descriptors that are not for it",
    );
  },
});
