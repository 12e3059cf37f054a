// What stands behind the server in tests of the proxy? A server whose every byte the test decides, and that tells what it was asked.

import { Buffer } from "node:buffer";
import { freePort, until } from "./harness.ts";

/** One request as it came. */
export interface SeenRequest {
  readonly head: string;
  body: string;
  /** Number of its connection, from 0. */
  readonly connection: number;
}

/** What a backend does with a connection: `next` gives its requests one by one; undefined: it has ended. */
export type Script = (
  next: () => Promise<SeenRequest | undefined>,
  conn: Deno.Conn,
) => Promise<void>;

/** Sends `text`, a byte for a character. */
export async function say(conn: Deno.Conn, text: string): Promise<void> {
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}

/** A whole response. */
export function ok(body: string, fields = ""): string {
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** A backend on a port of its own. */
export class Backend {
  readonly seen: SeenRequest[] = [];
  connections = 0;
  /** Those that the other side has ended. */
  ended = 0;
  readonly #conns = new Set<Deno.Conn>();
  #listener: Deno.Listener | undefined;

  private constructor(readonly port: number, public script: Script) {}

  /** Answers each request with what `answer` gives, on the same connection. */
  static answering(answer: (request: SeenRequest) => string | Promise<string>, port = freePort()): Backend {
    return Backend.scripted(async (next, conn) => {
      for (let request = await next(); request !== undefined; request = await next()) {
        await say(conn, await answer(request));
      }
    }, port);
  }

  static scripted(script: Script, port = freePort()): Backend {
    const backend = new Backend(port, script);
    backend.listen();
    return backend;
  }

  listen(): void {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
    this.#listener = listener;
    this.#accept(listener);
  }

  /** As listen(), once the system has let go of the port. */
  async listenAgain(): Promise<void> {
    await until("the port to be free", () => {
      try {
        this.listen();
        return true;
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
        return false;
      }
    });
  }

  async #accept(listener: Deno.Listener): Promise<void> {
    for await (const conn of listener) {
      const number = this.connections++;
      this.#conns.add(conn);
      const requests = new Requests(conn, number, (request) => this.seen.push(request));
      this.script(() => requests.next(), conn)
        // Whatever a connection ends with is the other side's doing.
        .catch(() => {})
        .finally(() => {
          this.ended++;
          this.#conns.delete(conn);
          try {
            conn.close();
          } catch (error) {
            // The script has closed it itself.
            if (!(error instanceof Deno.errors.BadResource)) throw error;
          }
        });
    }
  }

  /** Stops: nobody can connect, and connections end. */
  stop(): void {
    this.#listener?.close();
    this.#listener = undefined;
    for (const conn of this.#conns) {
      try {
        conn.close();
      } catch (error) {
        if (!(error instanceof Deno.errors.BadResource)) throw error;
      }
    }
    this.#conns.clear();
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

/** The requests of one connection; bodies by Content-Length or chunked, as they came. */
class Requests {
  #text = "";

  constructor(
    readonly conn: Deno.Conn,
    readonly number: number,
    readonly onRequest: (request: SeenRequest) => void,
  ) {}

  async #more(): Promise<boolean> {
    const buffer = new Uint8Array(65_536);
    const n = await this.conn.read(buffer);
    if (n !== null) this.#text += Buffer.from(buffer.buffer, 0, n).toString("latin1");
    return n !== null;
  }

  async next(): Promise<SeenRequest | undefined> {
    while (!this.#text.includes("\r\n\r\n")) if (!await this.#more()) return undefined;
    const split = this.#text.indexOf("\r\n\r\n") + 4;
    const request: SeenRequest = { head: this.#text.slice(0, split), body: "", connection: this.number };
    this.#text = this.#text.slice(split);
    this.onRequest(request);
    if (/^transfer-encoding: chunked/im.test(request.head)) {
      while (!this.#text.endsWith("0\r\n\r\n")) if (!await this.#more()) return undefined;
      request.body = this.#text;
      this.#text = "";
      return request;
    }
    const length = Number(/^content-length: (\d+)/im.exec(request.head)?.[1] ?? 0);
    while (this.#text.length < length) if (!await this.#more()) return undefined;
    request.body = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return request;
  }
}
