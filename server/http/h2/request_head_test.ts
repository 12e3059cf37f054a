// Is a list of fields the request that HTTP/1.1 would have made of it, and refused where none may be passed on?

import { assertEquals, assertThrows } from "@std/assert";
import { OutputBuffer } from "../engine/output.ts";
import { Field, ProtocolError, type RequestHead } from "../parser/mod.ts";
import { StreamError } from "./error.ts";
import { HeaderDecoder } from "./hpack_decoder.ts";
import { encodeField } from "./hpack_encoder.ts";
import { RequestReader } from "./request_head.ts";

type Listed = readonly (readonly [string, string])[];

const PLAIN: Listed = [[":method", "GET"], [":scheme", "http"], [":path", "/a?b"], [
  ":authority",
  "Host.example:81",
]];

/** Literal fields; names are sent as they are. */
function block(fields: Listed): Uint8Array {
  const output = new OutputBuffer(256);
  for (const [name, value] of fields) {
    if (name === name.toLowerCase()) encodeField(output, name, value);
    else {output.latin1(
        `\0${String.fromCharCode(name.length)}${name}${String.fromCharCode(value.length)}${value}`,
      );}
  }
  return output.bytes.slice(0, output.length);
}

function read(fields: Listed, endStream = true, reader = new RequestReader()): RequestHead {
  const bytes = block(fields);
  reader.begin();
  const whole = new HeaderDecoder(4096, 65_536).decode(bytes, 0, bytes.length, reader);
  reader.end(1, {}, endStream, whole);
  return reader.head;
}

Deno.test("request over HTTP/2: line, host and fields are as those of HTTP/1.1", () => {
  const head = read([...PLAIN, ["accept", "*/*"], ["x-own", "1"], ["x-own", "2"], ["user-agent", "me"]]);
  for (const each of [head, head.detach()]) {
    assertEquals(each.requestLine(), "GET /a?b HTTP/2.0");
    assertEquals([each.method, each.target, each.form, each.major, each.minor], [
      "GET",
      "/a?b",
      "origin",
      2,
      0,
    ]);
    assertEquals([each.host, each.hostPort, each.bodyKind], ["host.example", 81, "none"]);
    assertEquals([each.get("host"), each.field(Field.Accept)], ["Host.example:81", "*/*"]);
    assertEquals([each.get("x-own"), each.get("user-agent")], ["1, 2", "me"]);
    assertEquals([...each.entries()].length, 5);
  }
});

Deno.test("request over HTTP/2: the crumbs of a cookie are one again", () => {
  const head = read([...PLAIN, ["cookie", "a=1"], ["x", "y"], ["cookie", "b=2"]]);
  assertEquals(head.field(Field.Cookie), "a=1; b=2");
  assertEquals([...head.detach().entries()].filter(([name]) => name === "cookie"), [["cookie", "a=1; b=2"]]);
});

Deno.test("request over HTTP/2: a body with or without length, and the forms of targets", () => {
  const post = PLAIN.map(([name, value]) => [name, name === ":method" ? "POST" : value] as const);
  assertEquals(read(post, false).bodyKind, "chunked");
  const sized = read([...post, ["content-length", "12"]], false);
  assertEquals([sized.bodyKind, sized.contentLength], ["length", 12]);
  assertEquals(read([...post, ["content-length", "0"]]).bodyKind, "none");
  const asterisk = read([[":method", "OPTIONS"], [":scheme", "http"], [":path", "*"], [":authority", "h"]]);
  assertEquals([asterisk.form, asterisk.requestLine()], ["asterisk", "OPTIONS * HTTP/2.0"]);
  const connect = read([[":method", "CONNECT"], [":authority", "example.com:443"]]);
  assertEquals([connect.form, connect.requestLine()], ["authority", "CONNECT example.com:443 HTTP/2.0"]);
  assertEquals(read([[":method", "GET"], [":scheme", "http"], [":path", "/"], ["host", "h"]]).host, "h");
});

Deno.test("request over HTTP/2: what is no request costs its stream", () => {
  const without = (name: string): Listed => PLAIN.filter(([each]) => each !== name);
  const cases: [string, Listed][] = [
    ["no method", without(":method")],
    ["no path", without(":path")],
    ["no scheme", without(":scheme")],
    ["an empty path", [...without(":path"), [":path", ""]]],
    ["a path without a slash", [...without(":path"), [":path", "a"]]],
    ["an absolute URL", [...without(":path"), [":path", "http://h/"]]],
    ["a blank in the path", [...without(":path"), [":path", "/a HTTP/1.1"]]],
    ["a line break in the path", [...without(":path"), [":path", "/\r\nX: y"]]],
    ["a method that is no token", [...without(":method"), [":method", "GET /x"]]],
    ["twice", [...PLAIN, [":path", "/b"]]],
    ["unknown", [...PLAIN, [":other", "1"]]],
    ["of a response", [...PLAIN, [":status", "200"]]],
    ["behind a field", [["a", "b"], ...PLAIN]],
    ["CONNECT with a path", [[":method", "CONNECT"], [":authority", "a:1"], [":path", "/"]]],
    ["two hosts", [...PLAIN, ["host", "other.example"]]],
    ["upper case", [...PLAIN, ["X-Own", "1"]]],
    ["a name that is no token", [...PLAIN, ["a b", "1"]]],
    ["a colon in a name", [...PLAIN, ["a:b", "1"]]],
    ["a name of no length", [...PLAIN, ["", "1"]]],
    ["a line break in a value", [...PLAIN, ["a", "b\r\nc: d"]]],
    ["a NUL in a value", [...PLAIN, ["a", "b\0"]]],
    ["a blank at the end of a value", [...PLAIN, ["a", "b "]]],
    ["connection", [...PLAIN, ["connection", "close"]]],
    ["keep-alive", [...PLAIN, ["keep-alive", "1"]]],
    ["proxy-connection", [...PLAIN, ["proxy-connection", "1"]]],
    ["upgrade", [...PLAIN, ["upgrade", "h2c"]]],
    ["transfer-encoding", [...PLAIN, ["transfer-encoding", "chunked"]]],
    ["te", [...PLAIN, ["te", "gzip"]]],
    ["a length of no number", [...PLAIN, ["content-length", "+1"]]],
    ["two lengths", [...PLAIN, ["content-length", "1"], ["content-length", "1"]]],
    ["a length without a body", [...PLAIN, ["content-length", "3"]]],
  ];
  const reader = new RequestReader();
  const refused = (fields: Listed) => {
    try {
      read(fields, true, reader);
      return false;
    } catch (error) {
      return error instanceof StreamError;
    }
  };
  for (const [what, fields] of cases) assertEquals([what, refused(fields)], [what, true]);
  assertEquals(read([...PLAIN, ["te", "trailers"]], true, reader).target, "/a?b");
});

Deno.test("request over HTTP/2: limits are those of HTTP/1.1, with the same answers", () => {
  const status = (fields: Listed) => assertThrows(() => read(fields), ProtocolError).status;
  assertEquals(status([...PLAIN, ["a", "b".repeat(8200)]]), 400);
  assertEquals(status([...PLAIN, ...new Array(101).fill(["a", "b"])]), 400);
  assertEquals(status([...PLAIN, ...new Array(20).fill(["a", "b".repeat(8000)])]), 431);
  const long = PLAIN.map(([name, value]) => [name, name === ":path" ? "/".repeat(8200) : value] as const);
  assertEquals(status(long), 414);
  const fragment = PLAIN.map(([name, value]) => [name, name === ":path" ? "/#a" : value] as const);
  assertEquals(status(fragment), 400);
  assertEquals(status([...PLAIN, ["expect", "something"]]), 417);
});
