// What does a stream need of its connection?

import type { Service } from "../engine/service.ts";
import type { Outlet } from "../engine/staging.ts";
import type { Outbox } from "./outbox.ts";
import type { Stream } from "./stream.ts";

/** The connection, as its streams see it. */
export interface StreamHost extends Outlet {
  readonly service: Service;
  readonly outbox: Outbox;
  /** H2StreamMaxMemSize. */
  readonly streamMemory: number;
  /** Writes a header block that was put together in `output` from `at` on, behind room for the head of a frame. */
  writeHeaders(stream: number, at: number, ends: boolean): void;
  /** Gives the client room for `bytes` more of this stream. */
  giveRoom(stream: number, bytes: number): void;
  /** The client has taken `bytes` of a body. */
  sentData(bytes: number): void;
  /** The handler of this stream has begun to work, or has done its part. */
  working(delta: number): void;
  /** The stream is over; a `code`: it is reset. */
  over(stream: Stream, code: number | undefined): void;
  /** Something happened that the connection did not cause: `step` is taken, and what it wrote is sent. */
  proceed(step: () => void): void;
}
