// What does the connection engine need of the rest of the server? Settings, an answer to a request, and somebody to tell when
// it has been given.

import type { Connection, ProtocolHandler } from "../../../mpm/mod.ts";
import type { ParserOptions, ProtocolError, RequestHead } from "../parser/mod.ts";
import type { Exchange } from "../../request/exchange.ts";
import type { PreparedReply, Reply } from "./reply.ts";
import type { Staging } from "./staging.ts";

/** `initial[-max][,MinRate=n]` of RequestReadTimeout; times in ms, 0: off; rate in bytes a second. */
export interface ReadTimeout {
  readonly initial: number;
  readonly max: number;
  readonly minRate: number;
}

/** The directives that a connection obeys; times in ms. */
export interface ConnectionSettings {
  readonly timeout: number;
  readonly keepAlive: boolean;
  readonly keepAliveTimeout: number;
  /** 0: no limit. */
  readonly maxKeepAliveRequests: number;
  readonly headTimeout: ReadTimeout;
  readonly bodyTimeout: ReadTimeout;
  readonly parser: ParserOptions;
  /** The Server field. */
  readonly serverField: string;
}

/** HTTP/2, where some host of this server speaks it. */
export interface Http2Support {
  /**
   * Whether a connection that begins with the first `length` of `bytes` speaks HTTP/2; undefined: that cannot be told before more of
   * it has come.
   */
  begins(connection: Connection, bytes: Uint8Array, length: number): boolean | undefined;
  /** Who serves `connection` from its first byte on. */
  createHandler(connection: Connection): Http2Handler;
  /** Whether `connection`, which has spoken HTTP/1.1 so far, may change to HTTP/2 with the request of `head` (RFC 7540, 3.2). */
  upgrades(connection: Connection, head: RequestHead): boolean;
}

/** Who serves a connection of HTTP/2. */
export interface Http2Handler extends ProtocolHandler {
  /** The client has asked by HTTP/1.1: the request of `head`, without a body, is the first stream. `settings`: those of the client. */
  beginUpgraded(head: RequestHead, settings: Uint8Array<ArrayBuffer>): void;
}

/** The server, as the engine sees it; one object per thread. */
export interface Service {
  /** Undefined: no host speaks HTTP/2. */
  readonly http2: Http2Support | undefined;
  /** The staging buffer of this thread. */
  readonly staging: Staging;
  /** Requests that wait for a promise or a stream of a handler, or whose connection speaks another protocol. */
  waiting: number;
  /** Before the virtual host is known. */
  readonly settings: ConnectionSettings;
  /** A message made ahead for this request, if it depends on nothing but the target. */
  prepared(exchange: Exchange): PreparedReply | undefined;
  /** Finds the virtual host and location. Returns a reply when the request can only fail; `wantsBody` says when to call handle. */
  begin(exchange: Exchange): Reply | undefined;
  /** True when the handler of this request reads the body itself; else handle() is called after the body has been discarded. */
  wantsBody(exchange: Exchange): boolean;
  /** Answers. Never throws: a handler's failure is a reply of 500. The promise may be rejected. */
  handle(exchange: Exchange): Reply | Promise<Reply>;
  /** Logs what a handler's promise was rejected with. Returns the reply of 500. */
  handlerFailed(exchange: Exchange, error: unknown): Reply;
  /** The most bytes the body of this request may have, after begin(); 0: no limit (LimitRequestBody). */
  bodyLimit(exchange: Exchange): number;
  /** The settings of the request's virtual host. */
  settingsOf(exchange: Exchange): ConnectionSettings;
  /** An answer to bytes that are no request. */
  protocolError(error: ProtocolError, exchange: Exchange): Reply;
  /** The answer for a client that was too slow. */
  timedOut(exchange: Exchange): Reply;
  /** The answer instead of one with a field that cannot be sent. */
  invalidField(exchange: Exchange, error: Error): Reply;
  /** A response body failed after its head was sent: log it. */
  streamFailed(exchange: Exchange, error: unknown): void;
  /** A response is with the transport, or was broken off: counters. The slot is still the request's. */
  counted(exchange: Exchange): void;
  /** Request and response are over, and what was sent is known: logs. */
  finished(exchange: Exchange): void;
  /** The engine itself, or a hook that nobody waits for, has failed: log it. */
  faulted(error: unknown): void;
}
