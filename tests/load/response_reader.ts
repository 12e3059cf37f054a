// What exactly came back? A reader of HTTP/1.1 responses that takes nothing but what RFC 9112 allows a server to send, and this server
// means to: everything else is a fault, told with the bytes that it was found in.

import { Buffer } from "node:buffer";

/** Something that no correct answer has. */
export class WrongAnswer extends Error {
  override readonly name = "WrongAnswer";
}

/** The connection ended. `clean`: between two responses. */
export class Ended extends Error {
  override readonly name = "Ended";

  constructor(readonly clean: boolean) {
    super(clean ? "the connection was closed" : "the connection ended within a response");
  }
}

/** One response as it came. */
export interface Received {
  readonly status: number;
  /** By name in lower case; fields that came twice are joined by a line feed. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

const CHUNK = 1 << 17;
const MOST_HEAD = 65536;
const HEAD_END = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");
/** Statuses without a body (RFC 9110 §6.4.1). */
const BODILESS = new Set([204, 304]);

/** Reads the responses of one connection. */
export class ResponseReader {
  #buffer: Buffer = Buffer.alloc(CHUNK);
  #start = 0;
  #end = 0;
  #ended = false;

  constructor(readonly source: { read(into: Uint8Array): Promise<number | null> }) {}

  /** Bytes that have come and are not read. */
  get pending(): number {
    return this.#end - this.#start;
  }

  /** The response to a request with `method`; interim ones before it are counted by `interim`. @throws WrongAnswer, Ended */
  async response(method: string, interim?: () => void): Promise<Received> {
    for (;;) {
      const { status, fields } = await this.#head();
      if (status === 100) {
        if (interim === undefined) throw new WrongAnswer("100 (Continue) that nobody asked for");
        interim();
        continue;
      }
      return { status, fields, body: await this.#body(method, status, fields) };
    }
  }

  /** Waits for the end of the connection; nothing may come before it. @throws WrongAnswer */
  async end(): Promise<void> {
    while (await this.#more());
    if (this.pending > 0) throw new WrongAnswer(`bytes behind the last response: ${this.#excerpt()}`);
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false;
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    if (this.#buffer.length - this.#end < CHUNK / 2) {
      const larger = Buffer.alloc(this.#buffer.length * 2);
      this.#buffer.copy(larger, 0, 0, this.#end);
      this.#buffer = larger;
    }
    const n = await this.source.read(this.#buffer.subarray(this.#end));
    if (n === null) this.#ended = true;
    else this.#end += n;
    return n !== null;
  }

  #excerpt(): string {
    return JSON.stringify(
      this.#buffer.toString("latin1", this.#start, Math.min(this.#end, this.#start + 120)),
    );
  }

  async #until(mark: Buffer, most: number): Promise<string> {
    let from = this.#start;
    for (;;) {
      const at = this.#buffer.subarray(0, this.#end).indexOf(mark, from);
      if (at >= 0) {
        const text = this.#buffer.toString("latin1", this.#start, at);
        this.#start = at + mark.length;
        return text;
      }
      if (this.pending > most) throw new WrongAnswer(`no end of a line: ${this.#excerpt()}`);
      const offset = Math.max(0, this.pending - mark.length + 1);
      const clean = this.pending === 0 && mark === HEAD_END;
      if (!(await this.#more())) throw new Ended(clean);
      from = this.#start + offset;
    }
  }

  async #head(): Promise<{ status: number; fields: Map<string, string> }> {
    if (this.pending < 9 && !(await this.#more())) throw new Ended(this.pending === 0);
    if (this.pending >= 9 && this.#buffer.toString("latin1", this.#start, this.#start + 9) !== "HTTP/1.1 ") {
      throw new WrongAnswer(`no response: ${this.#excerpt()}`);
    }
    const [line, ...lines] = (await this.#until(HEAD_END, MOST_HEAD)).split("\r\n");
    const found = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/.exec(line);
    if (found === null) throw new WrongAnswer(`no status line: ${JSON.stringify(line.slice(0, 120))}`);
    const fields = new Map<string, string>();
    for (const each of lines) {
      const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)$/.exec(each);
      if (field === null) throw new WrongAnswer(`no field: ${JSON.stringify(each.slice(0, 120))}`);
      const name = field[1].toLowerCase();
      const before = fields.get(name);
      fields.set(name, before === undefined ? field[2] : `${before}\n${field[2]}`);
    }
    return { status: Number(found[1]), fields };
  }

  async #body(method: string, status: number, fields: ReadonlyMap<string, string>): Promise<Uint8Array> {
    const length = fields.get("content-length");
    const coding = fields.get("transfer-encoding");
    if (length !== undefined && coding !== undefined) throw new WrongAnswer("two ways to find the end");
    if (method === "HEAD" || BODILESS.has(status)) return new Uint8Array(0);
    if (coding !== undefined) {
      if (coding !== "chunked") throw new WrongAnswer(`Transfer-Encoding: ${coding}`);
      return await this.#chunks();
    }
    if (length === undefined || !/^\d+$/.test(length)) throw new WrongAnswer(`Content-Length: ${length}`);
    return await this.#bytes(Number(length));
  }

  async #bytes(count: number): Promise<Uint8Array> {
    while (this.pending < count) if (!(await this.#more())) throw new Ended(false);
    const bytes = Uint8Array.prototype.slice.call(this.#buffer, this.#start, this.#start + count);
    this.#start += count;
    return bytes;
  }

  async #chunks(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for (;;) {
      const line = await this.#until(LINE_END, 64);
      if (!/^[0-9a-f]{1,8}$/.test(line)) throw new WrongAnswer(`chunk size ${JSON.stringify(line)}`);
      const size = parseInt(line, 16);
      if (size > 0) pieces.push(await this.#bytes(size));
      if (await this.#until(LINE_END, 2) !== "") throw new WrongAnswer("a chunk longer than it said");
      if (size === 0) return Buffer.concat(pieces);
    }
  }
}
