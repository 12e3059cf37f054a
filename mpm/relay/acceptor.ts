// Who gets the next connection of a socket? Whoever asked first; a connection that comes when nobody asks any more waits for
// the next who does, so that a change of generations loses none.

/** Somebody who can take one connection. */
export interface Taker {
  take(connection: Deno.Conn): void;
  fail(error: unknown): void;
}

/** A listening socket that is accepted from on demand. */
export class Acceptor {
  readonly #takers: Taker[] = [];
  #held: Deno.Conn | undefined;
  #accepting = false;
  #closed = false;

  constructor(readonly listener: Deno.TcpListener) {}

  get port(): number {
    return this.listener.addr.port;
  }

  /** Asks for one connection. Returns a function that takes the request back. */
  request(taker: Taker): () => void {
    if (this.#held !== undefined) {
      const connection = this.#held;
      this.#held = undefined;
      queueMicrotask(() => taker.take(connection));
      return () => {};
    }
    this.#takers.push(taker);
    this.#accept();
    return () => {
      const at = this.#takers.indexOf(taker);
      if (at >= 0) this.#takers.splice(at, 1);
    };
  }

  async #accept(): Promise<void> {
    if (this.#accepting) return;
    this.#accepting = true;
    while (this.#takers.length > 0 && !this.#closed) {
      try {
        const connection = await this.listener.accept();
        const taker = this.#takers.shift();
        if (taker === undefined) this.#held = connection;
        else taker.take(connection);
      } catch (error) {
        if (!this.#closed) this.#takers.shift()?.fail(error);
      }
    }
    this.#accepting = false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.listener.close();
    this.#held?.close();
  }
}
