// What do a server and the program that has started it by serve() say to each other? JSON, one message a line, over a control channel
// of their own: what the server or its applications print cannot come between.

/** The variable that tells a server of its owner: the JSON of a ControlAddress. */
export const OWNER_VARIABLE = "MPMD_OWNER";

/** What a server says of itself right now. */
export interface ServerStatus {
  /** Of the control process. */
  readonly pid: number;
  /** Number of restarts. */
  readonly generation: number;
  /** Children, those that finish their last requests included. Without children: the process itself. */
  readonly children: readonly ChildStatus[];
  /** Requests that are worked on, and those that could be besides. */
  readonly busy: number;
  readonly idle: number;
  readonly connections: number;
  /** So far. */
  readonly requests: number;
}

/** One process that serves. */
export interface ChildStatus {
  readonly pid: number;
  readonly threads: number;
  readonly connections: number;
  /** It finishes what it has, and ends. */
  readonly ending: boolean;
  /** Resident memory, bytes. */
  readonly memory: number;
}

/** From the server. */
export type ServerMessage =
  /** It answers requests. */
  | { readonly type: "serving"; readonly addresses: readonly string[] }
  /** It does not start. */
  | { readonly type: "failed"; readonly reason: string }
  /** How a restart went; undefined: the new generation serves. */
  | { readonly type: "restarted"; readonly failure?: string }
  | { readonly type: "status"; readonly status: ServerStatus };

/** From the owner. Each `graceful` is answered by `restarted`, each `status` by one. */
export interface OwnerMessage {
  readonly type: "graceful" | "graceful-stop" | "stop" | "status";
}
