// What is a scheme of mod_proxy? A module of its own (proxy_http, proxy_fcgi) that knows how a request is made in its protocol.

import type { OutgoingConnection } from "../../mpm/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import type { BackendHead, Protocol } from "./protocol.ts";
import type { Worker } from "./worker.ts";

/** One request for a backend. */
export interface Call {
  readonly exchange: Exchange;
  /** What is asked for: escaped path, perhaps with a query. */
  readonly target: string;
  /** Bytes of the request's body; -1: there is none; undefined: not known. */
  readonly bodyLength: number | undefined;
  /** The client waits for leave to send it. */
  readonly expects: boolean;
  /** The file that SetHandler was about; undefined: the request was mapped. */
  readonly file: string | undefined;
}

/** A scheme, for one thread. */
export interface Scheme {
  readonly names: readonly string[];
  /** In messages. */
  readonly title: string;
  /** Connections are kept where nobody says whether. */
  readonly reuses: boolean;
  /** A body that does not say how long it is: refused (411), or its length found out where it is short. Undefined: it goes on as it comes. */
  readonly lengthless?: "refused" | "prefetched";
  protocol(call: Call, worker: Worker): Protocol;
  /** The backend has changed the protocol. */
  upgraded?(
    call: Call,
    head: BackendHead,
    connection: OutgoingConnection,
    rest: Uint8Array<ArrayBuffer>,
  ): Reply;
}

/** What a scheme may know of its thread. */
export type SchemeMaker = (context: ThreadContext) => Scheme;
