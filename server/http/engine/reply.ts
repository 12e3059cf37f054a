// What does a handler answer? A light description of a response; the connection engine makes bytes of it.

import type { Duplex } from "node:stream";
import type { FileSource } from "../../../mpm/mod.ts";

/** Header fields in the order they are sent. Values are latin1, validated before they are written. */
export type Fields = (readonly [name: string, value: string])[];

/** A piece of a body that is put together. */
export type BodyPart = Uint8Array<ArrayBuffer> | {
  readonly file: FileSource;
  readonly offset: number;
  readonly length: number;
  /** To be sent without a copy of it in the server (EnableSendfile). */
  readonly inKernel?: boolean;
};

/** Who takes a pushed body. */
export interface PushSink {
  /** Takes the bytes [from, to) of `bytes`, which are good for this call only. False: nothing more until resume(). */
  push(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): boolean;
  /** That was all. */
  end(): void;
  /** There was to be more, and will not be: whoever pushes has logged why. */
  fail(): void;
}

/** Where a pushed body comes from: a descriptor of the thread, of which the event loop knows nothing. */
export interface PushSource {
  /** Begins; what is there already is pushed at once. */
  start(sink: PushSink): void;
  /** The sink takes more. */
  resume(): void;
  /** Nobody takes more. Also before start(). */
  cancel(): void;
}

/** What follows the head. `length` undefined: not known, so chunked or until close. */
export type Body =
  | { readonly kind: "none" }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Sent as UTF-8. */
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "parts"; readonly parts: readonly BodyPart[]; readonly length: number }
  | {
    readonly kind: "stream";
    readonly stream: ReadableStream<Uint8Array>;
    readonly length: number | undefined;
  }
  | { readonly kind: "pushed"; readonly source: PushSource; readonly length: number | undefined };

export const NO_BODY: Body = { kind: "none" };

/** What there is to say about a request that fails or leads elsewhere. */
export interface FailureDetails {
  /** Told to the client, for the statuses that httpd tells notes for. */
  readonly note?: string;
  /** Where a redirect leads: the Location field. */
  readonly location?: string;
  /** Markup for the server's own page, below what it says of the status. */
  readonly html?: string;
}

/** A response. Date, Server, Content-Length, Connection, Keep-Alive and Transfer-Encoding are the engine's to add. */
export interface Reply {
  readonly status: number;
  /** Overrides the status table's reason phrase. */
  readonly reason?: string;
  readonly fields: Fields;
  readonly contentType?: string;
  /** The Date and Server of another server, whose response this is. */
  readonly origin?: { readonly date: string | undefined; readonly server: string | undefined };
  readonly body: Body;
  /**
   * Asked when a streamed body is over: fields that follow it, where its length was not declared and the client can be told
   * (HTTP/1.1, HTTP/2).
   */
  readonly trailers?: () => Fields;
  /** Content-Length to send although there is no body (HEAD, 304 never). */
  readonly declaredLength?: number;
  /** The connection must not be used again (the request was not understood, or not read to its end). */
  readonly close?: boolean;
  /**
   * With status 101 and an Upgrade field, for a request that asked for that: takes the connection over once the response is
   * written. It has its slot until the stream is closed, by end() or destroy() or by the client (RFC 9110 §7.8).
   */
  readonly takeOver?: (connection: Duplex) => void;
  /** Nobody has made content for this status: an ErrorDocument or the error page is to be sent with it. */
  readonly failure?: FailureDetails;
  /** A whole message made ahead; set for answers that are the same for everybody, for some time. */
  readonly prepared?: PreparedReply;
}

/** A response as it goes over the wire to a client that need not be told what becomes of its connection. */
export interface PreparedReply {
  /** Head and body in one piece. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly status: number;
  /** Where the 29 characters of the Date field begin, and of which second (since 1970) they are. */
  readonly dateAt: number;
  /** Where fields about the connection belong. */
  readonly connectionAt: number;
  dateSecond: number;
  readonly bodyLength: number;
  /** clock of performance.now(): until then it is good without a look at what it was made of. */
  validUntil: number;
  /** Asks what it was made of whether it is still good; extends validUntil, or returns false. */
  revalidate(now: number): boolean;
}
