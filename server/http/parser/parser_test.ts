// Does the parser keep its contract with the connection that drives it? What requests mean is tested by
// tests/protocol/vectors.

import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Field, ParserEvent, type ParserOptions, ProtocolError, RequestParser } from "./mod.ts";

const { NeedData, Head, Data, End, Error: Failed } = ParserEvent;

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A parser that has read `text` up to its first event. */
function parsed(
  text: string,
  options: ParserOptions = {},
): { parser: RequestParser; buf: Uint8Array; event: number } {
  const parser = new RequestParser(options);
  const buf = bytesOf(text);
  return { parser, buf, event: parser.next(buf, 0, buf.length) };
}

const GET = "GET /a?b HTTP/1.1\r\nHost: Example.org:81\r\nX-A: 1\r\nVia: p\r\nx-a: 2\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n";
const CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

Deno.test("parser: a head that lies in one buffer is read where it lies", () => {
  const { parser, buf, event } = parsed(GET);
  assertEquals(event, Head);
  assertStrictEquals(parser.head.bytes, buf);
  assertEquals(parser.pos, buf.length);
  assertEquals(parser.next(buf, parser.pos, buf.length), End);
});

Deno.test("parser: bytes of the next request stay unread, and End is repeated until reset", () => {
  const { parser, buf } = parsed(GET + GET);
  assertEquals(parser.next(buf, parser.pos, buf.length), End);
  assertEquals(parser.pos, GET.length);
  assertEquals(parser.next(buf, parser.pos, buf.length), End);
  assertEquals(parser.pos, GET.length);
  parser.reset();
  assertEquals(parser.next(buf, parser.pos, buf.length), Head);
  assertEquals(parser.pos, 2 * GET.length);
});

Deno.test("parser: a head survives the buffer once NeedData was returned", () => {
  const { parser, buf } = parsed("\r\n" + POST + "abc");
  assertEquals(parser.next(buf, parser.pos, buf.length), Data);
  assertEquals([parser.dataStart, parser.dataEnd], [2 + POST.length, 2 + POST.length + 3]);
  assertEquals(parser.next(buf, parser.pos, buf.length), NeedData);
  buf.fill(0);
  assertEquals(parser.head.requestLine(), "POST / HTTP/1.1");
  assertEquals(parser.head.get("content-length"), "6");
  const { bytes, lineStart, headEnd } = parser.head;
  assertEquals(bytes.slice(lineStart, headEnd), bytesOf(POST));
});

Deno.test("parser: a detached head survives buffer and reset", () => {
  for (const cut of [0, 30]) {
    const parser = new RequestParser({});
    const buf = bytesOf("\r\n" + GET);
    assertEquals(parser.next(buf, 0, cut), NeedData);
    assertEquals(parser.next(buf, cut, buf.length), Head);
    const copy = parser.head.detach();
    buf.fill(0);
    parser.reset();
    const other = bytesOf("POST / HTTP/1.1\r\nHost: b\r\nVia: q\r\n\r\n");
    assertEquals(parser.next(other, 0, other.length), Head);
    assertEquals([copy.method, copy.target, copy.host, copy.hostPort], ["GET", "/a?b", "example.org", 81]);
    assertEquals(copy.requestLine(), "GET /a?b HTTP/1.1");
    assertEquals([...copy.entries()], [["Host", "Example.org:81"], ["X-A", "1"], ["Via", "p"], ["x-a", "2"]]);
    assertEquals([copy.get("x-a"), copy.field(Field.Via), copy.get("x-b")], ["1, 2", "p", undefined]);
    assert(copy.keepAlive && copy.has(Field.Host) && !copy.has(Field.Cookie));
  }
});

Deno.test("parser: a detached head says what the head said, for every kind of request", () => {
  for (
    const text of [
      "OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n",
      "POST http://B.c:80/x HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\nConnection: upgrade\r\nUpgrade: websocket\r\nDNT: 1\r\nPriority: u=1\r\n\r\n",
    ]
  ) {
    const { head } = parsed(text).parser;
    const copy = head.detach();
    const facts = ({ bytes: _, ...own }: typeof head) => own;
    assertEquals(Object.keys(facts(copy)), Object.keys(facts(head)));
    for (
      const key of [
        ..."method form major minor host hostPort bodyKind contentLength keepAlive sentKeepAlive closeAfter"
          .split(" "),
        ..."expectContinue sentUpgrade rewrittenHost authority headerCount target upgrade isHttp11".split(
          " ",
        ),
      ] as (keyof typeof head)[]
    ) assertEquals(copy[key], head[key], key);
    assertEquals([...copy.entries()], [...head.entries()]);
    assertEquals(copy.field(Field.Host), head.field(Field.Host));
    assertEquals(copy.pathStart - copy.targetStart, head.pathStart - head.targetStart);
  }
});

Deno.test("parser: has() and field() tell known names apart, low and high ids", () => {
  const names = Object.entries(Field);
  for (const [key, id] of names) {
    const name = key.replace(/[A-Z]/g, (letter, at) => (at > 0 ? "-" : "") + letter);
    const field = { WebSocket: "", SecWebSocketKey: "Sec-WebSocket-Key" }[key] ??
      name.replace("Web-Socket", "WebSocket");
    if (["Host", "ContentLength", "TransferEncoding", "Expect", "Connection"].includes(key)) continue;
    const { head } =
      parsed(`GET / HTTP/1.1\r\nHost: a\r\n${field}: v\r\n${field.toUpperCase()}: w\r\n\r\n`).parser;
    assertEquals(head.field(id), "v, w", field);
    assertEquals(head.get(field.toLowerCase()), "v, w", field);
    assertEquals(
      names.filter(([, other]) => head.has(other)).map(([found]) => found).sort(),
      ["Host", key].sort(),
    );
  }
});

Deno.test("parser: fields of an earlier request leave no trace", () => {
  const { parser, buf } = parsed(
    "GET / HTTP/1.1\r\nHost: a\r\nPriority: x\r\nVia: y\r\nVia: z\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  assertEquals(parser.next(buf, parser.pos, buf.length), End);
  parser.reset();
  assertEquals(parser.next(buf, parser.pos, buf.length), Head);
  assertEquals(Object.values(Field).filter((id) => parser.head.has(id)), [Field.Host]);
  assertEquals(parser.head.field(Field.Via), undefined);
  assertEquals(parser.head.headerCount, 1);
});

Deno.test("parser: bodyLimit may be lowered after Head; the next call tells", () => {
  const { parser, buf } = parsed(POST);
  parser.bodyLimit = 5;
  assertEquals(parser.next(buf, buf.length, buf.length), Failed);
  assertEquals([parser.error?.status, parser.error?.ah], [413, "AH01588"]);
});

Deno.test("parser: bodyLimit may be raised or lifted after Head, for one request", () => {
  for (const limit of [6, 0]) {
    const { parser, buf } = parsed(POST + "abcdef" + POST, { limitRequestBody: 3 });
    parser.bodyLimit = limit;
    assertEquals(parser.next(buf, parser.pos, buf.length), Data);
    assertEquals(parser.next(buf, parser.pos, buf.length), End);
    parser.reset();
    assertEquals(parser.bodyLimit, 3);
    assertEquals(parser.next(buf, parser.pos, buf.length), Head);
    assertEquals(parser.next(buf, parser.pos, buf.length), Failed);
  }
});

Deno.test("parser: bodyLimit holds for chunks", () => {
  const { parser, buf } = parsed(CHUNKED + "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
  parser.bodyLimit = 5;
  assertEquals(parser.next(buf, parser.pos, buf.length), Data);
  assertEquals(parser.next(buf, parser.pos, buf.length), Failed);
  assertEquals(parser.error?.ah, "AH01591");
});

Deno.test("parser: started from the first byte that is no blank line to the end of the head", () => {
  const parser = new RequestParser({});
  const text = bytesOf("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const begin = 4;
  for (let at = 0; at < text.length; at++) {
    assertEquals(parser.started, at > begin, `before byte ${at}`);
    assertEquals(parser.next(text, at, at + 1), at === text.length - 1 ? Head : NeedData);
  }
  assert(!parser.started);
  assertEquals(parser.next(text, 0, 0), End);
  assert(!parser.started);
});

Deno.test("parser: finish() after a complete request is clean, with End read or not", () => {
  for (const body of [POST + "abcdef", CHUNKED + "0\r\n\r\n", GET]) {
    const { parser, buf } = parsed(body);
    let event: number = Head;
    while (event !== End) event = parser.next(buf, parser.pos, buf.length);
    assertEquals(parser.finish(), "clean");
    parser.reset();
    assertEquals(parser.finish(), "clean");
  }
  assertEquals(parsed(GET).parser.finish(), "clean");
});

Deno.test("parser: an error stays until reset, and the request line can be logged", () => {
  const { parser, buf, event } = parsed("GET /x HTTP/1.1\r\nBad Name: a\r\n\r\n");
  assertEquals(event, Failed);
  assert(parser.error instanceof ProtocolError);
  assertEquals(parser.head.requestLine(), "GET /x HTTP/1.1");
  assertEquals(parser.next(buf, 0, buf.length), Failed);
  parser.reset();
  assertEquals(parser.error, undefined);
  const good = bytesOf(GET);
  assertEquals(parser.next(good, 0, good.length), Head);
});

Deno.test("parser: of a request line that is too long, what the limit admits can be logged", () => {
  for (const text of ["GET /aaaaaaaaa HTTP/1.1\r\n", "GET /aaaaaaaaa"]) {
    const { parser, event } = parsed(text, { limitRequestLine: 10 });
    assertEquals(event, Failed);
    assertEquals(parser.head.requestLine(), "GET /aaaaa");
  }
});

Deno.test("parser: errors the client can do something about carry a note", () => {
  const longField = parsed("GET / HTTP/1.1\r\nX: aaaaaaaaaaaa\r\n\r\n", { limitRequestFieldSize: 10 }).parser;
  assert(/field exceeds the server limit/.test(longField.error?.note ?? ""));
  const manyFields = parsed("GET / HTTP/1.1\r\nX: a\r\nY: b\r\n\r\n", { limitRequestFields: 1 }).parser;
  assert(/number of request header fields exceeds/.test(manyFields.error?.note ?? ""));
});

Deno.test("parser: pieces that end anywhere in blank lines and between pipelined requests lose nothing", () => {
  const text = bytesOf("\r\n" + GET + "\r\n\r\n" + POST + "abcdef\r\n" + GET);
  for (let size = 1; size <= text.length; size++) {
    const parser = new RequestParser({});
    const targets: string[] = [];
    for (let from = 0; from < text.length; from += size) {
      const end = Math.min(text.length, from + size);
      let pos = from;
      for (;;) {
        const event = parser.next(text, pos, end);
        pos = parser.pos;
        if (event === NeedData) break;
        if (event === End) {
          targets.push(parser.head.target);
          parser.reset();
        }
      }
    }
    assertEquals(targets, ["/a?b", "/", "/a?b"], `pieces of ${size}`);
  }
});

Deno.test("parser: trailers are those of the request that had them", () => {
  const { parser, buf } = parsed(CHUNKED + "0\r\nX: a\r\n\r\n" + GET);
  assertEquals(parser.next(buf, parser.pos, buf.length), End);
  assertEquals([...parser.trailers?.entries() ?? []], [["X", "a"]]);
  parser.reset();
  assertEquals(parser.next(buf, parser.pos, buf.length), Head);
  assertEquals(parser.trailers, undefined);
});
