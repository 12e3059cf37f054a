// How is HTTP/1.1 spoken to a backend? Requests are written anew from what was understood of the client's, never copied; responses pass
// the strict parser. What is about a connection stays on that connection.

import type { OutputBuffer } from "../../server/http/engine/output.ts";
import { ParserEvent } from "../../server/http/parser/events.ts";
import { Field } from "../../server/http/parser/mod.ts";
import { type ResponseOptions, ResponseParser } from "../../server/http/parser/response.ts";
import type { BackendHead, Protocol, ResponseTaker } from "../proxy/protocol.ts";
import { HOP_BY_HOP, NameKinds } from "../proxy/hop_by_hop.ts";

/** A request as a backend gets it. */
export interface HttpRequest {
  readonly method: string;
  /** Head but for the fields about connection and body, with a line end behind each line. */
  readonly head: string;
  /** Of the body; undefined: chunked; no body: -1. */
  readonly length: number | undefined;
  /** The value of Upgrade, for a change of the protocol. */
  readonly upgrade: string | undefined;
  readonly keepAlive: boolean;
  /** The client waits for leave to send, and the backend is asked. */
  readonly expects: boolean;
}

const NO_OPTIONS: ReadonlySet<string> = new Set();

/** Names in a Connection field that are not about the connection alone. */
function optionsOf(value: string): ReadonlySet<string> {
  if (/^(?:keep-alive|close)$/i.test(value)) return NO_OPTIONS;
  return new Set(value.toLowerCase().split(",").map((option) => option.trim()));
}

/** Fields of responses that do not go on, or only with a change of the protocol. */
const KINDS = new NameKinds((lower) =>
  lower === "upgrade" ? "upgrade" : HOP_BY_HOP.has(lower) ? "own" : "other"
);

/** Parsers whose response is over: what one is made of costs more than what it does. */
const spare: { readonly options: string; readonly parser: ResponseParser }[] = [];
const MOST_SPARE = 64;

/** A parser for `options`. */
function takeParser(options: ResponseOptions): { readonly key: string; readonly parser: ResponseParser } {
  const key = `${options.limitRequestFieldSize} ${options.limitRequestFields} ${options.badLines}`;
  const last = spare.pop();
  return { key, parser: last?.options === key ? last.parser : new ResponseParser(options) };
}

/** One request over HTTP/1.1. */
export class HttpProtocol implements Protocol {
  readonly waitsForContinue: boolean;
  readonly #request: HttpRequest;
  readonly #parser: ResponseParser;
  #begun = false;
  readonly #key: string;

  constructor(request: HttpRequest, options: ResponseOptions) {
    this.#request = request;
    this.waitsForContinue = request.expects;
    const { key, parser } = takeParser(options);
    this.#key = key;
    this.#parser = parser;
    this.#parser.expect(request.method);
  }

  begin(out: OutputBuffer): void {
    const { head, length, upgrade, keepAlive, expects } = this.#request;
    const connection = upgrade !== undefined
      ? `Upgrade: ${upgrade}\r\nConnection: Upgrade\r\n`
      : keepAlive
      ? "Connection: Keep-Alive\r\n"
      : "Connection: close\r\n";
    const framing = length === undefined
      ? "Transfer-Encoding: chunked\r\n"
      : length >= 0
      ? `Content-Length: ${length}\r\n`
      : "";
    out.latin1(`${head}${expects ? "Expect: 100-continue\r\n" : ""}${connection}${framing}\r\n`);
  }

  piece(out: OutputBuffer, bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0) return;
    if (this.#request.length !== undefined) return out.append(bytes);
    out.latin1(`${bytes.length.toString(16)}\r\n`);
    out.append(bytes);
    out.latin1("\r\n");
  }

  finish(out: OutputBuffer): void {
    if (this.#request.length === undefined) out.latin1("0\r\n\r\n");
  }

  get untouched(): boolean {
    return !this.#begun;
  }

  receive(bytes: Uint8Array<ArrayBuffer>, length: number, to: ResponseTaker): void {
    const parser = this.#parser;
    this.#begun = true;
    let pos = 0;
    // What the chunks of one buffer hold is moved together, and goes on in one piece.
    let bodyAt = -1;
    let bodyEnd = -1;
    const deliver = () => {
      if (bodyAt >= 0) to.onBody(bytes, bodyAt, bodyEnd);
      bodyAt = -1;
    };
    for (;;) {
      const event = parser.next(bytes, pos, length);
      pos = parser.pos;
      if (event === ParserEvent.NeedData) return deliver();
      if (event === ParserEvent.Data) {
        const { dataStart, dataEnd } = parser;
        if (bodyAt < 0) [bodyAt, bodyEnd] = [dataStart, dataEnd];
        else {
          bytes.copyWithin(bodyEnd, dataStart, dataEnd);
          bodyEnd += dataEnd - dataStart;
        }
      } else if (event === ParserEvent.Head) {
        if (this.#head(bytes, length, to)) return;
      } else if (event === ParserEvent.End) {
        deliver();
        // What comes behind the end is nobody's answer.
        const reusable = parser.head.keepAlive && pos === length && this.#request.keepAlive;
        // Nothing is read any more with this one.
        if (spare.length < MOST_SPARE) spare.push({ options: this.#key, parser });
        return to.onDone(reusable);
      } else {
        deliver();
        return to.onBad("AH01106", `bad HTTP header returned by backend: ${parser.error!.message}`);
      }
    }
  }

  /** Returns true when nothing of this protocol follows. */
  #head(bytes: Uint8Array<ArrayBuffer>, length: number, to: ResponseTaker): boolean {
    const { head, pos } = this.#parser;
    const { status, reason, bodyKind, contentLength } = head;
    if (status === 101) {
      if (this.#request.upgrade === undefined) {
        to.onBad("AH01106", "bad HTTP header returned by backend: 101 without an Upgrade");
        return true;
      }
      to.onUpgrade(this.#facts(), bytes.slice(pos, length));
      return true;
    }
    if (status < 200) {
      if (status === 100) to.onContinue();
      return false;
    }
    const bodiless = bodyKind === "none";
    to.onHead({ status, reason, fields: this.#facts().fields, length: contentLength, bodiless });
    return false;
  }

  #facts(): BackendHead {
    const { head } = this.#parser;
    const { status, reason } = head;
    const fields: [string, string][] = [];
    const listed = head.has(Field.Connection) ? optionsOf(head.field(Field.Connection)!) : NO_OPTIONS;
    head.visit((id, name, value) => {
      const kind = id === Field.ContentLength ? "own" : KINDS.get(name);
      if (kind === "own" || (kind === "upgrade" && status !== 101)) return;
      if (listed.size > 0 && kind !== "upgrade" && listed.has(name.toLowerCase())) return;
      fields.push([name, value]);
    });
    return { status, reason, fields, length: undefined, bodiless: true };
  }

  ended(to: ResponseTaker): void {
    if (this.#begun && this.#parser.endsWell()) to.onDone(false);
    else to.onLost("the backend has closed the connection");
  }
}
