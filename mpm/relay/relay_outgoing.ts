// How does a thread connect to other servers where descriptors are not to be had? With the sockets of Deno, whose events come by the event
// loop.

import type { Destination, Outgoing, OutgoingConnection, OutgoingUser } from "../shared/outgoing.ts";

const BUFFER = 1 << 16;

/** The connections of one thread to other servers. */
export class RelayOutgoing implements Outgoing {
  readonly direct = false;

  connect(to: Destination, user: OutgoingUser): OutgoingConnection | string {
    if (to.kind === "unix") {
      if (Deno.build.os === "windows") return "there are no Unix-domain sockets here";
      return new RelayOutgoingConnection(Deno.connect({ transport: "unix", path: to.path }), user);
    }
    return new RelayOutgoingConnection(Deno.connect({ hostname: to.address, port: to.port }), user);
  }
}

class RelayOutgoingConnection implements OutgoingConnection {
  backlog = 0;
  closed = false;
  #conn: Deno.Conn | undefined;
  #queue: Uint8Array<ArrayBuffer>[] = [];
  #writing = false;
  #ends = false;
  #ended = false;
  #reading = true;
  #goOn: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(connecting: Promise<Deno.Conn>, public user: OutgoingUser) {
    connecting.then((conn) => this.#connected(conn), (error) => this.#failed(error));
  }

  #connected(conn: Deno.Conn): void {
    if (this.closed) return conn.close();
    this.#conn = conn;
    this.user.onConnected();
    this.#read(conn);
    this.#write();
  }

  #failed(error: unknown): void {
    if (this.closed) return;
    this.close();
    this.user.onFailed(error instanceof Error ? error.message : String(error));
  }

  async #read(conn: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(BUFFER);
    try {
      for (;;) {
        const n = await conn.read(buffer);
        if (!this.#reading) await new Promise<void>((resolve) => this.#goOn = resolve);
        if (this.closed) return;
        if (n !== null) this.user.onData(buffer, n);
        else {
          this.#ended = true;
          return this.user.onEnd();
        }
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  write(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    if (this.closed || length === 0) return;
    this.#queue.push(bytes.slice(0, length));
    this.backlog += length;
    this.#write();
  }

  async #write(): Promise<void> {
    const conn = this.#conn;
    if (this.#writing || conn === undefined) return;
    this.#writing = true;
    let wrote = false;
    try {
      for (let piece = this.#queue.shift(); piece !== undefined; piece = this.#queue.shift()) {
        for (let sent = 0; sent < piece.length;) sent += await conn.write(piece.subarray(sent));
        this.backlog -= piece.length;
        wrote = true;
      }
      if (this.#ends && !this.closed) await conn.closeWrite();
    } catch {
      // What the other server has said before it closed is still there to be read: reading tells.
      this.#queue = [];
      this.backlog = 0;
    }
    this.#writing = false;
    if (wrote && !this.closed) this.user.onDrained();
  }

  endWriting(): void {
    this.#ends = true;
    this.#write();
  }

  setReading(on: boolean): void {
    this.#reading = on;
    if (!on) return;
    this.#goOn?.();
    this.#goOn = undefined;
  }

  setTimer(ms: number): void {
    clearTimeout(this.#timer);
    if (ms > 0 && !this.closed) this.#timer = setTimeout(() => this.user.onTimeout(), ms);
  }

  isQuiet(): boolean {
    return !this.closed && !this.#ended && this.backlog === 0;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.#timer);
    this.#queue = [];
    this.setReading(true);
    this.#conn?.close();
  }
}
