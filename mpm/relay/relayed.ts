// What does the listener do with one connection that it relays? It moves bytes between the socket and the thread that speaks
// with the client, and ends the connection as that thread says.

import { ACKNOWLEDGE, type ToListener, type ToThread, WINDOW } from "./relay_messages.ts";
import { LINGER_MS, MAX_LINGER_MS } from "../thread/socket_connection.ts";

const CHUNK = 1 << 14;

/** What a relayed connection tells. */
export interface RelayedEvents {
  post(message: ToThread): void;
  /** The socket is closed, whoever wanted it. */
  onClosed(): void;
}

/** One connection of a listener that relays. */
export class Relayed {
  /** Input on its way that the thread has not used yet. */
  #unused = 0;
  /** Output that the system has taken and the thread does not know of. */
  #sent = 0;
  #room: (() => void) | undefined;
  #sending: Promise<void> = Promise.resolve();
  #lingerEnd: number | undefined;
  #closed = false;

  constructor(readonly id: number, readonly connection: Deno.Conn, readonly events: RelayedEvents) {}

  /** Reads until the peer ends, or the connection does. */
  async pump(): Promise<void> {
    const bytes = new Uint8Array(CHUNK);
    for (;;) {
      if (this.#unused >= WINDOW) await new Promise<void>((resolve) => this.#room = resolve);
      let n: number | null;
      try {
        n = await this.connection.read(bytes);
      } catch {
        // Reset by the peer, or closed by us: the thread has to know only of the former.
        if (!this.#closed) this.#break();
        return;
      }
      if (this.#closed) return;
      if (this.#lingerEnd !== undefined) {
        if (n === null || performance.now() > this.#lingerEnd) return this.#close();
        continue;
      }
      if (n === null) return this.events.post({ type: "end", id: this.id });
      this.#unused += n;
      this.events.post({ type: "data", id: this.id, bytes: bytes.slice(0, n) });
    }
  }

  /** Does what the thread says. */
  onMessage(message: ToListener): void {
    if (message.type === "used") {
      this.#unused -= message.count;
      this.#room?.();
      this.#room = undefined;
      return;
    }
    this.#sending = this.#sending.then(() =>
      message.type === "write"
        ? this.#write(message.bytes, message.timeout)
        : this.#end(message.mode === "linger" ? "linger" : "now")
    );
  }

  async #write(bytes: Uint8Array<ArrayBuffer>, timeout: number): Promise<void> {
    for (let sent = 0; sent < bytes.length && !this.#closed;) {
      const timer = timeout > 0 ? setTimeout(() => this.#break(), timeout) : undefined;
      try {
        const n = await this.connection.write(bytes.subarray(sent));
        sent += n;
        this.#acknowledge(n);
      } catch {
        if (!this.#closed) this.#break();
      }
      clearTimeout(timer);
    }
  }

  #acknowledge(count: number): void {
    this.#sent += count;
    if (this.#sent < ACKNOWLEDGE) return;
    this.events.post({ type: "sent", id: this.id, count: this.#sent });
    this.#sent = 0;
  }

  async #end(mode: "now" | "linger"): Promise<void> {
    if (this.#closed) return;
    if (mode === "now") return this.#close();
    this.#lingerEnd = performance.now() + MAX_LINGER_MS;
    this.#room?.();
    setTimeout(() => this.#close(), LINGER_MS);
    try {
      await this.connection.closeWrite();
    } catch {
      this.#close();
    }
  }

  /** The peer is gone, or takes nothing: the thread is told, and nobody waits for its answer. */
  #break(): void {
    this.events.post({ type: "gone", id: this.id });
    this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#room?.();
    this.connection.close();
    this.events.onClosed();
  }

  /** Ends it whatever its thread thinks. */
  abort(): void {
    this.#close();
  }
}
