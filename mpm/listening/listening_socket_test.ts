import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import * as posix from "../../platform/posix.ts";
import { getOption, SocketOption } from "../../platform/sockets.ts";
import { BindError } from "./bind_error.ts";
import { bindTcp, bindUnix, putToListening, type SocketRules } from "./listening_socket.ts";
import type { MpmSettings } from "../types.ts";

const linux = Deno.build.os === "linux";
/** The C library is called there. */
const ignore = Deno.build.os === "windows";

const LOOPBACK = { host: "127.0.0.1", port: 0, protocol: "http" };

function rules(settings: Partial<MpmSettings>, protocol = "http"): SocketRules {
  const warn = (ah: string, message: string) => {
    throw new Error(`${ah} ${message}`);
  };
  return { settings: { listen: [], ...settings }, protocol, unix: false, patient: false, warn };
}

/** A socket that listens on a free port. */
function listening(settings: Partial<MpmSettings>, protocol?: string): { fd: number; port: number } {
  const fd = bindTcp(LOOPBACK, false);
  putToListening(fd, "the address", rules(settings, protocol));
  return { fd, port: posix.localAddress(fd).port };
}

/** Accepts one connection as soon as there is one. */
async function accepted(fd: number): Promise<number> {
  for (;;) {
    const connection = posix.acceptConnection(fd);
    if (connection >= 0) return connection;
    assertEquals(connection, -posix.Errno.EAGAIN);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test({
  name: "a connection has the options of the socket it came to: no call of its own is needed for them",
  ignore: !linux,
  async fn() {
    const { fd, port } = listening({
      sendBufferSize: 70_000,
      receiveBufferSize: 50_000,
      acceptFilters: { http: false },
    });
    using _client = await Deno.connect({ hostname: "127.0.0.1", port });
    const connection = await accepted(fd);
    assertEquals(getOption(connection, SocketOption.NoDelay), 1);
    assertEquals(getOption(connection, SocketOption.KeepAlive), 1);
    // Linux keeps as much again for itself.
    assertEquals(getOption(connection, SocketOption.SendBuffer), 140_000);
    assertEquals(getOption(connection, SocketOption.ReceiveBuffer), 100_000);
    posix.close(connection);
    posix.close(fd);
  },
});

Deno.test({
  name:
    "AcceptFilter data: a connection comes with its first bytes; none: at once; it can change while the socket listens",
  ignore: !linux,
  async fn() {
    const { fd, port } = listening({});
    using silent = await Deno.connect({ hostname: "127.0.0.1", port });
    assertEquals(posix.acceptConnection(fd), -posix.Errno.EAGAIN);
    await silent.write(new Uint8Array(1));
    posix.close(await accepted(fd));

    putToListening(fd, "the address", rules({ acceptFilters: { http: false } }));
    using _other = await Deno.connect({ hostname: "127.0.0.1", port });
    posix.close(await accepted(fd));
    posix.close(fd);

    // A protocol in which the server speaks first has no filter unless it is given one.
    const mail = listening({}, "smtp");
    using _third = await Deno.connect({ hostname: "127.0.0.1", port: mail.port });
    posix.close(await accepted(mail.fd));
    posix.close(mail.fd);
  },
});

Deno.test({
  name: "an address that is taken is AH00072 with errno, as httpd says it",
  ignore,
  fn() {
    const { fd, port } = listening({});
    const error = assertThrows(() => bindTcp({ ...LOOPBACK, port }, false), BindError);
    const errno = linux ? 98 : 48;
    assertEquals(
      error.message,
      `(${errno})Address already in use: AH00072: make_sock: could not bind to address 127.0.0.1:${port}`,
    );
    posix.close(fd);
  },
});

Deno.test({
  name: "an address that is not this machine's is AH00072 too",
  ignore,
  fn() {
    const error = assertThrows(() => bindTcp({ ...LOOPBACK, host: "192.0.2.1" }, false), BindError);
    assertStringIncludes(error.message, "AH00072: make_sock: could not bind to address 192.0.2.1:0");
  },
});

Deno.test({
  name: "a Unix-domain socket has its permissions, replaces what a dead server left, and nothing else",
  ignore,
  async fn() {
    const directory = await Deno.makeTempDir();
    const address = { path: `${directory}/a.sock`, mode: 0o640, protocol: "http" };
    const first = bindUnix(address);
    putToListening(first, "the address", { ...rules({}), unix: true });
    assertEquals(Deno.statSync(address.path).mode! & 0o777, 0o640);
    assertStringIncludes(
      assertThrows(() => bindUnix(address), BindError).message,
      "Address already in use: AH00072",
    );
    posix.close(first);

    const second = bindUnix({ ...address, mode: 0o600 });
    assertEquals(Deno.statSync(address.path).mode! & 0o777, 0o600);
    posix.close(second);

    await Deno.writeTextFile(`${directory}/file`, "precious");
    const path = `${directory}/file`;
    assertStringIncludes(assertThrows(() => bindUnix({ ...address, path }), BindError).message, "no socket");
    assertEquals(await Deno.readTextFile(path), "precious");
    assertThrows(() => bindUnix({ ...address, path: `${directory}/nowhere/a.sock` }), BindError, "AH00072");
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test({
  name: "what a program is started with holds no socket that was made here",
  ignore: !linux,
  fn() {
    const { fd } = listening({});
    // The descriptor is closed in whatever is started now.
    assert(isCloseOnExec(fd));
    posix.close(fd);
  },
});

function isCloseOnExec(fd: number): boolean {
  const flags = /^flags:\s*(\d+)/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`))![1];
  return (Number.parseInt(flags, 8) & 0o2000000) !== 0;
}
