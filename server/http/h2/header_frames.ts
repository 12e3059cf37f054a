// How does a header block become frames? HEADERS, and CONTINUATION for what does not fit into one (RFC 9113, 4.3).

import type { OutputBuffer } from "../engine/output.ts";
import { Flag, FRAME_HEAD, frameHead, FrameType, MAX_FRAME, putFrameHead } from "./frame.ts";

/** A table of no bytes is used from here on (RFC 7541, 6.3). */
const NO_TABLE = Uint8Array.of(0x20);

/**
 * Frames the block in `output` that was put together behind room for the head of a frame, at `at`. `ends`: nothing follows it on its
 * stream; `noTable`: the client is to be told that no table is used.
 */
export function frameBlock(
  output: OutputBuffer,
  at: number,
  stream: number,
  ends: boolean,
  noTable: boolean,
): void {
  if (noTable) {
    const block = output.takeFrom(at + FRAME_HEAD);
    output.append(NO_TABLE);
    output.append(block);
  }
  const length = output.length - at - FRAME_HEAD;
  const endStream = ends ? Flag.EndStream : 0;
  if (length <= MAX_FRAME) {
    return putFrameHead(output.bytes, at, length, FrameType.Headers, endStream | Flag.EndHeaders, stream);
  }
  const block = output.takeFrom(at + FRAME_HEAD);
  output.length = at;
  for (let from = 0; from < block.length; from += MAX_FRAME) {
    const part = block.subarray(from, from + MAX_FRAME);
    const flags = (from === 0 ? endStream : 0) |
      (from + part.length === block.length ? Flag.EndHeaders : 0);
    const type = from === 0 ? FrameType.Headers : FrameType.Continuation;
    frameHead(output, part.length, type, flags, stream);
    output.append(part);
  }
}
