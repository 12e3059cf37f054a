// How is the connection engine tested without sockets and modules? A transport that keeps what is written, and a service whose
// handler is the test's.

import type { CloseMode, Endpoint, FileSource, Transport } from "../../../mpm/mod.ts";
import type { Exchange } from "../../request/exchange.ts";
import type { ProtocolError } from "../parser/mod.ts";
import { HttpConnection } from "./connection.ts";
import type { PreparedReply, Reply } from "./reply.ts";
import type { ConnectionSettings, Service } from "./service.ts";
import { Staging } from "./staging.ts";

/** Remembers what the engine asks for. `blocked`: the client takes nothing until drain(). */
export class FakeTransport implements Transport {
  readonly security = undefined;
  readonly client: Endpoint = { address: "192.0.2.1", port: 40000 };
  readonly peer: Endpoint = { address: "192.0.2.1", port: 40000 };
  readonly local: Endpoint = { address: "192.0.2.2", port: 80 };
  readonly row = 0;
  served = 0;
  gone = false;
  stopping = false;
  backlog = 0;
  writeTimeout = 0;
  blocked = false;
  /** Everything written, ISO 8859-1. */
  sent = "";
  writes = 0;
  reading = true;
  /** Milliseconds, 0: off. */
  timer = 0;
  awaiting = 0;
  draining = 0;
  ended: CloseMode | "idle" | undefined = undefined;

  write(bytes: Uint8Array<ArrayBuffer>, length: number, _stable: boolean): void {
    if (this.ended !== undefined) throw new Error("written after the connection was given up");
    if (this.gone) return;
    this.writes++;
    for (let i = 0; i < length; i++) this.sent += String.fromCharCode(bytes[i]);
    if (this.blocked) this.backlog += length;
  }

  writeFile(file: FileSource, _offset: number, length: number): void {
    this.sent += `<file of ${length} bytes>`;
    if (this.blocked) this.backlog += length;
    file.release();
  }

  setReading(on: boolean): void {
    this.reading = on;
  }

  setTimer(ms: number): void {
    this.timer = ms;
  }

  awaitInput(): void {
    this.awaiting++;
  }

  awaitDrain(): void {
    this.draining++;
  }

  idle(_keepAliveMs: number): void {
    this.ended = "idle";
  }

  close(mode: CloseMode): void {
    this.ended = mode;
  }

  handOver(): void {}
}

const SETTINGS: ConnectionSettings = {
  timeout: 60_000,
  keepAlive: true,
  keepAliveTimeout: 5000,
  maxKeepAliveRequests: 100,
  headTimeout: { initial: 20_000, max: 40_000, minRate: 500 },
  bodyTimeout: { initial: 20_000, max: 0, minRate: 500 },
  parser: {},
  serverField: "test",
};

type Handler = (exchange: Exchange) => Reply | Promise<Reply>;

/** Calls `handler` for everything. Error replies are their status as a text. */
export class FakeService implements Service {
  readonly staging = new Staging();
  readonly http2 = undefined;
  waiting = 0;
  readonly settings: ConnectionSettings;
  readsBody = false;
  limit = 0;
  refusal: Reply | undefined = undefined;
  readonly finishedStates: string[] = [];
  readonly failures: string[] = [];
  readonly faults: string[] = [];
  count = 0;
  /** Every exchange that is over. */
  readonly over: Exchange[] = [];

  constructor(readonly handler: Handler, settings: Partial<ConnectionSettings> = {}) {
    this.settings = { ...SETTINGS, ...settings };
  }

  prepared(): PreparedReply | undefined {
    return undefined;
  }

  begin(exchange: Exchange): Reply | undefined {
    exchange.path = exchange.head.target;
    return this.refusal;
  }

  wantsBody(): boolean {
    return this.readsBody;
  }

  bodyLimit(): number {
    return this.limit;
  }

  handle(exchange: Exchange): Reply | Promise<Reply> {
    try {
      return this.handler(exchange);
    } catch (error) {
      return this.handlerFailed(exchange, error);
    }
  }

  handlerFailed(_: Exchange, error: unknown): Reply {
    this.failures.push(String(error));
    return text("failed", 500);
  }

  settingsOf(): ConnectionSettings {
    return this.settings;
  }

  protocolError(error: ProtocolError, { head }: Exchange): Reply {
    return { ...text(`protocol error (${head.method} ${head.target})`, error.status), close: true };
  }

  timedOut(): Reply {
    return { ...text("timed out", 408), close: true };
  }

  invalidField(_: Exchange, error: Error): Reply {
    this.failures.push(String(error));
    return text("invalid field", 500);
  }

  streamFailed(_: Exchange, error: unknown): void {
    this.failures.push(String(error));
  }

  counted(): void {
    this.count++;
  }

  faulted(error: unknown): void {
    this.faults.push(String(error));
  }

  finished(exchange: Exchange): void {
    this.over.push(exchange);
    this.finishedStates.push(exchange.connectionState);
  }
}

/** A reply with a text as its body. */
export function text(content: string, status = 200): Reply {
  return { status, fields: [], contentType: "text/plain", body: { kind: "text", text: content } };
}

/** A reply whose body is a stream of these pieces. */
export function streamed(pieces: readonly string[], length?: number): Reply {
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(encoder.encode(piece));
      controller.close();
    },
  });
  return { status: 200, fields: [], body: { kind: "stream", stream, length } };
}

/** A connection between a test and a handler. */
export class TestConnection {
  readonly transport = new FakeTransport();
  readonly connection: HttpConnection;

  constructor(readonly service: FakeService) {
    this.connection = new HttpConnection(service);
    this.connection.open(this.transport);
  }

  /** The client sends `input`. A connection that was idle comes back for it. */
  receive(input: string): void {
    if (this.transport.ended === "idle") {
      this.transport.ended = undefined;
      this.connection.open(this.transport);
    }
    const bytes = Uint8Array.from(input, (char) => char.charCodeAt(0));
    this.connection.onData(bytes, bytes.length);
    // The receive buffer is used for other connections from now on.
    bytes.fill(0xaa);
  }

  /** The client has taken everything. */
  drain(): void {
    this.transport.backlog = 0;
    this.connection.onDrained();
  }

  get sent(): string {
    return this.transport.sent;
  }

  /** The status codes that were sent, interim ones too. */
  get statuses(): number[] {
    return [...this.sent.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  }

  /** What was sent behind the last head. */
  get body(): string {
    return this.sent.slice(this.sent.lastIndexOf("\r\n\r\n") + 4);
  }
}

/** Lets everything that only waits for promises, and for a turn of the event loop behind them, go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
