// What does a language of backends do? It makes bytes of a request, and a response of bytes; it knows nothing of connections, time and clients.

import type { OutputBuffer } from "../../server/http/engine/output.ts";
import type { CgiHead } from "../cgi/response.ts";

/** What a backend has answered, but for its content: as a program does, whatever the protocol; `length` may be that of what GET would give. */
export type BackendHead = CgiHead;

/** A language of backends: makes bytes of a request, and a response of bytes. One object per try. */
export interface Protocol {
  /** Appends what is in front of the body. */
  begin(out: OutputBuffer): void;
  /** Appends a piece of the body, in its framing. */
  piece(out: OutputBuffer, bytes: Uint8Array<ArrayBuffer>): void;
  /** Appends what is behind the body. */
  finish(out: OutputBuffer): void;
  /** Input. Tells `to` what it is; what it tells may end the conversation. */
  receive(bytes: Uint8Array<ArrayBuffer>, length: number, to: ResponseTaker): void;
  /** The backend sends no more. */
  ended(to: ResponseTaker): void;
  /** Nothing of an answer has come. */
  readonly untouched: boolean;
  /** The body is sent when the backend has said that it wants it, or for `ms` nothing. */
  readonly waitsForContinue: boolean;
}

/** Who is told what a backend says. */
export interface ResponseTaker {
  /** It wants the body. */
  onContinue(): void;
  onHead(head: BackendHead): void;
  /** It has changed the protocol, as was asked for. */
  onUpgrade(head: BackendHead, rest: Uint8Array<ArrayBuffer>): void;
  onBody(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): void;
  /** That was all. `reusable`: another request may be made on the connection. */
  onDone(reusable: boolean): void;
  /** Its connection is gone, and that is not the end of an answer. */
  onLost(reason: string): void;
  /** What it says makes no sense. */
  onBad(ah: string | undefined, message: string): void;
}
