// What do a listener and a thread say to each other where connections cannot be passed? The messages of the relay: the
// listener owns the connection and moves bytes, the thread speaks the protocol. Neither sends more than the other has room for.

import type { CloseMode, Endpoint } from "../shared/transport.ts";

/** From the listener to a thread. `id` is the connection. */
export type ToThread =
  | { readonly type: "open"; readonly id: number; readonly peer: Endpoint; readonly local: Endpoint }
  | { readonly type: "data"; readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  /** The peer sends no more. */
  | { readonly type: "end"; readonly id: number }
  /** The connection is broken. */
  | { readonly type: "gone"; readonly id: number }
  /** The system has taken so many bytes of what was written. */
  | { readonly type: "sent"; readonly id: number; readonly count: number }
  /** Look around: the thread may have to end, or nobody knows whether it moves. */
  | { readonly type: "ping" };

/** From a thread to the listener. */
export type ToListener =
  | {
    readonly type: "write";
    readonly id: number;
    readonly bytes: Uint8Array<ArrayBuffer>;
    /** The client has so long (ms) to take some of it; 0: for ever. */
    readonly timeout: number;
  }
  /** So many bytes of input have been used. */
  | { readonly type: "used"; readonly id: number; readonly count: number }
  /** Everything written goes out, then the connection ends; the thread has forgotten it. */
  | { readonly type: "close"; readonly id: number; readonly mode: CloseMode };

/** The most bytes on their way in one direction of one connection. */
export const WINDOW = 1 << 18;
/** Bytes are acknowledged by this many: small requests and responses need no message for that. */
export const ACKNOWLEDGE = 1 << 15;
