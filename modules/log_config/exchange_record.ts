// How does a log read an Exchange? One object a thread, pointed at one exchange after the other: nothing is copied or allocated
// for a line.

import type { Fields } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { firstRequest, type RedirectedRequest } from "../../server/request/redirect.ts";
import type { LogRecord } from "./record.ts";
import { requestVariable } from "../../server/request/request_variables.ts";

const encoder = new TextEncoder();

/** Decoded names are text; a log shows the bytes of their UTF-8. */
function asBytes(text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return String.fromCharCode(...encoder.encode(text));
  }
  return text;
}

const some = (text: string | undefined): string | undefined =>
  text === undefined || text === "" ? undefined : asBytes(text);

/** The exchange in hand as a LogRecord. What the server does not know of its requests is undefined. */
export class ExchangeRecord implements LogRecord {
  /** Set before a format is called. */
  exchange!: Exchange;
  readonly pid = Deno.pid;
  readonly firstByteMicros = undefined;

  /** As the client sent the request; this record, for the request that was answered in the end. */
  readonly #original: ExchangeRecord | undefined;

  /** @param tid index of the server thread */
  constructor(readonly tid: number, final = true) {
    this.#original = final ? new ExchangeRecord(tid, false) : undefined;
  }

  /** The request before all redirects, in the record of the original request. */
  #first(): RedirectedRequest | undefined {
    return this.#original === undefined ? firstRequest(this.exchange) : undefined;
  }

  get clientAddress(): string {
    return shown(this.exchange.client.address);
  }
  get peerAddress(): string {
    return shown(this.exchange.transport.peer.address);
  }
  get localAddress(): string {
    return shown(this.exchange.transport.local.address);
  }
  get clientPort(): number {
    return this.exchange.client.port;
  }
  get localPort(): number {
    return this.exchange.transport.local.port;
  }
  get port(): number {
    return this.exchange.transport.local.port;
  }
  get requestLine(): string | undefined {
    return this.exchange.head.requestLine() || undefined;
  }
  get user(): string | undefined {
    const { claimedUser } = this.exchange;
    return claimedUser === undefined ? undefined : asBytes(claimedUser);
  }
  get method(): string | undefined {
    return (this.#first() ?? this.exchange).method || undefined;
  }
  get path(): string | undefined {
    return some((this.#first() ?? this.exchange).path);
  }
  get query(): string {
    return (this.#first() ?? this.exchange).query;
  }
  get protocol(): string {
    const { major, minor } = this.exchange.head;
    return major === 0 ? "HTTP/0.9" : `HTTP/${major}.${minor}`;
  }
  get status(): number {
    return this.exchange.status;
  }
  get originalStatus(): number {
    return this.exchange.status;
  }
  get bodyBytes(): number {
    return this.exchange.bytesSent;
  }
  get bytesIn(): number {
    return this.exchange.bytesReceived;
  }
  get bytesOut(): number {
    return this.exchange.bytesWritten;
  }
  get logId(): string | undefined {
    return this.exchange.logId;
  }
  get startTime(): number {
    return this.exchange.startTime;
  }
  get endTime(): number {
    return Date.now();
  }
  get durationMicros(): number {
    return (performance.now() - this.exchange.startClock) * 1000;
  }
  get keepAliveCount(): number {
    return this.exchange.keepAlives;
  }
  get connectionState(): "X" | "+" | "-" {
    return this.exchange.connectionState;
  }
  get filename(): string | undefined {
    return some((this.#first() ?? this.exchange).filename);
  }
  get handler(): string | undefined {
    return some((this.#first() ?? this.exchange).handler);
  }
  get serverName(): string {
    const { vhost, transport } = this.exchange;
    return vhost.names.name ?? transport.local.address;
  }
  get requestedName(): string {
    return this.exchange.head.host ?? this.serverName;
  }

  original(): ExchangeRecord {
    const original = this.#original;
    if (original === undefined || this.exchange.redirected === undefined) return this;
    original.exchange = this.exchange;
    return original;
  }

  requestHeader(name: string): string | undefined {
    return this.exchange.head.get(name);
  }

  /** Of the fields that the engine adds when it sends the head, nothing is known here. */
  responseHeader(name: string): string | undefined {
    const { reply } = this.exchange;
    if (name === "content-type") return reply?.contentType;
    return valueOf(reply?.fields, name);
  }

  requestTrailer(name: string): string | undefined {
    return valueOf(this.exchange.trailers, name);
  }

  responseTrailer(name: string): string | undefined {
    return valueOf(this.exchange.sentTrailers, name);
  }

  cookie(name: string): string | undefined {
    for (const part of (this.exchange.head.field(Field.Cookie) ?? "").split(/[;,]\s*/)) {
      const at = part.indexOf("=");
      if (at > 0 && part.slice(0, at).trim() === name) return part.slice(at + 1).trimEnd();
    }
    return undefined;
  }

  env(name: string): string | undefined {
    return requestVariable(this.exchange, name);
  }

  note(name: string): string | undefined {
    return this.exchange.note(name);
  }
}

/** Both ends of a Unix-domain socket have no address. */
function shown(address: string): string {
  return address === "unix" ? "-" : address;
}

/** The value of the field `name` (in lower case), repeated ones joined by ", "; undefined: there is none. */
function valueOf(fields: Fields | undefined, name: string): string | undefined {
  let value: string | undefined;
  for (const [field, one] of fields ?? []) {
    if (field.toLowerCase() === name) value = value === undefined ? one : `${value}, ${one}`;
  }
  return value;
}
