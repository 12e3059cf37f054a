// What has a connection still to send? Bytes and parts of files that the kernel has not taken yet, in order.

import * as posix from "../../platform/posix.ts";
import type { FileSource } from "../shared/transport.ts";
import type { Channel } from "./channel.ts";

interface Segment {
  readonly file: FileSource | undefined;
  bytes: Uint8Array<ArrayBuffer> | undefined;
  /** The kernel takes it out of the file itself. */
  readonly inKernel: boolean;
  offset: number;
  remaining: number;
  /** What the client is likely to take at once: more is not read. */
  window: number;
  /** The part of the file at `offset` is being brought into memory, or has been. */
  fetch: "idle" | "under way" | "done";
}

/**
 * How sending went: all is out; the kernel takes no more for now (or others should have their turn); what comes next of a file is
 * not in memory yet; or the peer is gone.
 */
export type SendResult = "empty" | "more" | "stalled" | "failed";

/** One turn sends no more than this of a file, so that the other connections of the thread get theirs. */
const FILE_TURN = 1 << 20;
/** The least that is read of a file in one go. */
const LEAST_WINDOW = 1 << 16;

/** The output of one connection that waits for the kernel. */
export class OutputQueue {
  /** Bytes in the queue, files included. */
  backlog = 0;
  readonly #segments: Segment[] = [];

  get empty(): boolean {
    return this.#segments.length === 0;
  }

  push(bytes: Uint8Array<ArrayBuffer>): void {
    this.#push(bytes.length, bytes, undefined, 0, false);
  }

  /** @param inKernel with sendfile: the least work, and a thread that waits for the device when it has to */
  pushFile(file: FileSource, offset: number, length: number, inKernel: boolean): void {
    this.#push(length, undefined, file, offset, inKernel);
  }

  #push(
    length: number,
    bytes: Uint8Array<ArrayBuffer> | undefined,
    file: FileSource | undefined,
    offset: number,
    inKernel: boolean,
  ): void {
    this.#segments.push({
      bytes,
      file,
      offset,
      remaining: length,
      inKernel,
      window: FILE_TURN,
      fetch: "idle",
    });
    this.backlog += length;
  }

  /** Gives up what is left. */
  clear(): void {
    for (const { file } of this.#segments) file?.release();
    this.#segments.length = 0;
    this.backlog = 0;
  }

  /** Sends what the kernel takes through `channel`, from its beginning on. */
  send(channel: Channel, socket: number): SendResult {
    let budget = FILE_TURN;
    while (this.#segments.length > 0) {
      if (budget <= 0) return "more";
      const segment = this.#segments[0];
      const asked = Math.min(segment.remaining, budget, segment.window);
      const { bytes, file } = segment;
      let sent: number;
      let full = false;
      if (file === undefined) {
        sent = channel.send(socket, bytes!, segment.remaining, this.#segments.length > 1);
      } else if (segment.inKernel) sent = posix.sendFile(socket, file.fd, segment.offset, asked);
      else {
        const read = readPart(segment, file, asked);
        if (read === -posix.Errno.EAGAIN) return "stalled";
        if (read <= 0) return "failed";
        sent = channel.send(socket, posix.threadFileReader().buffer, read, false);
        full = sent < read;
        segment.window = full ? Math.max(sent, LEAST_WINDOW) : Math.min(segment.window * 2, FILE_TURN);
      }
      if (sent === -posix.Errno.EAGAIN || sent === -posix.Errno.EINTR) return "more";
      // 0 from a file: it has become shorter than was promised. The peer must see that the response is not whole.
      if (sent <= 0) return "failed";
      segment.offset += sent;
      segment.remaining -= sent;
      this.backlog -= sent;
      budget -= sent;
      if (bytes !== undefined && segment.remaining > 0) segment.bytes = bytes.subarray(sent);
      if (segment.remaining === 0) {
        this.#segments.shift();
        file?.release();
      } else if (full) return "more";
    }
    return "empty";
  }
}

/** Reads what comes next into the thread's buffer; -EAGAIN: it is not in memory, and being fetched. */
function readPart(segment: Segment, { fd }: FileSource, length: number): number {
  const reader = posix.threadFileReader();
  const read = reader.read(fd, length, segment.offset);
  if (read !== -posix.Errno.EAGAIN) {
    segment.fetch = "idle";
    return read;
  }
  // It was fetched and is gone again, or is never to be had without a wait.
  if (segment.fetch === "done") return reader.readWaiting(fd, length, segment.offset);
  if (segment.fetch === "idle") {
    segment.fetch = "under way";
    reader.fetch(fd, length, segment.offset).then(() => segment.fetch = "done");
  }
  return read;
}
