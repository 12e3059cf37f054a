// How does a connection end in order? The client is told twice: to open no more streams, while those on their way are still answered,
// and then which was the last (RFC 9113, 6.8).

import type { OutputBuffer } from "../engine/output.ts";
import { ErrorCode } from "./error.ts";
import { frameHead, FrameType, writeGoAway } from "./frame.ts";
import { LARGEST_STREAM } from "./stream_table.ts";

/** What the PING behind the announcement says: its answer shows that all that was on its way has come. */
const LAST_CALL = new TextEncoder().encode("lastcall");

/** The end of one connection. */
export class Farewell {
  /** Not said, announced, or said: no further stream is begun. */
  #stage: "no" | "announced" | "last" = "no";
  /** The client sends nothing any more: no window will open. */
  silent = false;

  get stage(): "no" | "announced" | "last" {
    return this.#stage;
  }

  /** The client is told that the end is near. */
  announce(output: OutputBuffer): void {
    if (this.#stage !== "no") return;
    this.#stage = "announced";
    writeGoAway(output, LARGEST_STREAM, ErrorCode.NoError);
    frameHead(output, LAST_CALL.length, FrameType.Ping, 0, 0);
    output.append(LAST_CALL);
  }

  /** No stream behind `last` is begun any more; the connection ends with those that are open. */
  refuse(output: OutputBuffer, last: number): void {
    if (this.#stage === "last") return;
    this.#stage = "last";
    writeGoAway(output, last, ErrorCode.NoError);
  }

  /** As refuse(), for a client that sends nothing any more and need not be told. */
  fallSilent(): void {
    this.#stage = "last";
    this.silent = true;
  }
}
