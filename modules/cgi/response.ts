// What does a program answer in the manner of CGI? Fields, a blank line, content; a Status field in place of a status line (RFC 3875 §6).

import { Buffer } from "node:buffer";
import { isFieldName, isFieldValue } from "../../server/http/content/mod.ts";
import { HOP_BY_HOP } from "../proxy/hop_by_hop.ts";

/** Bytes of a head at most. */
const LONGEST_HEAD = 65_536;

/** What a program has answered, but for its content. */
export interface CgiHead {
  readonly status: number;
  readonly reason: string;
  /** As they came, but for Status, the length, and those about the connection. */
  readonly fields: (readonly [name: string, value: string])[];
  /** Of the content; undefined: not known. */
  readonly length: number | undefined;
  /** Nothing follows (HEAD, 204, 304). */
  readonly bodiless: boolean;
}

/** Who is told what a program answers. */
export interface CgiTaker {
  onHead(head: CgiHead): void;
  onBody(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): void;
  /** It makes no sense. */
  onBad(ah: string | undefined, message: string): void;
}

/** The lines of a head as they are, read. */
export interface CgiLines {
  /** What Status says; undefined: there is none. */
  readonly status: string | undefined;
  readonly fields: (readonly [name: string, value: string])[];
  readonly length: number | undefined;
}

/** Reads the lines of a head. Returns the first that is none of a head as a string. */
export function readCgiLines(head: string): CgiLines | string {
  let status: string | undefined;
  let length: number | undefined;
  const fields: [string, string][] = [];
  for (const line of head.split(/\r?\n/)) {
    if (line === "" && head === "") break;
    const at = line.indexOf(":");
    const name = line.slice(0, Math.max(at, 0));
    const value = line.slice(at + 1).trim();
    if (!isFieldName(name) || !isFieldValue(value)) return line;
    const lower = name.toLowerCase();
    if (lower === "status") status = value;
    else if (lower === "content-length") {
      if (!/^\d{1,15}$/.test(value)) return line;
      length = Number(value);
    } else if (!HOP_BY_HOP.has(lower)) fields.push([name, value]);
  }
  return { status, fields, length };
}

/** Finds the end of a head, however it is spread over pieces. */
export class CgiHeadCollector {
  #text = "";

  /** What has come of a head that is not complete. */
  get text(): string {
    return this.#text;
  }

  get tooLong(): boolean {
    return this.#text.length > LONGEST_HEAD;
  }

  /** The bytes [from, to). Returns the head, and where content begins behind it; undefined: it is not complete. */
  take(
    bytes: Uint8Array<ArrayBuffer>,
    from: number,
    to: number,
  ): { head: string; bodyAt: number } | undefined {
    const before = this.#text.length;
    // A line end may be split between two pieces.
    this.#text += Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
    const found = /^\r?\n|\r?\n\r?\n/.exec(this.#text);
    if (found === null) return undefined;
    return { head: this.#text.slice(0, found.index), bodyAt: from + found.index + found[0].length - before };
  }
}

/** The response of a program that another server runs. */
export class CgiResponse {
  readonly #collector = new CgiHeadCollector();
  #known = false;
  #bodiless: boolean;

  constructor(method: string, readonly title: string) {
    this.#bodiless = method === "HEAD";
  }

  /** The head is known. */
  get known(): boolean {
    return this.#known;
  }

  /** The bytes [from, to) of what the program says. Returns false when they make no sense. */
  take(bytes: Uint8Array<ArrayBuffer>, from: number, to: number, taker: CgiTaker): boolean {
    if (this.#known) {
      if (!this.#bodiless) taker.onBody(bytes, from, to);
      return true;
    }
    const found = this.#collector.take(bytes, from, to);
    if (found === undefined) {
      if (!this.#collector.tooLong) return true;
      taker.onBad("AH01068", `${this.title}: the head of the response is too long`);
      return false;
    }
    if (!this.#decide(found.head, taker)) return false;
    if (!this.#bodiless && found.bodyAt < to) taker.onBody(bytes, found.bodyAt, to);
    return true;
  }

  #decide(head: string, taker: CgiTaker): boolean {
    const read = readCgiLines(head);
    if (typeof read === "string") return this.#malformed(read, taker);
    const { fields, length } = read;
    let status = 200;
    let reason = "";
    if (read.status !== undefined) {
      const parsed = /^(\d{3})(?: (.*))?$/.exec(read.status);
      if (parsed === null || Number(parsed[1]) < 200) {
        return this.#malformed(`Status: ${read.status}`, taker);
      }
      status = Number(parsed[1]);
      reason = parsed[2] ?? "";
    }
    // A Location without a status is a redirect.
    if (status === 200 && fields.some(([name]) => name.toLowerCase() === "location")) status = 302;
    this.#known = true;
    this.#bodiless ||= status === 204 || status === 304;
    taker.onHead({ status, reason, fields, length, bodiless: this.#bodiless });
    return true;
  }

  #malformed(line: string, taker: CgiTaker): false {
    const message = `${this.title}: malformed header from script: ${JSON.stringify(line.slice(0, 80))}`;
    taker.onBad("AH01069", message);
    return false;
  }
}
