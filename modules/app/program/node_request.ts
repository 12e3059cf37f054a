// What does a handler of node:http get as its request? Node's own IncomingMessage, filled from an exchange, on a socket that is none:
// it says who the client is.

import { EventEmitter } from "node:events";
import { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Exchange } from "../../../server/request/exchange.ts";
import { targetOf } from "../lazy_request.ts";

/** What frameworks ask of a connection. Reading and writing it are the server's to do. */
export class ClientSocket extends EventEmitter {
  readonly remoteFamily: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly encrypted: boolean;
  readable = true;
  writable = true;
  destroyed = false;
  readonly writableLength = 0;
  readonly writableHighWaterMark = 16_384;
  readonly readableHighWaterMark = 65_536;
  readonly connecting = false;

  constructor({ client, transport: { local } }: Exchange, encrypted: boolean) {
    super();
    this.remoteAddress = client.address;
    this.remotePort = client.port;
    this.remoteFamily = client.address.includes(":") ? "IPv6" : "IPv4";
    this.localAddress = local.address;
    this.localPort = local.port;
    this.encrypted = encrypted;
  }

  address(): { address: string; port: number; family: string } {
    return { address: this.localAddress, port: this.localPort, family: this.remoteFamily };
  }

  destroy(): this {
    this.destroyed = true;
    this.readable = this.writable = false;
    return this;
  }

  pause(): this {
    return this;
  }
  resume(): this {
    return this;
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
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  cork(): void {}
  uncork(): void {}
}

/** What is used of an IncomingMessage that its declarations do not show. */
interface Internals {
  httpVersionMajor: number;
  httpVersionMinor: number;
  upgrade: boolean;
  readonly _readableState: { readingMore: boolean };
  _addHeaderLines(lines: string[], count: number): void;
  _destroy(error: Error | null, callback: (error?: Error | null) => void): void;
}

/** The request of an exchange. */
export function incoming(exchange: Exchange, socket: ClientSocket): IncomingMessage {
  const request = new IncomingMessage(socket as unknown as Socket) as IncomingMessage & Internals;
  const { head } = exchange;
  request.method = exchange.method;
  request.url = targetOf(exchange);
  request.httpVersionMajor = 1;
  request.httpVersionMinor = head.isHttp11 ? 1 : 0;
  request.httpVersion = head.isHttp11 ? "1.1" : "1.0";
  const lines: string[] = [];
  for (const [name, value] of head.entries()) lines.push(name, value);
  request._addHeaderLines(lines, lines.length);
  request._destroy = (error, callback) => callback(request.listenerCount("error") > 0 ? error : null);
  const body = exchange.body;
  if (body === undefined) {
    request.complete = true;
    request.push(null);
    return request;
  }
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  request._read = () => {
    // Its constructor says that more is being read, until it is asked to.
    request._readableState.readingMore = false;
    reader ??= body.stream().getReader();
    reader.read().then(({ done, value }) => {
      if (!done) return void request.push(value);
      request.complete = true;
      // Of a request that is complete they are its trailers.
      const trailers = (exchange.trailers ?? []).flat();
      if (trailers.length > 0) request._addHeaderLines(trailers, trailers.length);
      request.push(null);
    }, (error) => request.destroy(error));
  };
  return request;
}

/** The client is gone before it was answered. */
export function abort(request: IncomingMessage): void {
  if (request.aborted) return;
  request.aborted = true;
  request.emit("aborted");
  request.destroy(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
}
