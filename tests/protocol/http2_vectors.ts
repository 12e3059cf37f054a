// Which requests of the vectors can be asked over HTTP/2, and how? What is about bytes that only HTTP/1.1 has (white space in a request
// line, folded fields, chunks that are none, pipelines that break off) has no form there.

import { Flag, FrameType } from "../../server/http/h2/frame.ts";
import { block, type FieldList, frame, joined } from "../../server/http/h2/test_support.ts";
import { latin1Bytes } from "./vectors.ts";

/** One request, as HTTP/2 has it. */
export interface Http2Request {
  readonly fields: FieldList;
  /** Pieces of the body; undefined: none. */
  readonly body: readonly string[] | undefined;
  readonly trailers: FieldList;
  /** The end of the body is among its pieces. */
  readonly whole: boolean;
}

/** Fields about a connection of HTTP/1.1: who translates leaves them out (RFC 9113, 8.2.2). */
const CONNECTION_FIELDS = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

interface Fields {
  readonly list: FieldList;
  /** Behind the blank line. */
  readonly next: number;
}

/** The field lines at `at`; undefined: they are not whole, or have a form of HTTP/1.1's own. */
function fieldsAt(text: string, at: number): Fields | undefined {
  const list: [string, string][] = [];
  for (;;) {
    const end = text.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const line = text.slice(at, end);
    at = end + 2;
    if (line === "") return { list, next: at };
    const [, name, value] = /^([^: \t\r\n]*):[ \t]*([^\n]*?)[ \t]*$/s.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    list.push([name, value]);
  }
}

interface ChunkedBody {
  readonly pieces: string[];
  readonly trailers: FieldList;
  readonly next: number;
}

function chunkedAt(text: string, at: number): ChunkedBody | undefined {
  const pieces: string[] = [];
  for (;;) {
    const [line, digits] = /^([0-9a-f]{1,6})\r\n/i.exec(text.slice(at, at + 8)) ?? [];
    if (line === undefined) return undefined;
    at += line.length;
    const size = parseInt(digits, 16);
    if (size === 0) break;
    if (text.slice(at + size, at + size + 2) !== "\r\n") return undefined;
    pieces.push(text.slice(at, at + size));
    at += size + 2;
  }
  const trailers = fieldsAt(text, at);
  return trailers && { pieces, trailers: trailers.list, next: trailers.next };
}

function pseudoFields(method: string, target: string, hosts: readonly string[]): FieldList {
  if (method === "CONNECT") return [[":method", method], [":authority", target]];
  const [, scheme = "http", authority, path = target] =
    /^([a-z][a-z0-9+.-]*):\/\/([^/?]*)(.*)$/is.exec(target) ??
      [];
  const fields: [string, string][] = [[":method", method], [":scheme", scheme], [
    ":path",
    authority !== undefined && !path.startsWith("/") ? `/${path}` : path,
  ]];
  if (authority !== undefined) fields.push([":authority", authority]);
  else if (hosts.length === 1) fields.push([":authority", hosts[0]]);
  return fields;
}

/** What an HTTP/1.1 connection of `text` asks; undefined: it has no form over HTTP/2. */
export function asHttp2(text: string): Http2Request[] | undefined {
  const requests: Http2Request[] = [];
  for (let at = 0; at < text.length;) {
    const [line, method, target, minor] =
      /^([^ \r\n]+) ([^ \r\n]+) HTTP\/1\.([01])\r\n/.exec(text.slice(at)) ?? [];
    if (line === undefined) return undefined;
    const head = fieldsAt(text, at + line.length);
    if (head === undefined) return undefined;
    at = head.next;
    const named = (name: string) =>
      head.list.filter((field) => field[0].toLowerCase() === name).map(([, value]) => value);
    const [hosts, lengths, codings] = ["host", "content-length", "transfer-encoding"].map(named);
    // HTTP/1.0 need not say whom it asks.
    if (minor === "0" && hosts.length === 0) return undefined;
    const fields = head.list.map(([name, value]) => [name.toLowerCase(), value] as const).filter(([name]) =>
      !CONNECTION_FIELDS.has(name) && (name !== "host" || hosts.length > 1)
    );
    let body: readonly string[] | undefined;
    let trailers: FieldList = [];
    let whole = true;
    if (codings.length > 0) {
      const chunked = codings.join() === "chunked" && lengths.length === 0 ? chunkedAt(text, at) : undefined;
      if (chunked === undefined) return undefined;
      body = chunked.pieces;
      trailers = chunked.trailers.map(([name, value]) => [name.toLowerCase(), value]);
      at = chunked.next;
    } else if (lengths.length > 0) {
      // What is no length is refused whatever follows; and so may be one that is too large, before its end.
      const length = /^\d+$/.test(lengths.join()) ? Number(lengths[0]) : Infinity;
      whole = length <= text.length - at || length === Infinity;
      if (length > 0) body = [text.slice(at, at + length)];
      at += length;
    }
    requests.push({ fields: [...pseudoFields(method, target, hosts), ...fields], body, trailers, whole });
  }
  return requests;
}

/** The frames of `request` on `stream`. */
export function framesOf(
  { fields, body, trailers, whole }: Http2Request,
  stream: number,
): Uint8Array<ArrayBuffer> {
  const last = trailers.length === 0;
  const ends = body === undefined;
  const frames = [
    frame(FrameType.Headers, Flag.EndHeaders | (ends ? Flag.EndStream : 0), stream, block(fields)),
  ];
  if (body !== undefined) {
    for (const piece of body) frames.push(frame(FrameType.Data, 0, stream, latin1Bytes(piece)));
    if (whole && last) frames.push(frame(FrameType.Data, Flag.EndStream, stream));
    else if (whole) {
      frames.push(frame(FrameType.Headers, Flag.EndHeaders | Flag.EndStream, stream, block(trailers)));
    }
  }
  return joined(...frames);
}
