// How do bytes get through a descriptor? As they are, or through a session of TLS that has the descriptor.

import * as posix from "../../platform/posix.ts";
import { SecureSessions } from "../../platform/secure_session.ts";
import type { ConnectionTable } from "../shared/connection_table.ts";
import type { ConnectionSecurity, SecurityPolicy } from "../shared/security.ts";
import type { Endpoint } from "../shared/transport.ts";
import { LONGEST_HELLO, offersOnly, readFirstBytes } from "./client_hello.ts";

/** Bytes in and out; results are those of recv() and send(). */
export interface Channel {
  receive(fd: number, bytes: Uint8Array<ArrayBuffer>): number;
  send(fd: number, bytes: Uint8Array<ArrayBuffer>, length: number, more: boolean): number;
  /** The kernel may send files by itself. */
  readonly passesFiles: boolean;
}

/** The bytes are those on the wire. */
export const PLAIN: Channel = {
  receive: posix.receive,
  send: posix.send,
  passesFiles: posix.hasSendFile,
};

/** How a handshake goes on: it waits for input or for output, is over, was none (`plain`), or came to nothing. */
export type HandshakeStep = "read" | "write" | "done" | "plain" | "failed";

/** What an authority offers to agree on that looks for a challenge (RFC 8737). */
const PROVING = "acme-tls/1";
/** A look that takes less (ms) and shows nothing new has found the end of the input. */
const FRUITLESS_MS = 20;
const MOST_FRUITLESS = 3;

/** What the secured connections of a thread have in common. */
export class ThreadSecurity {
  readonly sessions = new SecureSessions();
  /** Where the beginnings of connections are looked at. */
  readonly peeked: Uint8Array<ArrayBuffer> = new Uint8Array(LONGEST_HELLO);
  /** By listening socket; undefined: that differs from connection to connection. */
  readonly #secured: readonly (boolean | undefined)[];

  constructor(
    readonly policy: SecurityPolicy,
    readonly table: ConnectionTable,
    localAddresses: readonly (Endpoint | undefined)[],
  ) {
    this.#secured = localAddresses.map((local) => local && policy.secures(local));
  }

  /** A connection begins with a handshake; `local` is asked where its listening socket does not say. */
  secures(fd: number, local: (fd: number) => Endpoint): boolean {
    return this.#secured[this.table.listener(fd)] ?? this.policy.secures(local(fd));
  }
}

/** The session of one connection after the other, while it is in hand. */
export class SecureChannel implements Channel, ConnectionSecurity {
  readonly passesFiles = false;
  session = 0n;
  #looks = 0;
  #seen = 0;

  constructor(readonly thread: ThreadSecurity) {}

  /** Takes up `session`; 0n: the handshake begins. */
  resume(session: bigint): void {
    this.session = session;
    this.#looks = 0;
    this.#seen = 0;
  }

  /** A step of the handshake of `fd`. */
  shakeHands(fd: number, local: Endpoint): HandshakeStep {
    const { sessions } = this.thread;
    if (this.session === 0n) {
      const first = this.#begin(fd, local);
      if (first !== undefined) return first;
    }
    const step = sessions.shakeHands(this.session);
    return step === "end" ? "failed" : step;
  }

  /** Looks who comes. Returns undefined once the session is there. */
  #begin(fd: number, local: Endpoint): HandshakeStep | undefined {
    const { peeked, sessions, policy, table } = this.thread;
    const before = performance.now();
    const n = posix.peek(fd, peeked);
    if (n === -posix.Errno.EAGAIN || n === -posix.Errno.EINTR) return "read";
    if (n <= 0) return "failed";
    const first = readFirstBytes(peeked, n);
    if (first.kind === "partial") {
      this.#looks = n === this.#seen && performance.now() - before < FRUITLESS_MS ? this.#looks + 1 : 0;
      if (this.#looks >= MOST_FRUITLESS) return "failed";
      this.#seen = n;
      // What is there stays there: without this it would be reported again and again.
      posix.setLowWater(fd, first.needed);
      return "read";
    }
    if (this.#seen > 0) posix.setLowWater(fd, 1);
    if (first.kind === "plain") return "plain";
    const name = first.kind === "hello" ? first.serverName : undefined;
    const proves = first.kind === "hello" && offersOnly(first.message, PROVING);
    const context = policy.contextFor(local, name, proves);
    this.session = sessions.begin(context, fd);
    policy.begun(this.session, context);
    if (this.session === 0n) return "failed";
    table.setSession(fd, this.session);
    return undefined;
  }

  get protocol(): string | undefined {
    return this.session === 0n ? undefined : this.thread.sessions.protocol(this.session);
  }

  /** Why the handshake failed. */
  get reason(): string {
    return this.session === 0n ? "the client has closed the connection" : this.thread.sessions.reason;
  }

  receive(_fd: number, bytes: Uint8Array<ArrayBuffer>): number {
    return this.thread.sessions.receive(this.session, bytes);
  }

  send(_fd: number, bytes: Uint8Array<ArrayBuffer>, length: number): number {
    return this.thread.sessions.send(this.session, bytes, length);
  }

  /** There is input that no poller reports, after the last receive(). */
  get buffered(): boolean {
    return this.thread.sessions.buffered;
  }

  /** The last receive() waits for the descriptor to take output. */
  get wantsWrite(): boolean {
    return this.thread.sessions.wantsWrite;
  }

  /** The session is over; see SecureSessions.end(). */
  end(fd: number, orderly: boolean): void {
    if (this.session === 0n) return;
    this.thread.table.setSession(fd, 0n);
    this.thread.sessions.end(this.session, orderly);
    this.session = 0n;
  }
}
