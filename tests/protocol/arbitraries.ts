// Which requests are worth trying? Generators for the property tests and the fuzzer.

import * as fc from "fast-check";
import { latin1Bytes } from "./vectors.ts";

const TOKEN_CHARS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const token = fc.string({ unit: fc.constantFrom(...TOKEN_CHARS), minLength: 1, maxLength: 12 });
const visible = fc.integer({ min: 0x21, max: 0xff }).filter((code) => code !== 0x7f);
const visibleText = (maxLength: number) =>
  fc.array(visible, { minLength: 1, maxLength }).map((codes) => String.fromCharCode(...codes));

/** A field value: words with single blanks between them, or nothing. */
const fieldValue = fc.array(visibleText(8), { maxLength: 4 }).map((words) => words.join(" "));

/** Names that mean something to the parser would make another request of it. */
const MEANINGFUL = new Set(["host", "connection", "content-length", "transfer-encoding", "expect"]);
const plainName = fc.oneof(
  token,
  fc.constantFrom(
    "Accept",
    "accept",
    "User-Agent",
    "Cookie",
    "VIA",
    "Via",
    "X-A",
    "x-a",
    "Upgrade",
    "If-None-Match",
  ),
).filter((name) => !MEANINGFUL.has(name.toLowerCase()));

/** A request that is valid under Strict, in parts. */
export interface ValidRequest {
  readonly method: string;
  readonly target: string;
  readonly minor: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly connection: string | undefined;
  /** undefined: no framing fields; a string: Content-Length; an array: chunks, none of them empty. */
  readonly body: string | readonly string[] | undefined;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

const bodyText = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 }).map((codes) =>
  String.fromCharCode(...codes)
);

/** Any valid request. */
export const validRequest: fc.Arbitrary<ValidRequest> = fc.record({
  method: fc.oneof(fc.constantFrom("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"), token).filter((method) =>
    method !== "CONNECT"
  ),
  target: visibleText(30).map((text) => "/" + text.replaceAll("#", "+")),
  minor: fc.constantFrom(0, 1, 1, 1, 7),
  fields: fc.array(fc.tuple(plainName, fieldValue), { maxLength: 12 }),
  connection: fc.constantFrom(undefined, undefined, "keep-alive", "close", "Foo, Keep-Alive"),
  body: fc.oneof(
    fc.constant(undefined),
    bodyText,
    fc.array(bodyText.filter((text) => text !== ""), { maxLength: 4 }),
  ),
  trailers: fc.array(fc.tuple(token, fieldValue), { maxLength: 3 }),
});

/** A valid request as it is sent. */
export function serialize(request: ValidRequest): string {
  const { method, target, minor, fields, connection, body, trailers } = request;
  const lines = (pairs: ValidRequest["fields"]) =>
    pairs.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  let head = `${method} ${target} HTTP/1.${minor}\r\nHost: a.example:8080\r\n${lines(fields)}`;
  if (connection !== undefined) head += `Connection: ${connection}\r\n`;
  if (body === undefined) return `${head}\r\n`;
  if (typeof body === "string") return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  const chunks = body.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
  return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n${lines(trailers)}\r\n`;
}

/** What requests consist of, right and wrong, so that random sequences get deep into the grammar. */
const FRAGMENTS = [
  ..."GET / HTTP/1.1\r\n|POST /a?b HTTP/1.0\r\n|OPTIONS * HTTP/1.1\r\n|CONNECT a:1 HTTP/1.1\r\n|GET http://a:8/ HTTP/1.1\r\n|GET /\r\n"
    .split("|"),
  ..."Host: a\r\n|Host: [::1]:80\r\n|Content-Length: 3\r\n|Transfer-Encoding: chunked\r\n|Connection: keep-alive\r\n|Expect: 100-continue\r\n"
    .split("|"),
  ..."X: a\r\n b\r\n|X:|: |\r\n|\r\n\r\n|\n|\r|3\r\nabc\r\n|0\r\n|a;x=y\r\n|\t| |\0|\xff|1|HTTP/1.1|/|,|abc"
    .split("|"),
];

/** Bytes of any kind: pieces of requests in any order, with noise between them. */
export const anyBytes: fc.Arbitrary<Uint8Array> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...FRAGMENTS) },
    { weight: 1, arbitrary: bodyText },
    { weight: 1, arbitrary: fc.constant("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc") },
  ),
  { maxLength: 24 },
).map((pieces) => latin1Bytes(pieces.join("")));

/** Ascending offsets to cut `length` bytes at; several pieces may be empty. */
export function cutsOf(length: number): fc.Arbitrary<number[]> {
  return fc.array(fc.nat(length), { maxLength: 8 }).map((cuts) => cuts.sort((a, b) => a - b));
}

/** Valid requests one behind the other, one byte of them changed. */
export const damagedRequests: fc.Arbitrary<Uint8Array> = fc.tuple(
  fc.array(validRequest, { minLength: 1, maxLength: 3 }),
  fc.nat(),
  fc.integer({ min: 0, max: 255 }),
).map(([requests, at, byte]) => {
  const bytes = latin1Bytes(requests.map(serialize).join(""));
  bytes[at % bytes.length] = byte;
  return bytes;
});
