// What does an application hold of a WebSocket that a client has opened? An object with the interface of the standard's
// WebSocket, over the frames of npm:ws.

import type { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";

/** What is used of a WebSocket of npm:ws, which is given its connection as ws's own server gives it. */
interface Frames {
  readonly bufferedAmount: number;
  setSocket(connection: Duplex, head: Uint8Array, options: FrameOptions): void;
  send(data: string | Uint8Array): void;
  ping(): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  on(event: "message", listener: (data: Buffer, isBinary: boolean) => void): void;
  on(event: "close", listener: (code: number, reason: Buffer) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "ping" | "pong", listener: () => void): void;
}

interface FrameOptions {
  readonly maxPayload: number;
  readonly allowSynchronousEvents: boolean;
  readonly skipUTF8Validation: boolean;
}

/** The largest message, in bytes: as Deno's. A longer one closes the connection with 1009. */
const MAX_MESSAGE = 64 << 20;

/** A client that does not answer a close frame is given up after this long. */
const CLOSE_TIMEOUT_MS = 30_000;

const ABNORMAL = 1006;

/** Frames over a connection that has been upgraded. ws is loaded when it is needed first. */
async function framesOf(): Promise<Frames> {
  const { default: WebSocketOfNode } = await import("ws");
  // Without an address it is the server's side.
  return new (WebSocketOfNode as unknown as new (
    address: null,
    protocols: undefined,
    options: object,
  ) => Frames)(
    null,
    undefined,
    { autoPong: true, closeTimeout: CLOSE_TIMEOUT_MS },
  );
}

type Handler<E extends Event> = ((this: WebSocket, event: E) => unknown) | null;

/** The server's side of a WebSocket. `onopen` and the rest are called as the standard says (WHATWG WebSockets). */
export class ServerWebSocket extends EventTarget {
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;
  readonly url = "";
  readonly extensions = "";
  readonly protocol: string;
  #state: 0 | 1 | 2 | 3 = 0;
  #binaryType: BinaryType = "arraybuffer";
  #frames: Frames | undefined = undefined;
  /** Messages of Blobs are sent when their bytes are there, and what was sent later after them. */
  #sending: Promise<void> | undefined = undefined;
  #waiting = 0;
  readonly #handlers = new Map<string, EventListener>();
  /** Milliseconds; 0: silence is never looked after. */
  readonly #idleTimeout: number;
  #idleTimer: ReturnType<typeof setTimeout> | undefined = undefined;
  #heard = false;
  #error: Error | undefined = undefined;

  constructor(protocol: string, idleTimeout: number) {
    super();
    this.protocol = protocol;
    this.#idleTimeout = idleTimeout;
  }

  /** The response is out: the connection is ours until it is closed. */
  async attach(connection: Duplex): Promise<void> {
    try {
      // Frames that arrive meanwhile stay in the connection; an end shows itself when they are read.
      this.#begin(await framesOf(), connection);
    } catch (error) {
      connection.destroy();
      this.#error = error instanceof Error ? error : new Error(String(error));
      this.#closed(ABNORMAL, "");
      throw error;
    }
  }

  #begin(frames: Frames, connection: Duplex): void {
    if (connection.destroyed) return this.#closed(ABNORMAL, "");
    this.#frames = frames;
    frames.on("message", (data, isBinary) => this.#message(data, isBinary));
    frames.on("ping", () => this.#heard = true);
    frames.on("pong", () => this.#heard = true);
    frames.on("error", (error) => this.#error = error);
    frames.on("close", (code, reason) => this.#closed(code, reason.toString()));
    frames.setSocket(connection, new Uint8Array(0), {
      maxPayload: MAX_MESSAGE,
      allowSynchronousEvents: true,
      skipUTF8Validation: false,
    });
    const closing = this.#state === 2;
    if (!closing) this.#state = 1;
    this.#watch();
    if (closing) return frames.close();
    this.dispatchEvent(new Event("open"));
  }

  #message(data: Buffer, isBinary: boolean): void {
    this.#heard = true;
    if (this.#state !== 1) return;
    // ws may use its memory again.
    const bytes = () => new Uint8Array(data);
    const content = !isBinary
      ? data.toString()
      : this.#binaryType === "blob"
      ? new Blob([bytes()])
      : bytes().buffer;
    this.dispatchEvent(new MessageEvent("message", { data: content }));
  }

  #closed(code: number, reason: string): void {
    if (this.#state === 3) return;
    this.#state = 3;
    clearTimeout(this.#idleTimer);
    const wasClean = code !== ABNORMAL && this.#error === undefined;
    if (!wasClean) {
      const message = this.#error?.message ?? "the connection was closed without a close frame";
      this.dispatchEvent(new ErrorEvent("error", { message, error: this.#error }));
    }
    this.dispatchEvent(new CloseEvent("close", { code, reason, wasClean }));
  }

  /** Asks a client that has been silent for half the time for a sign, and gives it up without one. */
  #watch(): void {
    if (this.#idleTimeout <= 0) return;
    this.#heard = false;
    this.#idleTimer = setTimeout(() => {
      if (this.#heard) return this.#watch();
      this.#frames!.ping();
      this.#idleTimer = setTimeout(() => {
        if (this.#heard) return this.#watch();
        this.#error = new Error("No response from ping frame.");
        this.#frames!.terminate();
      }, this.#idleTimeout / 2);
    }, this.#idleTimeout / 2);
  }

  get readyState(): number {
    return this.#state;
  }

  /** Bytes given to send() that the client's side has not taken. */
  get bufferedAmount(): number {
    return this.#waiting + (this.#frames?.bufferedAmount ?? 0);
  }

  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    if (type === "blob" || type === "arraybuffer") this.#binaryType = type;
  }

  /** Sends a message. @throws DOMException InvalidStateError unless the socket is open, as Deno's */
  send(data: string | ArrayBufferLike | ArrayBufferView | Blob): void {
    if (this.#state !== 1) throw new DOMException("'readyState' not OPEN", "InvalidStateError");
    if (this.#sending === undefined && !(data instanceof Blob)) return this.#frames!.send(payload(data));
    // What is sent behind a Blob must not change any more either.
    const later = data instanceof Blob ? data : payload(data).slice() as string | Uint8Array<ArrayBuffer>;
    const size = later instanceof Blob ? later.size : later.length;
    this.#waiting += size;
    const sending = (this.#sending ?? Promise.resolve())
      .then(async () => later instanceof Blob ? await later.bytes() : later)
      .then((ready) => {
        if (this.#state === 1) this.#frames!.send(ready);
      }, (error) => {
        this.#error = error;
        this.#frames!.terminate();
      })
      .then(() => {
        this.#waiting -= size;
        if (this.#sending === sending) this.#sending = undefined;
      });
    this.#sending = sending;
  }

  /** Begins to close. @throws DOMException InvalidAccessError for another code than 1000 and 3000-4999, SyntaxError for a reason above 123 bytes */
  close(code?: number, reason?: string): void {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code < 5000)) {
      throw new DOMException(
        `The close code must be either 1000 or in the range of 3000 to 4999: received ${code}`,
        "InvalidAccessError",
      );
    }
    if (reason !== undefined && new TextEncoder().encode(reason).length > 123) {
      throw new DOMException("The close reason is longer than 123 bytes", "SyntaxError");
    }
    if (this.#state >= 2) return;
    this.#state = 2;
    const close = () => this.#frames?.close(code ?? (reason === undefined ? undefined : 1000), reason);
    if (this.#sending === undefined) close();
    else this.#sending.then(close);
  }

  #handler(type: string): EventListener | null {
    return this.#handlers.get(type) ?? null;
  }

  #setHandler(type: string, handler: unknown): void {
    const before = this.#handlers.get(type);
    if (before !== undefined) this.removeEventListener(type, before);
    this.#handlers.delete(type);
    if (typeof handler !== "function") return;
    this.#handlers.set(type, handler as EventListener);
    this.addEventListener(type, handler as EventListener);
  }

  get onopen(): Handler<Event> {
    return this.#handler("open");
  }
  set onopen(handler: Handler<Event>) {
    this.#setHandler("open", handler);
  }
  get onmessage(): Handler<MessageEvent> {
    return this.#handler("message") as Handler<MessageEvent>;
  }
  set onmessage(handler: Handler<MessageEvent>) {
    this.#setHandler("message", handler);
  }
  get onclose(): Handler<CloseEvent> {
    return this.#handler("close") as Handler<CloseEvent>;
  }
  set onclose(handler: Handler<CloseEvent>) {
    this.#setHandler("close", handler);
  }
  get onerror(): Handler<Event> {
    return this.#handler("error");
  }
  set onerror(handler: Handler<Event>) {
    this.#setHandler("error", handler);
  }
}

// So that `socket instanceof WebSocket` holds.
Object.setPrototypeOf(ServerWebSocket.prototype, WebSocket.prototype);

function payload(data: string | ArrayBufferLike | ArrayBufferView): string | Uint8Array {
  if (typeof data === "string") return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
