// How is a request line read? RFC 9112 §3 and HttpProtocolOptions: a short way for the usual line, a thorough
// one for all others.

import { FAULTS, ProtocolError } from "./errors.ts";
import { beyondLimit, INCOMPLETE } from "./field_lines.ts";
import { CLASS, CR, LF, LINE_SPACE, PLAIN_TARGET, SP, TARGET, TCHAR } from "./grammar.ts";
import { KNOWN_METHODS, methodName } from "./methods.ts";
import type { ParserOptions } from "./options.ts";
import type { RequestHead } from "./head.ts";
import { parseTarget } from "./target.ts";
import { latin1 } from "./text.ts";

const SLASH = 0x2f;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Reads the line of `head.bytes` that begins at `line` into `head`. Returns the offset of the next line, or
 * INCOMPLETE. Throws ProtocolError.
 */
export function readRequestLine(
  head: RequestHead,
  options: Required<ParserOptions>,
  line: number,
  end: number,
): number {
  const bytes = head.bytes;
  head.lineStart = line;
  // The usual line: a known method, "/...", HTTP/1.0 or 1.1, one blank each, CRLF.
  let at = line;
  while (at < end && (CLASS[bytes[at]] & TCHAR) !== 0) at++;
  if (at > line && at + 1 < end && bytes[at] === SP && bytes[at + 1] === SLASH) {
    const target = at + 1;
    let stop = target;
    while (stop < end && (CLASS[bytes[stop]] & PLAIN_TARGET) !== 0) stop++;
    if (
      stop + 10 < end && bytes[stop] === SP && isVersion1(bytes, stop + 1) && bytes[stop + 9] === CR &&
      bytes[stop + 10] === LF && stop + 9 - line <= options.limitRequestLine
    ) {
      const method = methodName(bytes, line, at);
      if (method !== "CONNECT" && (options.lenientMethods || KNOWN_METHODS.has(method))) {
        head.lineEnd = stop + 9;
        head.method = method;
        head.targetStart = head.pathStart = target;
        head.targetEnd = stop;
        head.form = "origin";
        head.major = 1;
        head.minor = bytes[stop + 8] - ZERO;
        return stop + 11;
      }
    }
  }
  return readOddLine(head, options, line, end);
}

/** "HTTP/1.0" or "HTTP/1.1" */
function isVersion1(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x48 && bytes[at + 1] === 0x54 && bytes[at + 2] === 0x54 && bytes[at + 3] === 0x50 &&
    bytes[at + 4] === SLASH && bytes[at + 5] === 0x31 && bytes[at + 6] === DOT &&
    (bytes[at + 7] | 1) === 0x31;
}

function readOddLine(head: RequestHead, options: Required<ParserOptions>, line: number, end: number): number {
  const bytes = head.bytes;
  let lf = line;
  while (lf < end && bytes[lf] !== LF) lf++;
  if (lf === end) {
    head.lineEnd = Math.min(end, line + options.limitRequestLine);
    if (beyondLimit(bytes, line, end, options.limitRequestLine)) throw new ProtocolError(FAULTS.lineTooLong);
    return INCOMPLETE;
  }
  const hasCr = lf > line && bytes[lf - 1] === CR;
  const stop = hasCr ? lf - 1 : lf;
  head.lineEnd = Math.min(stop, line + options.limitRequestLine);
  if (stop - line > options.limitRequestLine) throw new ProtocolError(FAULTS.lineTooLong);
  if (!hasCr && options.strict) throw new ProtocolError(FAULTS.bareLineFeed);
  readParts(head, options, line, stop);
  return lf + 1;
}

/** Takes the line [line, stop) apart, and reports the first of its faults in the order httpd reports them. */
function readParts(head: RequestHead, options: Required<ParserOptions>, line: number, stop: number): void {
  const bytes = head.bytes;
  if (bytes.subarray(line, stop).includes(0)) throw new ProtocolError(FAULTS.nulInLine);
  if (line < stop && isSpace(bytes, line)) throw new ProtocolError(FAULTS.badWhitespace);
  let at = line;
  const methodClass = options.strict ? TCHAR : TARGET;
  while (at < stop && (CLASS[bytes[at]] & methodClass) !== 0) at++;
  if (at === line || (at < stop && !isSpace(bytes, at))) throw new ProtocolError(FAULTS.badMethod);
  head.method = methodName(bytes, line, at);

  at = skipSpace(bytes, at, stop, options.strict);
  if (at === stop) throw new ProtocolError(FAULTS.missingTarget);
  head.targetStart = at;
  while (at < stop && (CLASS[bytes[at]] & TARGET) !== 0) at++;
  if (at < stop && !isSpace(bytes, at)) throw new ProtocolError(FAULTS.badTarget);
  head.targetEnd = at;

  if (at < stop) {
    const blanks = at;
    at = skipSpace(bytes, at, stop, options.strict);
    if (at === stop && options.strict) throw new ProtocolError(FAULTS.excessWhitespace);
    readProtocol(head, options, at === stop ? blanks : at, at === stop ? blanks : stop);
  } else {
    readProtocol(head, options, stop, stop);
  }
  readTarget(head, options);
}

/** Skips white space between parts of the line: one blank, under Unsafe several. */
function skipSpace(bytes: Uint8Array, at: number, stop: number, strict: boolean): number {
  const first = at;
  while (at < stop && isSpace(bytes, at)) {
    if (bytes[at] !== SP) throw new ProtocolError(FAULTS.badWhitespace);
    at++;
  }
  if (strict && at > first + 1) throw new ProtocolError(FAULTS.excessWhitespace);
  return at;
}

function isSpace(bytes: Uint8Array, at: number): boolean {
  return (CLASS[bytes[at]] & LINE_SPACE) !== 0;
}

function readProtocol(
  head: RequestHead,
  options: Required<ParserOptions>,
  start: number,
  stop: number,
): void {
  const bytes = head.bytes;
  let end = start;
  while (end < stop && !isSpace(bytes, end)) end++;
  const rest = end < stop ? endOfSpace(bytes, end, stop) : stop;
  if (rest < stop) throw new ProtocolError(FAULTS.trailingText);
  if (end < stop && options.strict) throw new ProtocolError(FAULTS.excessWhitespace);
  if (start === end) {
    if (!options.allow09) throw new ProtocolError(FAULTS.rejected09);
    if (head.method !== "GET") throw new ProtocolError(FAULTS.method09);
    head.major = 0;
    head.minor = 9;
    return;
  }
  const name = latin1(bytes, start, Math.min(end, start + 5));
  const [major, dot, minor] = [bytes[start + 5], bytes[start + 6], bytes[start + 7]];
  if (
    end - start !== 8 || (options.strict ? name : name.toUpperCase()) !== "HTTP/" || dot !== DOT ||
    major <= ZERO || major > NINE || minor < ZERO || minor > NINE
  ) throw new ProtocolError(FAULTS.badProtocol);
  head.major = major - ZERO;
  head.minor = minor - ZERO;
}

/** The end of the white space that begins at `at`; throws if some of it is not a blank. */
function endOfSpace(bytes: Uint8Array, at: number, stop: number): number {
  while (at < stop && isSpace(bytes, at)) {
    if (bytes[at] !== SP) throw new ProtocolError(FAULTS.badWhitespace);
    at++;
  }
  return at;
}

function readTarget(head: RequestHead, options: Required<ParserOptions>): void {
  const method = head.method;
  if (!options.lenientMethods && !KNOWN_METHODS.has(method) && !options.registeredMethods.has(method)) {
    throw new ProtocolError(FAULTS.unregisteredMethod);
  }
  const parts = parseTarget(method, latin1(head.bytes, head.targetStart, head.targetEnd), options.strict);
  if (parts.fault !== undefined) throw new ProtocolError(parts.fault);
  head.form = parts.form;
  head.authority = parts.authority;
  head.pathStart = head.targetStart + parts.pathStart;
}
