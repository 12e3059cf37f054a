import { assertEquals, assertThrows } from "@std/assert";
import { endpoint } from "./addresses.ts";
import * as posix from "./posix.ts";
import {
  bindSocket,
  createSocket,
  inetName,
  isListening,
  listen,
  setOption,
  SocketOption,
  unixName,
} from "./sockets.ts";

/** The C library is called there. */
const ignore = Deno.build.os === "windows";

Deno.test({
  name: "a socket bound by name has that address",
  ignore,
  fn() {
    for (const address of ["127.0.0.1", "::1"]) {
      const name = inetName(address, 0);
      const fd = createSocket(name);
      setOption(fd, SocketOption.ReuseAddress, 1);
      bindSocket(fd, name);
      assertEquals(isListening(fd), false);
      listen(fd, 5);
      assertEquals(isListening(fd), true);
      assertEquals(endpoint(posix.localAddress(fd)).address, address);
      posix.close(fd);
    }
  },
});

Deno.test({
  name: "a zone is a number or the name of an interface",
  ignore,
  fn() {
    const scope = (address: string) => new DataView(inetName(address, 80).bytes.buffer).getUint32(24, true);
    assertEquals(scope("fe80::1%7"), 7);
    assertEquals(scope("fe80::1"), 0);
    assertEquals(scope(`fe80::1%${Deno.build.os === "darwin" ? "lo0" : "lo"}`) > 0, true);
    assertThrows(() => inetName("fe80::1%nosuch0", 80), RangeError, "nosuch0");
  },
});

Deno.test({
  name: "what is no address, or too long a path, is a RangeError",
  ignore,
  fn() {
    assertThrows(() => inetName("1.2.3.256", 80), RangeError);
    assertThrows(() => inetName("::g", 80), RangeError);
    assertThrows(() => unixName(`/${"x".repeat(200)}`), RangeError, "201");
  },
});
