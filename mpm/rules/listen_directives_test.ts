import { assertEquals, assertThrows } from "@std/assert";
import { LISTEN_DIRECTIVES, parseListen } from "./listen_directives.ts";
import type { MpmSettings } from "../types.ts";

function apply(...lines: string[]): MpmSettings {
  const settings: MpmSettings = { listen: [] };
  for (const line of lines) {
    const [name, ...args] = line.split(" ");
    LISTEN_DIRECTIVES.find((row) => row.name === name)!.apply(args, settings);
  }
  return settings;
}

const TCP: readonly [string, string, number, string][] = [
  ["80", "", 80, "http"],
  ["443", "", 443, "https"],
  ["127.0.0.1:0", "127.0.0.1", 0, "http"],
  ["*:8080", "", 8080, "http"],
  ["192.0.2.1:443 HTTP", "192.0.2.1", 443, "http"],
  ["www.example.org:80 Ftp", "www.example.org", 80, "ftp"],
  ["[2001:db8::1]:80", "2001:db8::1", 80, "http"],
  ["[fe80::1%eth0]:80", "fe80::1%eth0", 80, "http"],
];

for (const [line, host, port, protocol] of TCP) {
  Deno.test(`Listen ${line}`, () => assertEquals(parseListen(line.split(" ")), { host, port, protocol }));
}

Deno.test("Listen takes the path of a Unix-domain socket, its permissions and a protocol", () => {
  assertEquals(parseListen(["unix:/run/a.sock"]), { path: "/run/a.sock", mode: 0o660, protocol: "http" });
  assertEquals(parseListen(["unix:/run/a.sock", "mode=0600", "HTTPS"]), {
    path: "/run/a.sock",
    mode: 0o600,
    protocol: "https",
  });
  assertEquals(parseListen(["unix:/run/a.sock", "https"]).protocol, "https");
});

const WRONG: readonly [string, string][] = [
  ["Listen www.example.org", "Port must be specified"],
  ["Listen 192.0.2.1:65536", "Port must be specified"],
  ["Listen ::1:80", "Invalid address or port"],
  ["Listen [2001:db8::1]", "Invalid address or port"],
  ["Listen 80 http more", 'not "more"'],
  ["Listen unix:run/a.sock", "absolute path"],
  ["Listen unix:/a mode=999", "octal"],
  ["Listen unix:/a mode=0660 http more", 'not "more"'],
  ["ListenBacklog 0", "1 or more"],
  ["SendBufferSize 511", "SendBufferSize must be >= 512 bytes, or 0 for system default"],
  ["ReceiveBufferSize -1", "ReceiveBufferSize must be >= 512 bytes, or 0 for system default"],
  ["AcceptFilter http sometimes", "none, data"],
];

for (const [line, reason] of WRONG) {
  Deno.test(`${line} is an error`, () => {
    assertThrows(() => apply(line), Error, reason);
  });
}

Deno.test("the same address twice is an error, also in other words", () => {
  for (const pair of [["Listen 80", "Listen *:80 https"], ["Listen unix:/a", "Listen unix:/a mode=0600"]]) {
    assertThrows(() => apply(...pair), Error, "Cannot define multiple Listeners on the same IP:port");
  }
});

Deno.test("AcceptFilter is kept for each protocol; the filters of other systems are understood", () => {
  const { acceptFilters } = apply("AcceptFilter HTTP none", "AcceptFilter https httpready");
  assertEquals(acceptFilters, { http: false, https: true });
});
