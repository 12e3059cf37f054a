// Does the system's log get what syslog(3) would send?

import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path";
import * as posix from "../../platform/posix.ts";
import { Syslog, syslogMessage, syslogTrouble } from "./syslog.ts";

/** A Unix datagram socket that listens, by the C library: Deno has none. */
function receiver(path: string) {
  const libc = Deno.dlopen(posix.libraryName, {
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  }).symbols;
  const fd = libc.socket(1, 2, 0);
  const address = new Uint8Array(110);
  address[0] = 1;
  address.set(new TextEncoder().encode(path), 2);
  assert(libc.bind(fd, address, 110) === 0, `cannot bind ${path}`);
  posix.setNonBlocking(fd, true);
  return {
    /** The next datagram; undefined: there is none. */
    next() {
      const buffer = new Uint8Array(65_536);
      const length = posix.receive(fd, buffer);
      return length < 0 ? undefined : new TextDecoder().decode(buffer.subarray(0, length));
    },
    close: () => posix.close(fd),
  };
}

Deno.test("syslog: priority, time, tag and process precede the line", () => {
  const time = new Date(2026, 2, 4, 5, 6, 7).getTime();
  const message = (level: Parameters<typeof syslogMessage>[2]) =>
    syslogMessage("x", "local7", level, "web", time);
  assertEquals(message("error"), `<187>Mar  4 05:06:07 web[${Deno.pid}]: x`);
  assertEquals(["emerg", "debug", "trace8"].map((level) => message(level as "emerg").split(">")[0]), [
    "<184",
    "<191",
    "<191",
  ]);
});

Deno.test({
  name: "syslog: lines are datagrams; those that nobody receives are counted",
  ignore: Deno.build.os !== "linux", // the layout of the test's sockaddr
}, async () => {
  const root = await Deno.makeTempDir({ prefix: "mpmd-test-" });
  const path = join(root, "log");
  posix.openLibc();
  assert(syslogTrouble(path)?.includes("nobody receives"));
  const first = receiver(path);
  assertEquals(syslogTrouble(path), undefined);
  const syslog = new Syslog("user", "mpmd", path);
  try {
    syslog.send("one", "warn", 0);
    assertMatch(first.next() ?? "", /^<12>.* mpmd\[\d+\]: one$/);
    // The receiver is started anew under the same name.
    first.close();
    Deno.removeSync(path);
    syslog.send("lost", "warn", 0);
    assertEquals(syslog.lost, 1);
    const second = receiver(path);
    const other = new Syslog("user", "mpmd", path);
    other.send("two", "warn", 0);
    other.close();
    assertMatch(second.next() ?? "", /: two$/);
    second.close();
  } finally {
    syslog.close();
    await Deno.remove(root, { recursive: true });
  }
});
