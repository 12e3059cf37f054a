// What do clients see that keep a connection and seldom ask? Each sends a POST of its own at random moments and compares what it gets; it
// counts as lost when the connection ends under the request, as closed when it has ended before.

import { Connection } from "../tests/system/harness.ts";

/** What they have come to. */
export interface IdleResult {
  readonly answered: number;
  /** Requests that got no answer, or a wrong one. */
  readonly failed: number;
  /** Connections that the server has ended: told with an answer, or found when the next request was to be sent. */
  readonly closed: number;
}

/** Between two requests of a client, ms at most. */
const LONGEST_PAUSE = 4000;

/** Clients of one port, from construction until stop(). */
export class IdleClients {
  #answered = 0;
  #failed = 0;
  #closed = 0;
  #stopping = false;
  readonly #clients: Promise<void>[];

  /** `echoes`: the server sends back what it gets; others are only asked for a whole answer. */
  constructor(readonly port: number, count: number, readonly echoes: boolean) {
    this.#clients = Array.from({ length: count }, (_, id) => this.#run(id));
  }

  get answered(): number {
    return this.#answered;
  }

  async #run(id: number): Promise<void> {
    let connection: Connection | undefined;
    for (let n = 0; !this.#stopping; n++) {
      try {
        connection ??= await Connection.open(this.port);
        const text = `client ${id}, request ${n}`;
        await connection.send(
          `POST /?${id} HTTP/1.1\r\nHost: test.example\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
        );
        const { head, body } = await connection.response();
        if (this.echoes && body !== text) throw new Error(`${body} instead of ${text}`);
        this.#answered++;
        if (/^connection: close/im.test(head)) {
          this.#closed++;
          connection.close();
          connection = undefined;
        }
      } catch {
        this.#failed++;
        connection?.close();
        connection = undefined;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_PAUSE));
    }
    connection?.close();
  }

  /** Lets every client finish what it has begun. */
  async stop(): Promise<IdleResult> {
    this.#stopping = true;
    await Promise.all(this.#clients);
    return { answered: this.#answered, failed: this.#failed, closed: this.#closed };
  }
}
