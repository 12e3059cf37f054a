// Does each request get the virtual host that httpd would give it?

import { assertEquals, assertThrows } from "@std/assert";
import { canonicalAddress, parseHostAddress } from "./addresses.ts";
import { ArgumentError } from "./errors.ts";
import type { ServerConfig } from "./server_config.ts";
import { load, noteHost } from "./test_support.ts";
import { selectVirtualHost } from "./vhosts.ts";

/** Hosts that note their number: their addresses and the lines in them. */
function hosts(...parts: readonly (readonly [addresses: string, ...lines: string[]])[]): ServerConfig {
  const text = parts.map(([addresses, ...lines], index) =>
    [`<VirtualHost ${addresses}>`, `HostNote ${index + 1}`, ...lines, "</VirtualHost>"].join("\n")
  );
  return load(text.join("\n"));
}

/** The number of the host that is selected; 0: the main server. */
function selected(config: ServerConfig, address: string, port: number, host?: string, path?: string): number {
  return Number(selectVirtualHost(config, address, port, host, path).store.get(noteHost).notes[0] ?? 0);
}

Deno.test("vhosts: the best address counts alone", () => {
  const config = hosts(["*"], ["*:80"], ["10.0.0.1"], ["10.0.0.1:80"], ["[::1]:80"], ["_default_:8080"]);
  const rows: [address: string, port: number, expected: number][] = [
    ["10.0.0.1", 80, 4],
    ["10.0.0.1", 81, 3],
    ["10.0.0.2", 80, 2],
    ["10.0.0.2", 81, 1],
    ["10.0.0.2", 8080, 6],
    ["::1", 80, 5],
    ["0:0:0:0:0:0:0:1", 80, 5],
    ["::ffff:10.0.0.1", 80, 4],
    ["fe80::1%eth0", 81, 1],
  ];
  // Twice: the second answer comes from what was kept.
  for (const [address, port, expected] of [...rows, ...rows]) {
    assertEquals(selected(config, address, port, "x"), expected, `${address} ${port}`);
  }
});

Deno.test("vhosts: without a host on the address the main server answers", () => {
  assertEquals(selected(hosts(["10.0.0.1:80", "ServerName a"]), "10.0.0.2", 80, "a"), 0);
  assertEquals(selected(hosts(["10.0.0.1:80", "ServerName a"]), "10.0.0.2", 80, "a"), 0);
  assertEquals(selected(load("ServerName a"), "10.0.0.1", 80, "a"), 0);
});

Deno.test("vhosts: among the hosts of an address the first with the name, else the first", () => {
  const config = hosts(
    ["*:80", "ServerName first.example"],
    ["*:80", "ServerName a.example", "ServerAlias b.example *.c.example"],
    ["*:80", "ServerName x.c.example", "ServerAlias b.example y?.d"],
    ["*:81", "ServerName other.example"],
  );
  const rows: [host: string | undefined, expected: number][] = [
    ["a.example", 2],
    ["A.Example:80", 2],
    ["a.example.", 2],
    ["b.example", 2],
    // A pattern of an earlier host wins over the name of a later one.
    ["x.c.example", 2],
    ["yz.d", 3],
    ["y.d", 1],
    ["other.example", 1],
    ["unknown", 1],
    ["", 1],
    [undefined, 1],
  ];
  for (const [host, expected] of [...rows, ...rows]) {
    assertEquals(selected(config, "1.2.3.4", 80, host), expected, host);
  }
});

Deno.test("vhosts: the name of an earlier host wins over a pattern of a later one", () => {
  const config = hosts(["*"], ["*", "ServerName a.example"], ["*", "ServerAlias *.example"]);
  assertEquals(selected(config, "1.2.3.4", 80, "a.example"), 2);
  assertEquals(selected(config, "1.2.3.4", 80, "b.example"), 3);
});

Deno.test("vhosts: the name or address in <VirtualHost> counts after all names", () => {
  const config = hosts(["*:80"], ["www.example:80"], ["*:80", "ServerAlias www.example"], [
    "other.example:80",
  ]);
  assertEquals(selected(config, "1.2.3.4", 80, "www.example"), 3);
  assertEquals(selected(config, "1.2.3.4", 80, "other.example"), 4);
  const literal = hosts(["[::1]:80"], ["[::1]:80 10.0.0.1:80"]);
  assertEquals(selected(literal, "::1", 80, "10.0.0.1"), 2);
  assertEquals(selected(literal, "::1", 80, "[::1]:80"), 1);
});

Deno.test("vhosts: a host without ServerName is not found by the main server's name", () => {
  const config = load(`ServerName main
<VirtualHost *>
  HostNote 1
  ServerName one
</VirtualHost>
<VirtualHost *>
  HostNote 2
</VirtualHost>`);
  assertEquals(selected(config, "1.2.3.4", 80, "main"), 1);
});

Deno.test("vhosts: ServerPath selects where there is no Host field, and only there", () => {
  const config = hosts(["*", "ServerName a"], ["*", "ServerName b", "ServerPath /p"]);
  const rows: [host: string | undefined, path: string, expected: number][] = [
    [undefined, "/p", 2],
    [undefined, "/p/x", 2],
    [undefined, "/px", 1],
    ["a", "/p", 1],
  ];
  for (const [host, path, expected] of rows) {
    assertEquals(selected(config, "1.2.3.4", 80, host, path), expected, path);
  }
});

Deno.test("vhosts: any number of unknown names is answered", () => {
  const config = hosts(["*", "ServerName a"], ["*", "ServerAlias *.b"]);
  for (let i = 0; i < 3000; i++) {
    assertEquals(selected(config, `10.0.${i >> 8}.${i & 255}`, 80, `n${i}.b`), 2);
    assertEquals(selected(config, "1.2.3.4", 80, `n${i}`), 1);
  }
});

Deno.test("addresses: every form of addr[:port]", () => {
  const rows: [text: string, kind: string, host: string, port: number | undefined][] = [
    ["*", "any", "*", undefined],
    ["*:*", "any", "*", undefined],
    ["*:80", "any", "*", 80],
    ["_Default_:443", "any", "*", 443],
    ["10.0.0.1", "ip", "10.0.0.1", undefined],
    ["10.0.0.1:8080", "ip", "10.0.0.1", 8080],
    ["[2001:DB8:0::1]:443", "ip", "2001:db8::1", 443],
    ["[::ffff:10.0.0.1]", "ip", "10.0.0.1", undefined],
    ["WWW.Example.com:80", "name", "www.example.com", 80],
    ["localhost", "name", "localhost", undefined],
  ];
  for (const [text, kind, host, port] of rows) {
    assertEquals(parseHostAddress(text), { kind, host, port } as never, text);
  }
  for (
    const text of [
      "",
      ":80",
      "80",
      "::1",
      "*:0",
      "*:65536",
      "*:x",
      "[::1",
      "[x]",
      "1.2.3",
      "1.2.3.256",
      "a..b",
      "a b",
      "a:1:2",
    ]
  ) {
    assertThrows(() => parseHostAddress(text), ArgumentError, "Invalid address or port");
  }
});

Deno.test("addresses: what is no IP address has no spelling", () => {
  for (const text of ["", "a", "1.2.3", "::g", "1:2", "::1::"]) {
    assertEquals(canonicalAddress(text), undefined, text);
  }
});

Deno.test("vhosts: which names are known, for StrictHostCheck", () => {
  const config = hosts(["10.0.0.1:80", "ServerName a", "ServerAlias *.b"], ["10.0.0.1:80"]);
  const known = (host: string, port = 80) => config.hostTable.knows("10.0.0.1", port, host);
  assertEquals(["a", "A.:80", "x.b", "10.0.0.1"].map((host) => known(host)), [true, true, true, true]);
  assertEquals([known("b"), known("c"), known("a", 81)], [false, false, false]);
  assertEquals(load("ServerName main").hostTable.knows("10.0.0.1", 80, "main"), true);
});
