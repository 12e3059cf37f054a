// Which request is a list of fields? The head that an HTTP/1.1 request would have had: the rest of the server sees no difference (RFC
// 9113, 8.1 to 8.3). What must not be passed on in either version is refused here.
//
// The bytes are laid out as those of a head are: a request line, written over the pseudo-fields once they have been read, then names and
// values. `:authority` becomes Host, and the crumbs of a cookie become one again.

import { FAULTS, inTrailer, ProtocolError } from "../parser/errors.ts";
import { Field } from "../parser/fields.ts";
import { CLASS, FIELD_VALUE, HTAB, SP, TARGET, TCHAR } from "../parser/grammar.ts";
import { RequestHead } from "../parser/head.ts";
import { parseAuthority } from "../parser/host.ts";
import { KNOWN_METHODS, methodName } from "../parser/methods.ts";
import { type ParserOptions, resolveOptions } from "../parser/options.ts";
import { parseLength } from "../parser/semantics.ts";
import { parseTarget } from "../parser/target.ts";
import { latin1, latin1Interned } from "../parser/text.ts";
import { ErrorCode, StreamError } from "./error.ts";
import type { FieldStore } from "./hpack_decoder.ts";

const COLON = 0x3a;
const FIRST_SIZE = 2048;
/** A larger store is not kept for the next request. */
const KEPT_SIZE = 1 << 17;
const VERSION = " HTTP/2.0";
const ANY_KEY = "AAAAAAAAAAAAAAAAAAAAAA==";

/** The pseudo-fields of requests (RFC 9113, 8.3.1; RFC 8441, 4). */
const PSEUDO = [":method", ":scheme", ":authority", ":path", ":protocol"] as const;
type Pseudo = typeof PSEUDO[number];
/** Fields about a connection of HTTP/1.1, beside those that have a number (RFC 9113, 8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set(["keep-alive", "te"]);

/** Heads of requests, one after the other; one object per thread. */
export class RequestReader implements FieldStore {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_SIZE);
  length = 0;
  /** Of the block that was read last; for as long as no other is. */
  readonly head = new RequestHead(this.bytes);
  #pseudo: Partial<Record<Pseudo, string>> = {};
  #pseudoOver = false;
  /** Why no request is like this. */
  #malformed = "";
  #cookies = 0;
  #largestField = 0;

  /** Ready for a block. */
  begin(): void {
    if (this.bytes.length > KEPT_SIZE) this.bytes = new Uint8Array(FIRST_SIZE);
    this.length = 0;
    this.head.clear();
    this.#pseudo = {};
    this.#pseudoOver = false;
    this.#malformed = "";
    this.#cookies = 0;
    this.#largestField = 0;
  }

  field(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const { bytes } = this;
    if (bytes[nameStart] === COLON && nameEnd > nameStart) {
      return this.#pseudoField(nameStart, nameEnd, valueStart, valueEnd);
    }
    this.#pseudoOver = true;
    if (nameStart === nameEnd) this.#malformed ||= "a field without a name";
    for (let at = nameStart; at < nameEnd; at++) {
      const byte = bytes[at];
      if ((CLASS[byte] & TCHAR) === 0 || (byte >= 0x41 && byte <= 0x5a)) {
        this.#malformed ||= "a field name that is no token in lower case";
        return;
      }
    }
    for (let at = valueStart; at < valueEnd; at++) {
      if ((CLASS[bytes[at]] & FIELD_VALUE) === 0) {
        this.#malformed ||= "a field value with a control character";
      }
    }
    if (valueStart < valueEnd && (isBlank(bytes[valueStart]) || isBlank(bytes[valueEnd - 1]))) {
      this.#malformed ||= "a field value that begins or ends with a blank";
    }
    // As HTTP/1.1 counts a line: with a colon and a blank.
    this.#largestField = Math.max(this.#largestField, valueEnd - nameStart + 2);
    const { head } = this;
    head.bytes = bytes;
    head.add(nameStart, nameEnd, valueStart, valueEnd);
    if (nameEnd - nameStart <= 10) this.#check(nameStart, nameEnd, valueStart, valueEnd);
  }

  /** Looks at what is refused by its name, or comes in crumbs. */
  #check(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const { bytes, head } = this;
    const length = nameEnd - nameStart;
    const first = bytes[nameStart];
    if (length === 6 && first === 0x63 && latin1(bytes, nameStart, nameEnd) === "cookie") this.#cookies++;
    if ((length !== 2 && length !== 10) || (first !== 0x74 && first !== 0x6b)) return;
    const name = latin1(bytes, nameStart, nameEnd);
    if (!CONNECTION_FIELDS.has(name)) return;
    if (name === "te" && latin1(bytes, valueStart, valueEnd).toLowerCase() === "trailers") return;
    this.#malformed ||= `the field ${name}, which is about a connection of HTTP/1.1`;
    head.bytes = bytes;
  }

  #pseudoField(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    const { bytes } = this;
    const name = latin1Interned(bytes, nameStart, nameEnd) as Pseudo;
    if (!PSEUDO.includes(name)) this.#malformed ||= "a pseudo-field that no request has";
    else if (this.#pseudoOver) this.#malformed ||= "a pseudo-field behind a field";
    else if (this.#pseudo[name] !== undefined) this.#malformed ||= "a pseudo-field that comes twice";
    else {
      const isMethod = name === ":method";
      this.#pseudo[name] = isMethod && valueStart < valueEnd
        ? methodName(bytes, valueStart, valueEnd)
        : latin1Interned(bytes, valueStart, valueEnd);
      for (let at = valueStart; at < valueEnd; at++) {
        if ((CLASS[bytes[at]] & (isMethod ? TCHAR : TARGET)) === 0) {
          this.#malformed ||= `a value of ${name} that is none`;
        }
      }
    }
  }

  /**
   * The block was the trailers of `stream`: they are like other fields, but for what only a head has.
   * @throws StreamError, ProtocolError when they are more than `settings` allow
   */
  endTrailers(stream: number, settings: ParserOptions, whole: boolean): void {
    if (Object.keys(this.#pseudo).length > 0) this.#malformed ||= "a pseudo-field in trailers";
    this.#refuseMalformed(stream);
    try {
      if (!whole) throw new ProtocolError(FAULTS.fieldTooLong);
      this.#limitFields(resolveOptions(settings));
    } catch (error) {
      throw error instanceof ProtocolError ? inTrailer(error) : error;
    }
  }

  /**
   * The block was the head of the request of `stream`, whose body follows unless `endStream`; not `whole`: it had more fields than
   * are stored. `head` is complete then, also when an error is thrown.
   * @throws StreamError when it is no request, ProtocolError when it is one that is refused
   */
  end(stream: number, settings: ParserOptions, endStream: boolean, whole: boolean, webSockets = false): void {
    const options = resolveOptions(settings);
    this.#refuseMalformed(stream);
    let method = this.#pseudo[":method"];
    const path = this.#pseudo[":path"];
    const authority = this.#pseudo[":authority"];
    const scheme = this.#pseudo[":scheme"];
    const refuse = (why: string) => new StreamError(stream, ErrorCode.ProtocolError, why);
    if (!whole) {
      this.#line(method ?? "-", path ?? "/");
      throw new ProtocolError({ ...FAULTS.fieldTooLong, status: 431 });
    }
    if (method === undefined || method === "") throw refuse("a request without :method");
    const protocol = this.#pseudo[":protocol"];
    if (protocol !== undefined) {
      if (!webSockets) throw refuse("a request with :protocol, which was not offered");
      if (method !== "CONNECT" || endStream) throw refuse("a request with :protocol that is no CONNECT");
      method = "GET";
    }
    if (method === "CONNECT") {
      if (path !== undefined || scheme !== undefined) throw refuse("CONNECT with :path or :scheme");
      if (authority === undefined) throw refuse("CONNECT without :authority");
    } else if (path === undefined || path === "" || scheme === undefined) {
      throw refuse("a request without :path or :scheme");
    }
    const target = method === "CONNECT" ? authority! : path!;
    if (method !== "CONNECT" && !target.startsWith("/") && !(target === "*" && method === "OPTIONS")) {
      throw refuse("a :path that does not begin with a slash");
    }
    this.#line(method, target);
    if (protocol !== undefined) this.#asUpgrade(protocol);
    else this.#decideBody(stream, endStream);
    this.#joinCookies();
    this.#limit(options, target);
    this.#decideHost(stream, authority, options.strict);
    const parts = parseTarget(method, target, options.strict);
    this.head.form = parts.form;
    if (parts.fault !== undefined) throw new ProtocolError(parts.fault);
    if (scheme !== undefined && !/^https?$/i.test(scheme)) throw new ProtocolError(FAULTS.foreignScheme);
    if (!options.lenientMethods && !KNOWN_METHODS.has(method) && !options.registeredMethods.has(method)) {
      throw new ProtocolError(FAULTS.unregisteredMethod);
    }
    this.#decideExpectation();
  }

  #refuseMalformed(stream: number): void {
    const { head } = this;
    if (head.has(Field.Connection) || head.has(Field.ProxyConnection) || head.has(Field.Upgrade)) {
      this.#malformed ||= "a field about a connection of HTTP/1.1";
    }
    if (head.has(Field.TransferEncoding)) this.#malformed ||= "Transfer-Encoding";
    if (this.#malformed !== "") throw new StreamError(stream, ErrorCode.ProtocolError, this.#malformed);
  }

  /** Writes the request line over the pseudo-fields: it is never longer than what they took. */
  #line(method: string, target: string): void {
    const { head } = this;
    const line = `${method} ${target}${VERSION}`;
    if (this.length < line.length) this.length = line.length;
    if (this.bytes.length < line.length) {
      const larger = new Uint8Array(line.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    const { bytes } = this;
    for (let i = 0; i < line.length; i++) bytes[i] = line.charCodeAt(i);
    head.bytes = bytes;
    head.method = method;
    head.major = 2;
    head.minor = 0;
    head.keepAlive = true;
    head.lineStart = 0;
    head.lineEnd = line.length;
    head.targetStart = head.pathStart = method.length + 1;
    head.targetEnd = line.length - VERSION.length;
    head.headEnd = this.length;
  }

  #limit(options: Required<ParserOptions>, target: string): void {
    if (target.length > options.limitRequestLine) throw new ProtocolError(FAULTS.lineTooLong);
    this.#limitFields(options);
  }

  #limitFields(options: Required<ParserOptions>): void {
    const { head } = this;
    if (this.#largestField > options.limitRequestFieldSize) throw new ProtocolError(FAULTS.fieldTooLong);
    if (options.limitRequestFields !== 0 && head.headerCount > options.limitRequestFields) {
      throw new ProtocolError(FAULTS.tooManyFields);
    }
    if (head.mergedBeyond(options.limitRequestFieldSize, this.length - head.lineEnd)) {
      throw new ProtocolError(FAULTS.mergedFieldTooLong);
    }
  }

  #decideBody(stream: number, endStream: boolean): void {
    const { head } = this;
    head.bodyKind = endStream ? "none" : "chunked";
    if (!head.has(Field.ContentLength)) return;
    const length = parseLength(head.field(Field.ContentLength) ?? "");
    if (length === undefined || (endStream && length > 0)) {
      throw new StreamError(stream, ErrorCode.ProtocolError, "a Content-Length that is not the body's");
    }
    if (endStream) return;
    head.bodyKind = "length";
    head.contentLength = length;
  }

  /** RFC 9113, 8.3.1: what is asked for is said once, or twice the same. */
  #decideHost(stream: number, authority: string | undefined, strict: boolean): void {
    const { head } = this;
    const field = head.has(Field.Host) ? head.field(Field.Host) : undefined;
    if (authority !== undefined && field !== undefined && authority.toLowerCase() !== field.toLowerCase()) {
      throw new StreamError(stream, ErrorCode.ProtocolError, "Host is not what :authority says");
    }
    const text = authority ?? field;
    if (text === undefined || text === "") throw new ProtocolError(FAULTS.missingHost);
    const { host, port, fault } = parseAuthority(text, strict);
    if (fault !== undefined) throw new ProtocolError(fault);
    head.host = host;
    head.hostPort = port;
    if (field === undefined) this.#append("host", text);
  }

  /**
   * RFC 8441, 5: the request is what it would have been over HTTP/1.1, with a key that nobody looks at: the answer has no proof of it.
   * There is no body, whatever follows.
   */
  #asUpgrade(protocol: string): void {
    const { head } = this;
    this.#append("upgrade", protocol);
    this.#append("connection", "Upgrade");
    if (!head.has(Field.SecWebSocketKey)) this.#append("sec-websocket-key", ANY_KEY);
    head.sentUpgrade = true;
  }

  #joinCookies(): void {
    if (this.#cookies < 2) return;
    const { head } = this;
    const crumbs: string[] = [];
    for (const [name, value] of head.entries()) if (name === "cookie") crumbs.push(value);
    head.drop(Field.Cookie);
    this.#append("cookie", crumbs.join("; "));
  }

  /** Adds a field behind those that came. */
  #append(name: string, value: string): void {
    const { head } = this;
    const start = this.length;
    const end = start + name.length + value.length;
    if (end > this.bytes.length) {
      const larger = new Uint8Array(end * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    const { bytes } = this;
    for (let i = 0; i < name.length; i++) bytes[start + i] = name.charCodeAt(i);
    for (let i = 0; i < value.length; i++) bytes[start + name.length + i] = value.charCodeAt(i);
    this.length = head.headEnd = end;
    head.bytes = bytes;
    head.add(start, start + name.length, start + name.length, end);
  }

  #decideExpectation(): void {
    const { head } = this;
    if (!head.has(Field.Expect)) return;
    const value = head.field(Field.Expect) ?? "";
    if (value === "") return;
    if (value.toLowerCase() !== "100-continue") throw new ProtocolError(FAULTS.unknownExpectation);
    head.expectContinue = true;
  }
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB;
}
