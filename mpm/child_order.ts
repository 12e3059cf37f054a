// What does the control process tell a child when it starts? The first message on the control channel.

import type { ScoreboardShape } from "./scoreboard.ts";
import type { Endpoint } from "./transport.ts";

/** The variable that makes a process a child; its value is the JSON of a ControlAddress. */
export const CHILD_VARIABLE = "MPMD_CHILD";

/** Exit codes of a child (httpd's APEXIT_*). */
export const ChildExit = { Ok: 0, Init: 2, ChildInit: 3, Sick: 7, Fatal: 15 } as const;

/** Everything a child needs to begin. */
export interface ChildOrder {
  readonly type: "order";
  /** Row of the scoreboard. */
  readonly child: number;
  readonly generation: number;
  readonly threads: number;
  readonly requestsPerThread: number;
  readonly connectionFactor: number;
  readonly maxConnections: number;
  readonly firstRequestMs: number;
  readonly handlerTimeoutMs: number;
  /** Inherited descriptors of the listening sockets, and what they are bound to (null: a wildcard address). */
  readonly sockets: readonly { readonly fd: number; readonly local: Endpoint | null }[];
  /** Inherited descriptor of the scoreboard's memory. */
  readonly scoreboard: { readonly fd: number; readonly size: number; readonly shape: ScoreboardShape };
  /** For the server threads, as the server made it. */
  readonly program: unknown;
}
