// How does a server of node:http upgrade a connection? Its "upgrade" event gets a socket to which the program writes the response's
// head itself: that becomes the reply, and what is written behind it goes to the client.

import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import type { Exchange } from "../../../server/request/exchange.ts";
import { type Fields, NO_BODY, type Reply } from "../../../server/http/engine/reply.ts";

/** A program's head may have so many bytes. */
const MOST = 65_536;

/** The socket of an upgrade. */
export class UpgradeSocket extends Duplex {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly reply: Promise<Reply>;
  readonly #settle: (reply: Reply) => void;
  #written: Buffer[] = [];
  #connection: Duplex | undefined;
  #settled = false;

  constructor({ client }: Exchange) {
    super({ allowHalfOpen: false });
    this.remoteAddress = client.address;
    this.remotePort = client.port;
    const { promise, resolve } = Promise.withResolvers<Reply>();
    this.reply = promise;
    this.#settle = resolve;
  }

  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    this.#connection?.resume();
  }

  override _write(chunk: Buffer, _: string, callback: (error?: Error | null) => void): void {
    if (this.#connection !== undefined) {
      if (this.#connection.write(chunk)) callback();
      else this.#connection.once("drain", () => callback());
      return;
    }
    this.#written.push(chunk);
    this.#lookForHead();
    callback();
  }

  override _final(callback: () => void): void {
    this.#refuse();
    this.#connection?.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#refuse();
    this.#connection?.destroy();
    callback(error);
  }

  /** The program ends the connection without having agreed. */
  #refuse(): void {
    if (this.#settled) return;
    this.#settled = true;
    const { status, fields, rest } = parseHead(Buffer.concat(this.#written)) ?? REFUSED;
    this.#settle({ status, fields, body: { kind: "bytes", bytes: Uint8Array.from(rest) }, close: true });
  }

  #lookForHead(): void {
    if (this.#settled) return;
    const bytes = Buffer.concat(this.#written);
    const head = parseHead(bytes);
    if (head === undefined && bytes.length > MOST) {
      this.destroy(new Error("the head of an upgrade is too long"));
    }
    // A refusal has a body, which ends with the connection.
    if (head === undefined || head.status !== 101) return;
    this.#settled = true;
    this.#written = [];
    this.#settle({
      status: 101,
      fields: head.fields,
      body: NO_BODY,
      takeOver: (connection) => this.#takeOver(connection, head.rest),
    });
  }

  #takeOver(connection: Duplex, rest: Buffer): void {
    this.#connection = connection;
    if (this.destroyed) return void connection.destroy();
    const behind = Buffer.concat([rest, ...this.#written]);
    this.#written = [];
    if (behind.length > 0) connection.write(behind);
    connection.on("data", (chunk) => {
      if (!this.push(chunk)) connection.pause();
    });
    connection.on("end", () => this.push(null));
    connection.on("error", (error) => this.destroy(error));
    connection.on("close", () => this.destroy());
  }
}

const REFUSED = { status: 400, fields: [] as Fields, rest: Buffer.alloc(0) };

/** Status, fields and what follows; undefined while the head is not whole. */
function parseHead(bytes: Buffer): { status: number; fields: Fields; rest: Buffer } | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [first, ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? 400);
  const fields: Fields = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim();
    if (colon > 0 && !/^(?:connection|content-length|transfer-encoding|date)$/i.test(name)) {
      fields.push([name, line.slice(colon + 1).trim()]);
    }
  }
  return { status, fields, rest: bytes.subarray(end + 4) };
}
