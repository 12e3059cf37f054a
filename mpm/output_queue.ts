// What has a connection still to send? Bytes and parts of files that the kernel has not taken yet, in order.

import * as posix from "../platform/posix.ts";
import type { FileSource } from "./transport.ts";

interface Segment {
  bytes: Uint8Array<ArrayBuffer> | undefined;
  file: FileSource | undefined;
  offset: number;
  remaining: number;
}

/** How sending went: all is out, the kernel takes no more for now (or others should have their turn), or the peer is gone. */
export type SendResult = "empty" | "more" | "failed";

/** One turn sends no more than this of a file, so that the other connections of the thread get theirs. */
const FILE_TURN = 1 << 20;
const COPY_BUFFER = 1 << 17;

let copyBuffer: Uint8Array<ArrayBuffer> | undefined;

/** The output of one connection that waits for the kernel. */
export class OutputQueue {
  /** Bytes in the queue, files included. */
  backlog = 0;
  readonly #segments: Segment[] = [];

  get empty(): boolean {
    return this.#segments.length === 0;
  }

  push(bytes: Uint8Array<ArrayBuffer>): void {
    this.#segments.push({ bytes, file: undefined, offset: 0, remaining: bytes.length });
    this.backlog += bytes.length;
  }

  pushFile(file: FileSource, offset: number, length: number): void {
    this.#segments.push({ bytes: undefined, file, offset, remaining: length });
    this.backlog += length;
  }

  /** Gives up what is left. */
  clear(): void {
    for (const { file } of this.#segments) file?.release();
    this.#segments.length = 0;
    this.backlog = 0;
  }

  /** Sends what the kernel takes. */
  send(socket: number): SendResult {
    let budget = FILE_TURN;
    while (this.#segments.length > 0) {
      if (budget <= 0) return "more";
      const segment = this.#segments[0];
      const sent = segment.file === undefined
        ? posix.send(socket, segment.bytes!, segment.remaining, this.#segments.length > 1)
        : sendFile(socket, segment.file, segment.offset, Math.min(segment.remaining, budget));
      if (sent === -posix.Errno.EAGAIN || sent === -posix.Errno.EINTR) return "more";
      // 0 from a file: it has become shorter than was promised. The peer must see that the response is not whole.
      if (sent <= 0) return "failed";
      segment.offset += sent;
      segment.remaining -= sent;
      this.backlog -= sent;
      budget -= sent;
      if (segment.bytes !== undefined && segment.remaining > 0) segment.bytes = segment.bytes.subarray(sent);
      if (segment.remaining === 0) {
        this.#segments.shift();
        segment.file?.release();
      }
    }
    return "empty";
  }
}

function sendFile(socket: number, file: FileSource, offset: number, length: number): number {
  if (posix.hasSendFile) return posix.sendFile(socket, file.fd, offset, length);
  copyBuffer ??= new Uint8Array(COPY_BUFFER);
  const n = file.readAt(copyBuffer, Math.min(length, COPY_BUFFER), offset);
  return n <= 0 ? n : posix.send(socket, copyBuffer, n);
}
