// How is FastCGI spoken? Records of at most 64 KiB in both directions, one request at a time on a connection (FastCGI Specification 1.0).

import type { OutputBuffer } from "../../server/http/engine/output.ts";
import { CgiResponse } from "../cgi/response.ts";
import type { Protocol, ResponseTaker } from "../proxy/protocol.ts";

const VERSION = 1;
const Type = { Begin: 1, End: 3, Params: 4, Stdin: 5, Stdout: 6, Stderr: 7 } as const;
const RESPONDER = 1;
const KEEP_CONNECTION = 1;
const HEADER = 8;
/** The only request of its connection at the time. */
const ID = 1;
const LONGEST_RECORD = 65_535;
/** Of what a program says on its standard error, so much of one request is logged. */
const LONGEST_ERROR = 8192;

const encoder = new TextEncoder();

function header(out: OutputBuffer, type: number, length: number): void {
  out.reserve(HEADER);
  const { bytes, length: at } = out;
  bytes[at] = VERSION;
  bytes[at + 1] = type;
  bytes[at + 2] = 0;
  bytes[at + 3] = ID;
  bytes[at + 4] = length >> 8;
  bytes[at + 5] = length & 0xff;
  bytes[at + 6] = 0;
  bytes[at + 7] = 0;
  out.length += HEADER;
}

/** `bytes` as a stream of records, without its end. */
function records(out: OutputBuffer, type: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += LONGEST_RECORD) {
    const piece = bytes.subarray(at, at + LONGEST_RECORD);
    header(out, type, piece.length);
    out.append(piece);
  }
}

/** Names and values as FastCGI has them: each behind its lengths. */
function encodeParams(variables: ReadonlyMap<string, string>): Uint8Array<ArrayBuffer> {
  const pairs = [...variables].map(([name, value]) => [encoder.encode(name), encoder.encode(value)] as const);
  const bytes = new Uint8Array(pairs.reduce((sum, [name, value]) => sum + 8 + name.length + value.length, 0));
  let at = 0;
  for (const pair of pairs) {
    for (const { length } of pair) {
      if (length < 128) bytes[at++] = length;
      else {
        bytes[at++] = length >>> 24 | 0x80;
        bytes[at++] = length >>> 16 & 0xff;
        bytes[at++] = length >>> 8 & 0xff;
        bytes[at++] = length & 0xff;
      }
    }
    for (const each of pair) {
      bytes.set(each, at);
      at += each.length;
    }
  }
  return bytes.subarray(0, at);
}

/** What a FastCGI request is made of. */
export interface FcgiRequest {
  readonly method: string;
  readonly variables: ReadonlyMap<string, string>;
  readonly keepAlive: boolean;
  /** Takes what the program says on its standard error. */
  readonly onError: (text: string) => void;
}

/** One request over FastCGI. */
export class FcgiProtocol implements Protocol {
  readonly waitsForContinue = false;
  readonly #request: FcgiRequest;
  readonly #response: CgiResponse;
  /** The header of the record that is being read, and how much of it is there. */
  readonly #header = new Uint8Array(HEADER);
  #headerLength = 0;
  /** Bytes of its content and of what fills it up that are still to come. */
  #content = 0;
  #padding = 0;
  #begun = false;
  #errorBytes = 0;
  #end = new Uint8Array(8);
  #endLength = 0;

  constructor(request: FcgiRequest) {
    this.#request = request;
    this.#response = new CgiResponse(request.method, "FastCGI");
  }

  begin(out: OutputBuffer): void {
    header(out, Type.Begin, 8);
    out.append(Uint8Array.of(0, RESPONDER, this.#request.keepAlive ? KEEP_CONNECTION : 0, 0, 0, 0, 0, 0));
    records(out, Type.Params, encodeParams(this.#request.variables));
    header(out, Type.Params, 0);
  }

  piece(out: OutputBuffer, bytes: Uint8Array<ArrayBuffer>): void {
    records(out, Type.Stdin, bytes);
  }

  finish(out: OutputBuffer): void {
    header(out, Type.Stdin, 0);
  }

  get untouched(): boolean {
    return !this.#begun;
  }

  receive(bytes: Uint8Array<ArrayBuffer>, length: number, to: ResponseTaker): void {
    this.#begun = true;
    let at = 0;
    while (at < length) {
      if (this.#headerLength < HEADER) {
        this.#header[this.#headerLength++] = bytes[at++];
        if (this.#headerLength === HEADER && !this.#newRecord(to)) return;
      } else if (this.#content > 0) {
        const end = Math.min(length, at + this.#content);
        this.#content -= end - at;
        if (!this.#take(bytes, at, end, to)) return;
        at = end;
      } else {
        const skipped = Math.min(this.#padding, length - at);
        this.#padding -= skipped;
        at += skipped;
      }
      if (this.#headerLength === HEADER && this.#content === 0 && this.#padding === 0) {
        this.#headerLength = 0;
        if (this.#header[1] === Type.End) return this.#over(at === length, to);
      }
    }
  }

  #newRecord(to: ResponseTaker): boolean {
    const header = this.#header;
    this.#content = header[4] << 8 | header[5];
    this.#padding = header[6];
    if (header[0] === VERSION && (header[2] << 8 | header[3]) === ID) return true;
    to.onBad("AH01068", "FastCGI: bad record, of another version or for another request");
    return false;
  }

  #take(bytes: Uint8Array<ArrayBuffer>, from: number, to: number, taker: ResponseTaker): boolean {
    const type = this.#header[1];
    if (type === Type.Stdout) return this.#response.take(bytes, from, to, taker);
    if (type === Type.Stderr && this.#errorBytes < LONGEST_ERROR) {
      this.#errorBytes += to - from;
      this.#request.onError(new TextDecoder().decode(bytes.subarray(from, to)).trimEnd());
    } else if (type === Type.End) {
      for (let i = from; i < to && this.#endLength < 8; i++) this.#end[this.#endLength++] = bytes[i];
    }
    return true;
  }

  #over(last: boolean, to: ResponseTaker): void {
    if (this.#end[4] !== 0) {
      return to.onBad("AH01068", `FastCGI: the program refuses the request (${this.#end[4]})`);
    }
    if (!this.#response.known) return to.onBad("AH01070", "FastCGI: the program ended without a response");
    to.onDone(last && this.#request.keepAlive);
  }

  ended(to: ResponseTaker): void {
    to.onLost("the program has closed the connection");
  }
}
