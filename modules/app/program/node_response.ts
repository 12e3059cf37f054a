// How does a response of node:http reach the client? It is Node's own ServerResponse, so that frameworks may give it another prototype;
// where it would write to a socket, what it has becomes the reply of an exchange.

import { Buffer } from "node:buffer";
import {
  type IncomingMessage,
  OutgoingMessage,
  ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";
import { type Body, type Fields, NO_BODY, type Reply } from "../../../server/http/engine/reply.ts";
import type { Exchange } from "../../../server/request/exchange.ts";

/** What is used of a ServerResponse that its declarations do not show. */
interface Internals {
  [REPLY]?: NodeReply;
  _header: string | null;
  _hasBody: boolean;
  _closed: boolean;
  _contentLength: number | null;
  finished: boolean;
  destroyed: boolean;
  _implicitHeader(): void;
}

type Response = ServerResponse & Internals;
/** Of a string, as Buffer knows it. */
type Encoding = Parameters<typeof Buffer.alloc>[2];
type Callback = (error?: Error | null) => void;

/** Where a response has its reply. */
const REPLY = Symbol("mpmd reply");

/** Bytes that are queued of a response before write() says that it is enough: Node's. */
const HIGH_WATER = 16_384;

/** Fields that the engine sets itself, or that are about the connection. */
const ENGINE_FIELDS: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding", "date"]);

/** The reply that a response is going to be. */
export class NodeReply {
  /** Once it is known. */
  reply: Reply | undefined = undefined;
  /** Called with the reply, if that is not there when the handler returns. */
  onReply: (reply: Reply) => void = () => {};
  #head: Omit<Reply, "body"> | undefined;
  #declared: number | undefined;
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly #trailers: Fields = [];

  constructor(readonly response: ServerResponse, readonly exchange: Exchange) {
    (response as Response)[REPLY] = this;
  }

  /** The head is settled: what _storeHeader() is given. */
  setHead(fields: Iterable<readonly [string, unknown]>): void {
    const { statusCode: status, statusMessage: reason } = this.response;
    const kept: Fields = [];
    let contentType: string | undefined;
    let close = false;
    for (const [name, value] of fields) {
      const lower = name.toLowerCase();
      if (lower === "content-type") contentType = String(value);
      else if (lower === "content-length") this.#declared = Number(value);
      else if (lower === "connection") close = /\bclose\b/i.test(String(value));
      else if (ENGINE_FIELDS.has(lower)) continue;
      else for (const one of Array.isArray(value) ? value : [value]) kept.push([name, String(one)]);
    }
    this.#head = { status, reason, fields: kept, contentType, ...close ? { close } : {} };
  }

  /** Fields that follow the body. */
  addTrailers(fields: Iterable<readonly [string, unknown]>): void {
    for (const [name, value] of fields) {
      validateHeaderName(name);
      validateHeaderValue(name, String(value));
      this.#trailers.push([name, String(value)]);
    }
  }

  /** An interim response; nothing once the response has begun. */
  inform(status: number, fields: Iterable<readonly [string, unknown]>): void {
    const kept: Fields = [];
    for (const [name, value] of fields) {
      for (const one of Array.isArray(value) ? value : [value]) kept.push([name, String(one)]);
    }
    this.exchange.interim?.sendInterim(this.exchange, status, kept);
  }

  get begun(): boolean {
    return this.#stream !== undefined || this.reply !== undefined;
  }

  /** The whole body is there at once. */
  whole(chunk: string | Uint8Array | undefined, encoding: Encoding | undefined): void {
    if (this.#trailers.length > 0 && this.#declared === undefined) {
      this.begin();
      if (chunk !== undefined) this.enqueue(chunk, encoding);
      return this.end();
    }
    const head = this.#head!;
    if (!(this.response as Response)._hasBody) {
      const length = this.#declared ?? (chunk === undefined ? undefined : bytesOf(chunk, encoding).length);
      const declaredLength = head.status === 204 || head.status === 304 ? undefined : length;
      return this.#settle({ ...head, body: NO_BODY, declaredLength });
    }
    const body: Body = chunk === undefined || chunk.length === 0
      ? NO_BODY
      : typeof chunk === "string" && (encoding === undefined || /^utf-?8$/i.test(encoding))
      ? { kind: "text", text: chunk }
      : { kind: "bytes", bytes: bytesOf(chunk, encoding) };
    this.#settle({ ...head, body });
  }

  /** The body comes bit by bit. */
  begin(): void {
    if (this.begun) return;
    const { response } = this;
    if (!(response as Response)._hasBody) {
      this.#settle({ ...this.#head!, body: NO_BODY, declaredLength: this.#declared });
      return;
    }
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#stream = controller;
      },
      pull: () => {
        response.emit("drain");
      },
      cancel: () => this.broken(),
    }, { highWaterMark: HIGH_WATER, size: (chunk) => chunk.length });
    this.#settle({
      ...this.#head!,
      body: { kind: "stream", stream, length: this.#declared },
      trailers: () => this.#trailers,
    });
  }

  /** Returns false when the client should be waited for. */
  enqueue(chunk: string | Uint8Array, encoding: Encoding | undefined): boolean {
    if (this.#stream === undefined) return true;
    // The stream keeps it: what it was made of may be written to again.
    if (chunk.length > 0) this.#stream.enqueue(Uint8Array.from(bytesOf(chunk, encoding)));
    return (this.#stream.desiredSize ?? 0) > 0;
  }

  end(): void {
    this.#stream?.close();
  }

  /** The client is gone, or the response destroyed. */
  broken(): void {
    const response = this.response as Response;
    if (response.destroyed) return;
    response.destroyed = true;
    response._closed = true;
    response.emit("close");
  }

  /** The program gives up in the middle. */
  abort(error: Error): void {
    if (this.reply === undefined) this.#settle({ status: 500, fields: [], body: NO_BODY, close: true });
    else this.#stream?.error(error);
    this.broken();
  }

  #settle(reply: Reply): void {
    this.reply = reply;
    this.onReply(reply);
  }
}

function bytesOf(chunk: string | Uint8Array, encoding: Encoding | undefined): Uint8Array<ArrayBuffer> {
  return (typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk) as Uint8Array<ArrayBuffer>;
}

/** All of a response is with the server. */
function finish(response: Response): void {
  if (response.destroyed) return;
  response.emit("prefinish");
  response.emit("finish");
  const request: IncomingMessage = response.req;
  // Whoever waits for the end of a request that nobody has read gets to see it.
  if (request.listenerCount("end") + request.listenerCount("close") > 0) request.resume();
  response.destroyed = true;
  response._closed = true;
  response.emit("close");
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

type Method = (this: Response, reply: NodeReply, ...args: unknown[]) => unknown;

/** Instead of methods of ServerResponse.prototype, for responses that have a reply. */
const METHODS: Readonly<Record<string, Method>> = {
  _storeHeader(reply, firstLine, headers) {
    this._header = String(firstLine);
    reply.setHead(entriesOf(this, headers));
  },
  write(reply, chunk, encoding, callback) {
    const done = (typeof encoding === "function" ? encoding : callback) as Callback | undefined;
    if (this.finished || this.destroyed) {
      const error = failure("ERR_STREAM_WRITE_AFTER_END", "write after end");
      queueMicrotask(() => {
        done?.(error);
        if (!this.destroyed && this.listenerCount("error") > 0) this.emit("error", error);
      });
      return false;
    }
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) {
      throw Object.assign(
        new TypeError('The "chunk" argument must be of type string or an instance of Buffer or Uint8Array'),
        { code: "ERR_INVALID_ARG_TYPE" },
      );
    }
    if (!this._header) this._implicitHeader();
    reply.begin();
    const more = reply.enqueue(chunk, typeof encoding === "string" ? encoding as Encoding : undefined);
    if (done !== undefined) queueMicrotask(() => done(null));
    return more;
  },
  end(reply, ...args) {
    const done = args.find((one) => typeof one === "function") as Callback | undefined;
    const [chunk, encoding] = args.filter((one) => typeof one !== "function") as [
      string | Uint8Array | null | undefined,
      Encoding | undefined,
    ];
    if (this.finished) {
      done?.(failure("ERR_STREAM_ALREADY_FINISHED", "Cannot call end after a stream was finished"));
      return this;
    }
    if (done !== undefined) this.once("finish", done);
    if (!this._header) {
      this._contentLength = chunk?.length ?? 0;
      this._implicitHeader();
    }
    if (!reply.begun) reply.whole(chunk ?? undefined, encoding);
    else {
      if (chunk) reply.enqueue(chunk, encoding);
      reply.end();
    }
    this.finished = true;
    // Not at the next tick, which may be two milliseconds away: a thread that serves gives the event loop its turn that seldom.
    queueMicrotask(() => finish(this));
    return this;
  },
  flushHeaders(reply) {
    if (!this._header) this._implicitHeader();
    reply.begin();
  },
  destroy(reply, error) {
    if (!this.finished) reply.abort(error instanceof Error ? error : new Error("the response was destroyed"));
    return this;
  },
  // The engine sends 100 itself, when a body is read.
  writeContinue: (_, ...args) => (args.find((one) => typeof one === "function") as Callback | undefined)?.(),
  writeProcessing: (reply) => reply.inform(102, []),
  writeInformation(reply, status, headers) {
    reply.inform(Number(status), entriesOf(this, typeof headers === "function" ? undefined : headers));
  },
  writeEarlyHints(reply, hints, callback) {
    const { link, ...others } = hints as Record<string, unknown>;
    const links = Array.isArray(link) ? link.join(", ") : link;
    if (links !== undefined && links !== "") reply.inform(103, [["Link", links], ...Object.entries(others)]);
    (callback as Callback | undefined)?.();
  },
  addTrailers(reply, headers) {
    reply.addTrailers(entriesOf(this, headers));
  },
  setTimeout() {
    return this;
  },
};

/** Where OutgoingMessage has the fields that were set, each with its name. */
const outHeaders = findOutHeaders();

function findOutHeaders(): symbol | undefined {
  const message = new OutgoingMessage();
  message.setHeader("x-probe", "1");
  return Object.getOwnPropertySymbols(message).find((symbol) => {
    const value: unknown = Reflect.get(message, symbol);
    return typeof value === "object" && value !== null && "x-probe" in value;
  });
}

/** The fields that writeHead() gives: those that were set, a list, a list of pairs, or an object. */
function* entriesOf(response: ServerResponse, headers: unknown): Iterable<readonly [string, unknown]> {
  if (headers === undefined || headers === null) return;
  if (outHeaders !== undefined && headers === Reflect.get(response, outHeaders)) {
    yield* Object.values(headers as Record<string, [string, unknown]>);
  } else if (!Array.isArray(headers)) yield* Object.entries(headers as Record<string, unknown>);
  else if (Array.isArray(headers[0])) yield* headers as [string, unknown][];
  else for (let i = 0; i + 1 < headers.length; i += 2) yield [String(headers[i]), headers[i + 1]];
}

/** From now on responses with a NodeReply do not write to a socket. */
export function replyInsteadOfWriting(): void {
  const prototype = ServerResponse.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const [name, method] of Object.entries(METHODS)) {
    const own = prototype[name];
    Object.defineProperty(prototype, name, {
      configurable: true,
      writable: true,
      value(this: Response, ...args: unknown[]): unknown {
        const reply = this[REPLY];
        return reply === undefined ? own.apply(this, args) : method.call(this, reply, ...args);
      },
    });
  }
}
