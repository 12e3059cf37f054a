// How does somebody read a pushed body who reads streams? By one that has its source wait while nobody reads.

import type { PushSource } from "./reply.ts";

/** A pushed body that ended before its end. */
export class PushedBodyError extends Error {
  override readonly name = "PushedBodyError";
}

/** The content of `source`, which is started when it is first read. */
export function streamOfPushed(source: PushSource): ReadableStream<Uint8Array<ArrayBuffer>> {
  let started = false;
  let over = false;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (started) return source.resume();
      started = true;
      source.start({
        push(bytes, from, to) {
          controller.enqueue(bytes.slice(from, to));
          return (controller.desiredSize ?? 0) > 0;
        },
        end() {
          over = true;
          controller.close();
        },
        fail() {
          over = true;
          controller.error(new PushedBodyError("the body ended before its end"));
        },
      });
    },
    cancel() {
      if (!over) source.cancel();
    },
  }, { highWaterMark: 0 });
}
