// What does a process that serves have to know? The first message on a child's control channel.

import type { ScoreboardShape } from "./scoreboard.ts";
import type { QueueEnds } from "../../platform/descriptor_queue.ts";
import type { Endpoint } from "./transport.ts";
import type { ListenAddress } from "../types.ts";

/** The variable that makes a process a child; its value is the JSON of a ControlAddress. */
export const CHILD_VARIABLE = "MPMD_CHILD";

/** Exit codes of a child (httpd's APEXIT_*). */
export const ChildExit = { Ok: 0, Init: 2, ChildInit: 3, Sick: 7, Fatal: 15 } as const;

/** A child ends for this reason when it cannot accept: another would hardly fare better at once. */
export const ACCEPT_ERROR = "accept error";

/**
 * How connections come to threads. `shared`: a thread has one only while there is work (event). `dedicated`: a thread keeps
 * one until it is closed (worker, winnt, netware, os2). `process`: the same, and the thread is the process, which accepts for
 * itself (prefork).
 */
export type ConnectionModel = "shared" | "dedicated" | "process";

/**
 * How many threads a process has: always `max`, or as many as `rule` finds right, seen every `interval` ms. Of those it has, as many are
 * started as there is work for.
 */
export interface ThreadRange {
  readonly rule: "fixed" | "netware" | "os2";
  readonly start: number;
  readonly max: number;
  readonly minSpare: number;
  readonly maxSpare: number;
  readonly interval: number;
  /** So many are started at once, the others when they are needed. */
  readonly warm: number;
  /** One that had nothing to do for this long (ms) is ended, until it is needed again; 0: all are started at once, and stay. */
  readonly idleTimeout: number;
}

/**
 * What MaxConnectionsPerChild ends: the process, each thread on its own (netware), or the process once its successor is ready
 * (winnt).
 */
export type ConnectionQuota = "process" | "thread" | "renewal";

/**
 * What goes on when somebody ends who serves. The connections that wait at a socket that does not go on would be lost with it:
 * whoever ends accepts them first.
 */
export interface Remaining {
  /** Numbers of the sockets that others go on with. */
  readonly sockets: readonly number[];
  /** As many connections may wait at one of the others (ListenBacklog). */
  readonly backlog: number;
  /** Somebody serves on, and takes over idle connections; not there: nobody does. */
  readonly heirs?: boolean;
}

/** Everything a serving process needs to begin. */
export interface ServingOrder {
  /** Row of the scoreboard. */
  readonly child: number;
  readonly generation: number;
  readonly model: ConnectionModel;
  readonly threads: ThreadRange;
  readonly requestsPerThread: number;
  readonly connectionFactor: number;
  readonly maxConnections: number;
  readonly quota: ConnectionQuota;
  /** Bytes resident after which the process is replaced; 0: never, or not a process of its own. */
  readonly maxMemory: number;
  /** Bytes above which the heap of a thread must not stay; 0: there is no bound. */
  readonly maxHeap: number;
  readonly firstRequestMs: number;
  readonly handlerTimeoutMs: number;
  /** Where descriptors cannot be passed: what to bind. */
  readonly relay?: { readonly listen: readonly ListenAddress[] };
  /** The listening sockets: their numbers, descriptors, and what they are bound to (null: a wildcard address). */
  readonly sockets: readonly { readonly id: number; readonly fd: number; readonly local: Endpoint | null }[];
  /** Descriptor of the bell by which one child wakes another for a connection that it cannot take; undefined: there is none. */
  readonly bell?: number;
  /** The queue by which children leave connections to each other; undefined: there is none. */
  readonly handovers?: QueueEnds;
  /** For the server threads, as the server made it. */
  readonly program: unknown;
  /** What threads may do at their start, if not everything. */
  readonly permissions: Deno.PermissionOptionsObject | undefined;
}

/** The order of a child process; its descriptors are inherited. */
export interface ChildOrder extends ServingOrder {
  readonly type: "order";
  /** The child runs as another user than the control process: others of that user may not look into it. */
  readonly sealed: boolean;
  /** Descriptor of the scoreboard's memory; without one the child has a scoreboard of its own. */
  readonly scoreboard?: { readonly fd: number; readonly size: number; readonly shape: ScoreboardShape };
}
