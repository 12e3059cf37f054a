// What does the parser make of a connection's bytes? Drives it as a server does: one receive buffer,
// overwritten after use.

import { ParserEvent, type ParserOptions, RequestParser } from "../../server/http/parser/mod.ts";

/** What was understood of one request. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly form: string;
  readonly path: string;
  readonly host: string | null;
  readonly port: number | null;
  /** Names as sent and values, in order. */
  readonly fields: readonly (readonly [string, string])[];
  /** Name in lower case and merged value, through the lookup by name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly keepAlive: boolean;
  readonly sentKeepAlive: boolean;
  readonly closeAfter: boolean;
  readonly expectContinue: boolean;
  readonly upgrade: string | null;
  readonly requestLine: string;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string | undefined>>;
}

/** What was understood of a connection. */
export interface Seen {
  readonly requests: readonly SeenRequest[];
  readonly then: "clean" | "head" | "body" | { readonly error: number; readonly ah: string | undefined };
}

type Head = RequestParser["head"];
type Fields = Pick<Head, "entries" | "get">;

const OFFSET = 7;
const USED_BYTE = 0xaa;

/**
 * Feeds `input` in pieces that end at `cuts` (ascending offsets) and at its end, until an error or a request
 * that closes. Fails if the parser breaks its contract: leaves bytes unread, reads too many, or makes no
 * progress.
 */
export function drive(input: Uint8Array, options: ParserOptions, cuts: Iterable<number> = []): Seen {
  const parser = new RequestParser(options);
  const buffer = new Uint8Array(OFFSET + input.length + OFFSET);
  const requests: SeenRequest[] = [];
  let head: Head | undefined;
  let body: Uint8Array[] = [];
  let from = 0;
  for (const to of [...cuts, input.length]) {
    buffer.fill(USED_BYTE);
    buffer.set(input.subarray(from, to), OFFSET);
    const end = OFFSET + to - from;
    from = to;
    let pos = OFFSET;
    reading: for (;;) {
      const event = parser.next(buffer, pos, end);
      if (event !== ParserEvent.Error && (parser.pos < pos || parser.pos > end)) {
        throw new Error("pos is out of range");
      }
      switch (event) {
        case ParserEvent.NeedData:
          if (parser.pos !== end) throw new Error("NeedData with bytes unread");
          break reading;
        case ParserEvent.Head:
          if (parser.started) throw new Error("started after Head");
          head = parser.head;
          break;
        case ParserEvent.Data:
          if (parser.dataStart >= parser.dataEnd) throw new Error("Data without data");
          body.push(buffer.slice(parser.dataStart, parser.dataEnd));
          break;
        case ParserEvent.End: {
          const request = describe(parser, head, body);
          requests.push(request);
          if (request.closeAfter || !request.keepAlive) return { requests, then: "clean" };
          head = undefined;
          body = [];
          const unread = parser.pos;
          parser.reset();
          if (unread === end) break reading;
          pos = unread;
          continue;
        }
        default: {
          const { error } = parser;
          if (error === undefined || !error.close) throw new Error("Error without a closing error");
          if (parser.next(buffer, end, end) !== ParserEvent.Error) throw new Error("read on after an error");
          if (head !== undefined) requests.push(describe(parser, head, body));
          return { requests, then: { error: error.status, ah: error.ah } };
        }
      }
      pos = parser.pos;
    }
  }
  buffer.fill(USED_BYTE);
  if (head !== undefined) requests.push(describe(parser, head, body));
  return { requests, then: parser.finish() };
}

function describe(parser: RequestParser, head: Head | undefined, body: Uint8Array[]): SeenRequest {
  if (head === undefined) throw new Error("End without Head");
  return { ...describeHead(head), body: body.map(latin1).join(""), trailers: merged(parser.trailers) };
}

/** What a head says, by all the ways it can be asked. */
export function describeHead(head: Head): Omit<SeenRequest, "body" | "trailers"> {
  return {
    method: head.method,
    target: head.target,
    version: `${head.major}.${head.minor}`,
    form: head.form,
    path: latin1(head.bytes.subarray(head.pathStart, head.targetEnd)),
    host: head.host ?? null,
    port: head.hostPort ?? null,
    fields: [...head.entries()],
    headers: merged(head),
    keepAlive: head.keepAlive,
    sentKeepAlive: head.sentKeepAlive,
    closeAfter: head.closeAfter,
    expectContinue: head.expectContinue,
    upgrade: head.upgrade ?? null,
    requestLine: head.requestLine(),
  };
}

function merged(fields: Fields | undefined): Record<string, string | undefined> {
  const names = [...fields?.entries() ?? []].map(([name]) => name.toLowerCase());
  return Object.fromEntries(names.map((name) => [name, fields?.get(name)]));
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
