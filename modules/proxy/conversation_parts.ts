// What does a conversation with a backend need to be told, and whom does it tell?

import type { OutgoingConnection } from "../../mpm/mod.ts";
import type { Body, Reply } from "../../server/http/engine/reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { BackendHead, Protocol } from "./protocol.ts";
import type { Worker } from "./worker.ts";

/** Why there is no answer. */
export type Failure = "lookup" | "connect" | "busy" | "read" | "timeout" | "bad";

/** What a conversation is about. */
export interface ConversationParts {
  readonly exchange: Exchange;
  readonly worker: Worker;
  /** Another backend for a request that nobody has received; undefined: there is none. */
  next(failed: Worker): Worker | undefined;
  protocol(worker: Worker): Protocol;
  /** All of the request's body; undefined: there is none, or it is a stream. */
  readonly whole: Uint8Array<ArrayBuffer> | undefined;
  /** Taken when it is wanted: whoever takes it gives the client leave to send. */
  readonly stream: (() => ReadableStream<Uint8Array<ArrayBuffer>>) | undefined;
  /** How long (ms) a backend may be silent. */
  readonly timeout: (worker: Worker) => number;
  /** It may be made twice. */
  readonly repeatable: boolean;
  reply(head: BackendHead, body: Body, worker: Worker): Reply;
  upgraded(head: BackendHead, connection: OutgoingConnection, rest: Uint8Array<ArrayBuffer>): Reply;
  /** Logs, and makes the reply. */
  failed(failure: Failure, reason: string, worker: Worker): Reply;
  log(level: "error" | "warn" | "debug", ah: string | undefined, message: string): void;
  /** Begin and end with a worker; `bytes` of its response. */
  begun(worker: Worker): void;
  over(worker: Worker, status: number | undefined, sent: number, received: number): void;
}

/** Sending to the backend waits while it has more than this (bytes) to take; so does reading before somebody takes the answer. */
export const HIGH_WATER = 262_144;
export const EXPIRED = "(70007)The timeout specified has expired";
