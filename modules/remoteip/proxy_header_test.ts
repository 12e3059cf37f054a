// What is a header of the PROXY protocol, and what is none? Checked against what Debian's apache2 2.4.71 takes and refuses.

import { assert, assertEquals } from "@std/assert";
import { endpoint } from "../../platform/addresses.ts";
import { readProxyHeader } from "./proxy_header.ts";

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";
const IP4 = "\xc0\0\x02\x21\x0a\0\0\x01\x15\xb3\0\x50";
const IP6 = "\x20\x01\x0d\xb8" + "\0".repeat(11) + "\x05" + "\0".repeat(16) + "\x1a\x0a\0\x50";

function binary(command: number, family: number, data: string, size = data.length): string {
  return SIGNATURE + String.fromCharCode(0x20 | command, family, size >> 8, size & 255) + data;
}

/** What is made of `text`: a client, "peer", "none", a number of bytes that are awaited, or the AH number of the refusal. */
function found(text: string): string {
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  const header = readProxyHeader(bytes, bytes.length);
  if (header.kind === "partial") return `needs ${header.needed}`;
  if (header.kind === "refused") return header.ah ?? "none";
  const { address, port } = header.client === undefined
    ? { address: "peer", port: 0 }
    : endpoint(header.client);
  return `${address} ${port}, ${text.length - header.length} left`;
}

Deno.test("PROXY headers: taken, awaited, refused", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["PROXY TCP4 192.0.2.1 10.0.0.1 4444 80\r\nGET", "192.0.2.1 4444, 3 left"],
    ["PROXY TCP6 2001:DB8::1 ::1 4444 80\r\n", "2001:db8::1 4444, 0 left"],
    ["PROXY TCP4 1.1.1.1 2.2.2.2 99\r\n", "1.1.1.1 99, 0 left"],
    ["PROXY TCP4 1.1.1.1 2.2.2.2 99999 1\r\n", "1.1.1.1 34463, 0 left"],
    ["PROXY UNKNOWN\r\nGET", "peer 0, 3 left"],
    ["PROXY UNKNOWN ffff:: a b c\r\n", "peer 0, 0 left"],
    ["PROXY\r\n" + " ".repeat(9), "none"],
    ["PROXY  \r\n" + " ".repeat(9), "AH03497"],
    ["PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n", "AH03499"],
    ["PROXY TCP4 fe80::1 2.2.2.2 1 2\r\n", "AH03500"],
    ["PROXY TCP4 300.1.1.1 2.2.2.2 1 2\r\n", "AH03502"],
    ["PROXY TCP4 1.1.1.1 2.2.2.2 x 2\r\n", "AH03501"],
    ["PROXY TCP4 1.1.1.1 2.2.2.2\r\n", "AH03497"],
    ["PROXY TCP4 " + "1".repeat(200) + "\r\n", "AH10185"],
    ["PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", "needs 32"],
    ["proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n", "none"],
    ["GET / HTTP/1.1\r\n\r\n", "none"],
    ["P", "needs 15"],
    ["PRI", "none"],
    [binary(1, 0x11, IP4) + "GET", "192.0.2.33 5555, 3 left"],
    [binary(1, 0x11, IP4 + "\x04\0\x01x"), "192.0.2.33 5555, 0 left"],
    [binary(1, 0x21, IP6), "2001:db8::5 6666, 0 left"],
    [binary(0, 0, ""), "peer 0, 0 left"],
    [binary(0, 0x11, IP4), "peer 0, 0 left"],
    [binary(1, 0x11, IP4, 13), "needs 29"],
    [SIGNATURE, "needs 16"],
    [SIGNATURE + "\x11\x11\0\x0c" + IP4, "none"],
    [binary(1, 0x11, IP4.slice(0, 4)), "AH10597"],
    [binary(1, 0x11, IP4 + "x".repeat(259)), "AH10186"],
    [binary(1, 0x31, "\0".repeat(216)), "AH10183"],
    [binary(1, 0x12, IP4), "AH10183"],
    [binary(2, 0x11, IP4), "AH03507"],
  ];
  for (const [text, expected] of cases) assertEquals(found(text), expected, JSON.stringify(text));
});

Deno.test("PROXY headers: however they are cut, the same is found, and what is awaited is never more than there is", () => {
  for (const text of ["PROXY TCP4 192.0.2.1 10.0.0.1 4444 80\r\n", binary(1, 0x21, IP6), binary(0, 0, "")]) {
    for (let length = 0; length < text.length; length++) {
      const [, needed] = /^needs (\d+)$/.exec(found(text.slice(0, length))) ?? [];
      assert(Number(needed) > length && Number(needed) <= text.length, `${length}: needs ${needed}`);
    }
  }
});
