// Is a response understood in one way only, however its bytes come in?

import { assertEquals } from "@std/assert";
import { ParserEvent } from "./events.ts";
import { ResponseParser } from "./response.ts";

const OPTIONS = { limitRequestFields: 20, limitRequestFieldSize: 200 };

/** What a parser makes of `text` in pieces of `size` bytes: a line per event, the body joined. */
function read(text: string, size = text.length, method = "GET", options = OPTIONS): string {
  const parser = new ResponseParser(options);
  parser.expect(method);
  const all = Uint8Array.from(text, (char) => char.charCodeAt(0));
  let told = "";
  let body = "";
  for (let at = 0; at < all.length; at += size) {
    const piece = all.slice(at, at + size);
    let pos = 0;
    for (;;) {
      const event = parser.next(piece, pos, piece.length);
      pos = parser.pos;
      if (event === ParserEvent.NeedData) break;
      if (event === ParserEvent.Head) {
        const { status, reason, bodyKind, keepAlive } = parser.head;
        const fields = [...parser.head.entries()].map(([name, value]) => `${name}=${value}`).join("&");
        told += `${status} ${reason} ${bodyKind} ${keepAlive ? "keep" : "close"} ${fields}\n`;
      } else if (event === ParserEvent.Data) {
        for (let i = parser.dataStart; i < parser.dataEnd; i++) body += String.fromCharCode(piece[i]);
      } else if (event === ParserEvent.End) {
        const rest = piece.length - pos + Math.max(0, all.length - at - size);
        return `${told}${body}|${rest === 0 ? "" : `${rest} left`}`;
      } else return `${told}${body}!${parser.error?.message}`;
    }
  }
  return `${told}${body}${parser.endsWell() ? "|" : "..."}`;
}

const CASES: readonly (readonly [name: string, text: string, told: string, method?: string])[] = [
  ["length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "200 OK length keep Content-Length=3\nabc|"],
  [
    "behind the end",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc",
    "200 OK length keep Content-Length=1\na|2 left",
  ],
  ["close", "HTTP/1.0 200 OK\r\n\r\nabc", "200 OK close close \nabc|"],
  [
    "cut off",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
    "200 OK length keep Content-Length=5\nabc...",
  ],
  [
    "chunked",
    "HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "200  chunked keep Transfer-Encoding=chunked\nabc|",
  ],
  ["no reason", "HTTP/1.1 204\r\n\r\n", "204  none keep \n|"],
  [
    "interim",
    "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
    "103 Early none keep Link=</a>\n204 No none keep \n|",
  ],
  ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "200 OK none keep Content-Length=7\n|", "HEAD"],
  [
    "HEAD chunked",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "200 OK none keep Transfer-Encoding=chunked\n|",
    "HEAD",
  ],
  [
    "the same length twice",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "200 OK length keep Content-Length=1&Content-Length=1\na|",
  ],
  [
    "two lengths",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "!Content-Length is not one number",
  ],
  [
    "length with a sign",
    "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
    "!Content-Length is not one number",
  ],
  [
    "length and chunked: never again",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "200 OK chunked close Content-Length=3&Transfer-Encoding=chunked\n|",
  ],
  [
    "another coding",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "!Transfer-Encoding is not chunked",
  ],
  [
    "coding twice",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
    "!Transfer-Encoding is not chunked",
  ],
  [
    "chunked of 1.0",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "!Transfer-Encoding in a response of HTTP/1.0",
  ],
  ["bare LF", "HTTP/1.1 200 OK\nA: b\n\n", "!bad status line"],
  [
    "a bare CR in a value",
    "HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: x\r\n\r\n",
    "!control character in a header field value",
  ],
  [
    "a blank before the colon",
    "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
    "!header field name is not a token before a colon",
  ],
  ["no status line", "<html>no\r\n\r\n", "!bad status line"],
  ["no line at all", "\x16\x03\x01\x02\x03\x04\x05", "!bad status line"],
  ["HTTP/2", "HTTP/2 200 OK\r\n\r\n", "!bad status line"],
  ["four digits", "HTTP/1.1 2000 OK\r\n\r\n", "!bad status line"],
  [
    "a long field",
    `HTTP/1.1 200 OK\r\nA: ${"b".repeat(300)}\r\n\r\n`,
    "!header field exceeds LimitRequestFieldSize",
  ],
  [
    "many fields",
    `HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(30)}\r\n`,
    "!more header fields than LimitRequestFields",
  ],
  [
    "a bad chunk",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    "200 OK chunked keep Transfer-Encoding=chunked\n!chunk cannot be parsed",
  ],
];

for (const [name, text, told, method] of CASES) {
  Deno.test(`response: ${name}`, () => {
    for (const size of [text.length, 1, 2, 7]) {
      assertEquals(read(text, size, method), told, `pieces of ${size}`);
    }
  });
}

Deno.test("response: what is no field may be passed over, or begin the body", () => {
  const text = "HTTP/1.1 200 OK\r\nA: b\r\nnonsense here\r\nContent-Length: 1\r\n\r\nx";
  const ignoring = { ...OPTIONS, badLines: "ignore" as const };
  assertEquals(read(text, 3, "GET", ignoring), "200 OK length keep A=b&Content-Length=1\nx|");
  const starting = { ...OPTIONS, badLines: "body" as const };
  assertEquals(
    read(text, 999, "GET", starting),
    "200 OK close close A=b\nnonsense here\r\nContent-Length: 1\r\n\r\nx|",
  );
});

Deno.test("response: a head has its limit", () => {
  const options = { limitRequestFields: 0, limitHead: 1000 };
  assertEquals(
    read(`HTTP/1.1 200 OK\r\n${"A: b\r\n".repeat(999)}\r\n`, 100, "GET", { ...OPTIONS, ...options }),
    "!the head is too long",
  );
});
