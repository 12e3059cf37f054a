import { assertEquals, assertThrows } from "@std/assert";
import { type Binder, type Bound, rebind } from "./bind.ts";
import { cannotBind } from "./bind_error.ts";
import { addressText } from "./listen_addresses.ts";
import type { ListenAddress } from "../types.ts";

/** A system on which binding fails for some addresses. `log` is what was done. */
function system(failing: readonly string[] = []): Binder<string> & { readonly log: string[] } {
  const log: string[] = [];
  return {
    log,
    bind: (address) => {
      const text = addressText(address);
      if (failing.includes(text)) throw cannotBind("(98)Address already in use", text);
      log.push(`bind ${text}`);
      return text;
    },
    close: (socket) => log.push(`close ${socket}`),
    warn: (message) => log.push(`warn ${message}`),
  };
}

function tcp(host: string, port: number): ListenAddress {
  return { host, port, protocol: "http" };
}

function held(...addresses: ListenAddress[]): Bound<string>[] {
  return addresses.map((address) => ({ address, socket: addressText(address) }));
}

const [SIX, FOUR] = [tcp("::", 80), tcp("0.0.0.0", 80)];
const IN_USE = "(98)Address already in use: AH00072: make_sock: could not bind to address";

Deno.test("rebind: what stays is kept, what is gone is closed after what is new has been bound", () => {
  const binder = system();
  const wanted = rebind(held(tcp("127.0.0.1", 1), tcp("127.0.0.1", 2)), [
    tcp("127.0.0.1", 2),
    tcp("127.0.0.1", 3),
  ], binder);
  assertEquals(wanted.map(({ socket }) => socket), ["127.0.0.1:2", "127.0.0.1:3"]);
  assertEquals(binder.log, ["bind 127.0.0.1:3", "close 127.0.0.1:1"]);
});

Deno.test("rebind: after a failure nothing has changed", () => {
  const binder = system(["127.0.0.1:4"]);
  const old = held(tcp("127.0.0.1", 1));
  const wanted = [tcp("127.0.0.1", 3), tcp("127.0.0.1", 4)];
  assertThrows(() => rebind(old, wanted, binder), Error, `${IN_USE} 127.0.0.1:4`);
  assertEquals(binder.log, ["bind 127.0.0.1:3", "close 127.0.0.1:3"]);
});

Deno.test("rebind: an IPv6 wildcard covers the IPv4 one of the same port only", () => {
  const wanted = rebind(held(), [SIX, FOUR, tcp("0.0.0.0", 81)], system());
  assertEquals(wanted.map(({ socket }) => socket), ["[::]:80", "0.0.0.0:81"]);
});

Deno.test("rebind: without an IPv6 wildcard the IPv4 one is enough, and that is said", () => {
  const binder = system(["[::]:80"]);
  assertEquals(rebind(held(), [SIX, FOUR], binder).map(({ socket }) => socket), ["0.0.0.0:80"]);
  assertEquals(binder.log, ["bind 0.0.0.0:80", `warn ${IN_USE} [::]:80`]);
});

Deno.test("rebind: with neither wildcard both failures are told", () => {
  const binder = system(["[::]:80", "0.0.0.0:80"]);
  assertThrows(() => rebind(held(), [SIX, FOUR], binder), Error, `${IN_USE} [::]:80\n${IN_USE} 0.0.0.0:80`);
});
