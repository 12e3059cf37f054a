// What do the MPMs and the protocol engine know of each other? A connection is a Transport to the engine, and whatever
// speaks a protocol on it is a ProtocolHandler to the MPM. Neither knows how the other works.

import type { Outgoing } from "./outgoing.ts";
import type { ProxyProtocolPolicy } from "./proxy_protocol.ts";
import type { ConnectionSecurity, SecurityPolicy } from "./security.ts";

/** A file that is being sent: open, and perhaps shared by several responses. */
export interface FileSource {
  /** Its descriptor; -1 where only readAt() is there. */
  readonly fd: number;
  /** Reads up to `length` bytes at `offset` into `bytes`. Returns the count, 0 at the end, negative when it failed. */
  readAt(bytes: Uint8Array<ArrayBuffer>, length: number, offset: number): number;
  /** Called once when the transport needs the descriptor no more, sent or not. */
  release(): void;
}

/** An address as the logs and virtual hosts need it. */
export interface Endpoint {
  /** Textual IPv4 or IPv6 address, or "unix". */
  readonly address: string;
  readonly port: number;
}

/**
 * How a connection ends. `linger`: what was written arrives, then FIN, then input is drained until the peer closes. `break`: the peer
 * must see that something is missing, as it does where an end is announced (TLS).
 */
export type CloseMode = "now" | "linger" | "break";

/** What a request knows of the connection that it came on, alone or among others. */
export interface Connection {
  /** Whom it comes from: the peer, or whom that has named as its client (PROXY protocol). */
  readonly client: Endpoint;
  /** The other end. */
  readonly peer: Endpoint;
  /** The address the client connected to. */
  readonly local: Endpoint;
  /** How it is secured, or should have been; undefined: plain text, as was to be expected. */
  readonly security: ConnectionSecurity | undefined;
  /** The scoreboard row of the work in hand. */
  readonly row: number;
  /** True while the MPM is ending: responses should say `Connection: close`. */
  readonly stopping: boolean;
}

/**
 * One connection, as the protocol engine sees it. All calls are synchronous and never throw for what a peer does: a
 * connection that broke swallows output and reports `gone`.
 */
export interface Transport extends Connection {
  /** Requests answered on this connection before it was last parked; the engine keeps it up to date. */
  served: number;
  /** A client that takes nothing of what is queued for this long (ms) is given up; 0: never. Set by the engine (TimeOut). */
  writeTimeout: number;
  /** The peer can be written to no more. */
  readonly gone: boolean;
  /** Bytes accepted by write() that the kernel has not taken yet (files included). */
  readonly backlog: number;
  /**
   * Sends the first `length` of `bytes`; what the kernel does not take at once is queued, copied unless `stable` says that
   * nobody will change the bytes. `more`: something follows at once that may go with them.
   */
  write(bytes: Uint8Array<ArrayBuffer>, length: number, stable: boolean, more?: boolean): void;
  /** Queues `length` bytes of a file from `offset`, behind what was written. `inKernel`: by sendfile, where it is there. */
  writeFile(file: FileSource, offset: number, length: number, inKernel: boolean): void;
  /** Stops or resumes onData; used while a request that is being handled must not be overtaken. */
  setReading(on: boolean): void;
  /** Calls onTimeout after `ms` (0: never), replacing the earlier timer. Resolution: a tenth of a second. */
  setTimer(ms: number): void;
  /** Gives the slot back while more input of the same request is awaited, until the next onData. */
  awaitInput(): void;
  /** Gives the slot back while nothing is awaited but the peer taking what is queued; onDrained follows, or onGone. */
  awaitDrain(): void;
  /** No request is in hand and nothing is buffered: the connection may be parked, at most for `keepAliveMs`. The handler is released. */
  idle(keepAliveMs: number): void;
  /** Ends the connection once everything written is out; the handler is released. */
  close(mode: CloseMode): void;
  /** What happens from now on is told to `handler`, until the connection ends; the one before is released. */
  handOver(handler: ProtocolHandler): void;
}

/** What speaks a protocol on a connection. One handler serves many connections, one after the other. */
export interface ProtocolHandler {
  /** A connection begins, or comes back with input after it was idle. */
  open(transport: Transport): void;
  /** Input: the first `length` of `bytes`, valid during the call only. */
  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void;
  /** The peer sends no more. */
  onEnd(): void;
  /** Everything written is with the kernel. */
  onDrained(): void;
  /** The timer set by setTimer has run out. */
  onTimeout(): void;
  /** The thread is ending, after what is in hand; may be told again. */
  onStopping(): void;
  /** Forgets everything about the connection, whatever it was doing. */
  reset(): void;
  /** The connection is broken: nothing can be read or written. Followed by nothing; the handler is released. */
  onGone(): void;
}

/** What a server thread runs: the protocol engine of server/, behind what the MPM needs of it. */
export interface ThreadProgram {
  createHandler(): ProtocolHandler;
  /** Which connections begin with a handshake; undefined: none. */
  readonly security: SecurityPolicy | undefined;
  /** Which connections begin with a PROXY header; undefined: none. */
  readonly proxyProtocol: ProxyProtocolPolicy | undefined;
  /** Handlers or applications of this thread may use the event loop (timers, promises) between requests. */
  readonly usesEventLoop: boolean;
  /** Requests that cannot go on before a promise of a handler has settled, or a stream has given more. */
  readonly waiting: number;
  /** How the thread connects to other servers; told once, before the first connection. */
  useOutgoing?(outgoing: Outgoing): void;
  /** A connection failed for a reason of our own: log it. */
  onFault(error: unknown): void;
  /** Called before input is handed out that has arrived together: of one connection, or of several. */
  beginOfBatch(): void;
  /** Called after every batch of events, before the thread waits: buffered log lines go out. */
  endOfBatch(): void;
  /** The thread ends: nothing else is called. */
  endOfThread(): void;
}
