// What do the fields of a complete head mean for connection and body? RFC 9112 §3.2, §6, §9.

import { FAULTS, ProtocolError } from "./errors.ts";
import { Field } from "./fields.ts";
import type { RequestHead } from "./head.ts";
import { parseAuthority } from "./host.ts";
import { Memo, trimBlanks } from "./text.ts";

/** Decides framing, host, persistence and expectation of `head`. Throws ProtocolError. */
export function interpret(head: RequestHead, strict: boolean): void {
  decideBody(head);
  decideHost(head, strict);
  decidePersistence(head);
  decideExpectation(head);
}

function decideBody(head: RequestHead): void {
  if (head.has(Field.TransferEncoding)) {
    if (!endsInChunked(head.field(Field.TransferEncoding) ?? "")) {
      throw new ProtocolError(FAULTS.badTransferEncoding);
    }
    head.bodyKind = "chunked";
    // Either combination is how requests are smuggled (RFC 9112 §6.1): serve this one, trust nothing behind
    // it.
    if (head.has(Field.ContentLength)) {
      head.drop(Field.ContentLength);
      head.closeAfter = true;
    }
    if (!head.isHttp11) head.closeAfter = true;
  } else if (head.has(Field.ContentLength)) {
    head.bodyKind = "length";
    const length = parseLength(head.field(Field.ContentLength) ?? "");
    if (length === undefined) throw new ProtocolError(FAULTS.badContentLength);
    head.contentLength = length;
  }
}

/**
 * True if the last transfer coding, and no other, is chunked; a quoted parameter could hide another comma, so
 * none is taken.
 */
function endsInChunked(value: string): boolean {
  const codings = value.toLowerCase().split(",").map(trimBlanks);
  return codings.indexOf("chunked") === codings.length - 1 && !value.includes('"');
}

/** The largest length of RFC 9110 §8.6 that httpd takes (63 bits). */
const LARGEST_LENGTH = 2n ** 63n - 1n;

/**
 * The number that a Content-Length is; undefined: it is none. Those above 2^53 lose their last digits: no limit that can be configured
 * admits them.
 */
export function parseLength(value: string): number | undefined {
  if (!/^[0-9]+$/.test(value)) return undefined;
  const length = Number(value);
  return Number.isSafeInteger(length) || BigInt(value) <= LARGEST_LENGTH ? length : undefined;
}

/** Several Host fields are one value with a comma in it, which no host has. */
function decideHost(head: RequestHead, strict: boolean): void {
  if (head.authority !== undefined) {
    takeAuthority(head, head.authority, strict);
    if (head.has(Field.Host)) {
      checkHostField(head, strict);
      if (strict) head.rewrittenHost = head.authority;
      return;
    }
  } else if (head.has(Field.Host)) {
    takeAuthority(head, head.shortField(Field.Host), strict);
    // An empty one names no host (httpd refuses it, RFC 9112 §3.2 would allow it for what has no authority).
    if (head.host !== undefined) return;
  }
  if (head.isHttp11) throw new ProtocolError(FAULTS.missingHost);
}

function checkHostField(head: RequestHead, strict: boolean): void {
  const { fault } = parseAuthority(head.shortField(Field.Host), strict);
  if (fault !== undefined) throw new ProtocolError(fault);
}

function takeAuthority(head: RequestHead, text: string, strict: boolean): void {
  const { host, port, fault } = parseAuthority(text, strict);
  if (fault !== undefined) throw new ProtocolError(fault);
  head.host = host;
  head.hostPort = port;
}

const CLOSE = 1;
const KEEP_ALIVE = 2;
const UPGRADE = 4;
const OPTION_BITS: ReadonlyMap<string, number> = new Map([["close", CLOSE], ["keep-alive", KEEP_ALIVE], [
  "upgrade",
  UPGRADE,
]]);

/** The connection options that matter here, or-ed (RFC 9110 §7.6.1). */
const connectionOptions = new Memo((value) => {
  let bits = 0;
  for (const option of value.toLowerCase().split(",")) bits |= OPTION_BITS.get(trimBlanks(option)) ?? 0;
  return bits;
});

function decidePersistence(head: RequestHead): void {
  const http11 = head.isHttp11;
  if (!head.has(Field.Connection)) {
    head.keepAlive = http11;
    return;
  }
  const options = connectionOptions.get(head.shortField(Field.Connection));
  head.sentKeepAlive = (options & KEEP_ALIVE) !== 0;
  head.keepAlive = (options & CLOSE) === 0 && (http11 || (head.sentKeepAlive && head.major === 1));
  head.sentUpgrade = http11 && (options & UPGRADE) !== 0;
}

function decideExpectation(head: RequestHead): void {
  if (!head.has(Field.Expect)) return;
  const value = head.field(Field.Expect) ?? "";
  if (value === "") return;
  if (value.toLowerCase() !== "100-continue") throw new ProtocolError(FAULTS.unknownExpectation);
  head.expectContinue = head.isHttp11;
}
