// How long is a body that does not say so? A short one is received before its backend is asked, which can be told then.

import type { RequestBody } from "../../server/request/exchange.ts";
import { joined } from "./conversation.ts";

/** A body that was begun to be received: all of it, or a stream of what has come and what is still to come. */
export type PrefetchedBody =
  | { readonly whole: Uint8Array<ArrayBuffer> }
  | { readonly stream: () => ReadableStream<Uint8Array<ArrayBuffer>> };

/** Receives `body` until it ends, or more than `most` bytes are there. Rejected when it does not arrive. */
export async function prefetchedBody(body: RequestBody, most: number): Promise<PrefetchedBody> {
  const reader = body.stream().getReader();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for (let size = 0; size <= most;) {
    const { done, value } = await reader.read();
    if (done) return { whole: joined(pieces, size) };
    pieces.push(value);
    size += value.length;
  }
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const early = pieces.shift();
      if (early !== undefined) return controller.enqueue(early);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { stream: () => stream };
}
