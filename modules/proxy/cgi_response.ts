// What does a program answer in the manner of CGI? Fields, a blank line, content; a Status field in place of a status line (RFC 3875 §6).

import { Buffer } from "node:buffer";
import { isFieldName, isFieldValue } from "../../server/http/content/mod.ts";
import type { ResponseTaker } from "./conversation.ts";
import { HOP_BY_HOP } from "./hop_by_hop.ts";

/** Bytes of a head at most. */
const LONGEST_HEAD = 65_536;

/** The response of one program. */
export class CgiResponse {
  #head = "";
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
  take(bytes: Uint8Array<ArrayBuffer>, from: number, to: number, taker: ResponseTaker): boolean {
    if (this.#known) {
      if (!this.#bodiless) taker.onBody(bytes, from, to);
      return true;
    }
    const before = this.#head.length;
    // A line end may be split between two pieces.
    this.#head += Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
    const found = /\r?\n\r?\n/.exec(this.#head);
    if (found === null) {
      if (this.#head.length <= LONGEST_HEAD) return true;
      taker.onBad("AH01068", `${this.title}: the head of the response is too long`);
      return false;
    }
    const end = found.index + found[0].length;
    if (!this.#decide(this.#head.slice(0, found.index), taker)) return false;
    const bodyAt = from + end - before;
    if (!this.#bodiless && bodyAt < to) taker.onBody(bytes, bodyAt, to);
    return true;
  }

  #decide(head: string, taker: ResponseTaker): boolean {
    let status = 200;
    let reason = "";
    let located = false;
    let length: number | undefined;
    const fields: [string, string][] = [];
    for (const line of head.split(/\r?\n/)) {
      const at = line.indexOf(":");
      const name = line.slice(0, at);
      const value = line.slice(at + 1).trim();
      if (at < 1 || !isFieldName(name) || !isFieldValue(value)) {
        taker.onBad(
          "AH01069",
          `${this.title}: malformed header from script: ${JSON.stringify(line.slice(0, 80))}`,
        );
        return false;
      }
      const lower = name.toLowerCase();
      if (lower === "status") {
        const parsed = /^(\d{3})(?: (.*))?$/.exec(value);
        if (parsed === null || Number(parsed[1]) < 200) {
          taker.onBad(
            "AH01069",
            `${this.title}: malformed header from script: ${JSON.stringify(line.slice(0, 80))}`,
          );
          return false;
        }
        status = Number(parsed[1]);
        reason = parsed[2] ?? "";
      } else if (lower === "content-length") {
        if (!/^\d{1,15}$/.test(value)) {
          taker.onBad(
            "AH01069",
            `${this.title}: malformed header from script: ${JSON.stringify(line.slice(0, 80))}`,
          );
          return false;
        }
        length = Number(value);
      } else if (!HOP_BY_HOP.has(lower)) {
        located ||= lower === "location";
        fields.push([name, value]);
      }
    }
    // A Location without a status is a redirect.
    if (located && status === 200) status = 302;
    this.#known = true;
    this.#bodiless ||= status === 204 || status === 304;
    taker.onHead({ status, reason, fields, length, bodiless: this.#bodiless });
    return true;
  }
}
