// How does a thread speak to other servers? By connections that it makes, whose events come with those of its clients: whoever waits
// for another server needs neither a thread of its own nor the event loop.

/** Where a connection leads: a numeric address, or the path of a Unix-domain socket. */
export type Destination =
  | { readonly kind: "tcp"; readonly address: string; readonly port: number; readonly from?: string }
  | { readonly kind: "unix"; readonly path: string };

/** Who speaks on a connection. None of these may throw for what the other server does. */
export interface OutgoingUser {
  /** It is connected. */
  onConnected(): void;
  /** Input: the first `length` of `bytes`, valid during the call only. */
  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void;
  /** The other server sends no more. */
  onEnd(): void;
  /** Everything written is with the kernel. */
  onDrained(): void;
  /** The time set by setTimer() is up. */
  onTimeout(): void;
  /** It cannot be made, or is broken; it is closed already. `reason`: the system's text. */
  onFailed(reason: string): void;
}

/** A connection to another server. */
export interface OutgoingConnection {
  /** Who is told; another request may take a connection over that is idle. */
  user: OutgoingUser;
  /** Bytes that the kernel has not taken yet. */
  readonly backlog: number;
  /** It has been closed, or has failed. */
  readonly closed: boolean;
  /** Sends the first `length` of `bytes`, which are copied where the kernel does not take them at once. */
  write(bytes: Uint8Array<ArrayBuffer>, length: number): void;
  /** Nothing more will be written: the other server reads to the end. */
  endWriting(): void;
  /** Stops or resumes onData(). */
  setReading(on: boolean): void;
  /** Calls onTimeout() in `ms` (0: never), a tenth of a second late at most. */
  setTimer(ms: number): void;
  /** Whether it is idle and open as far as can be known at this moment: nothing has arrived, no end either. */
  isQuiet(): boolean;
  /** Ends it at once. Nobody is told. */
  close(): void;
}

/** What makes them, for one thread. */
export interface Outgoing {
  /** Events come without a turn of the event loop: whoever waits for them only does not wait for that. */
  readonly direct: boolean;
  /** Begins to connect. Returns the system's text where that fails at once. */
  connect(to: Destination, user: OutgoingUser): OutgoingConnection | string;
}
