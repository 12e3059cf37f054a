// How does a body pass through a filter? As a stream that is made at the pace of whoever reads it; what is small and known as a whole is
// put together at once, so that its length is known too.

import { type Body, NO_BODY, type Reply } from "../../http/engine/reply.ts";
import { discardReply } from "../../http/engine/body_sender.ts";
import { type Pieces, piecesOf, type Source } from "./pieces.ts";

/** What a filter makes of the pieces of a body: usually an async generator. It ends when `pieces` do. */
export type BodyFilter = (pieces: Pieces) => AsyncIterable<Uint8Array<ArrayBuffer>>;

/** A body of known content up to this size (bytes) is filtered as a whole. */
const AT_ONCE = 65_536;

/** How a body is filtered. */
export interface FilterOptions {
  /** The length (bytes) of what comes out, where that is known; undefined: it is not, and Content-Length is not sent. */
  readonly length?: number;
  /** It takes its time on purpose: it is never put together at once. */
  readonly streamed?: boolean;
}

/** `reply` with its body passed through `filter`. A reply without a body is given back without a declared length. */
export function filterBody(
  reply: Reply,
  filter: BodyFilter,
  { length, streamed = false }: FilterOptions = {},
): Reply | Promise<Reply> {
  const { body } = reply;
  if (body.kind === "none") return { ...reply, declaredLength: length };
  const size = body.kind === "bytes"
    ? body.bytes.length
    : body.kind === "text"
    ? body.text.length * 3
    : Infinity;
  if (size <= AT_ONCE && !streamed) return filteredAtOnce(reply, filter);
  return {
    ...reply,
    declaredLength: undefined,
    body: { kind: "stream", stream: filteredStream(body, filter), length },
  };
}

/** The content of `body` in one piece. */
export async function wholeBody(body: Body): Promise<Uint8Array<ArrayBuffer>> {
  return await joined(piecesOf(body));
}

/** All that `pieces` give. */
export async function joined(
  pieces: AsyncIterable<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of pieces) {
    if (piece.length === 0) continue;
    parts.push(piece);
    size += piece.length;
  }
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function filteredAtOnce(reply: Reply, filter: BodyFilter): Promise<Reply> {
  const bytes = await joined(filter(piecesOf(reply.body)));
  return { ...reply, declaredLength: undefined, body: { kind: "bytes", bytes } };
}

/** What `filter` gives of `body`, made as it is read. */
export function filteredStream(body: Body, filter: BodyFilter): ReadableStream<Uint8Array<ArrayBuffer>> {
  let source: Source | undefined;
  let output: AsyncIterator<Uint8Array<ArrayBuffer>> | undefined;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      source ??= piecesOf(body);
      output ??= filter(source)[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await output.next();
        if (done === true) return controller.close();
        if (value.length > 0) return controller.enqueue(value);
      }
    },
    cancel(reason) {
      if (source === undefined) return discardReply({ ...DISCARDED, body });
      // A filter that waits for its source goes on and comes to its end by that.
      source.cancel(reason);
      // What it fails with now concerns nobody: there is no response any more.
      output?.return?.().catch(() => {});
    },
  }, { highWaterMark: 0 });
}

const DISCARDED: Reply = { status: 200, fields: [], body: NO_BODY };
