// How does a header block become frames? HEADERS, and CONTINUATION for what does not fit into one (RFC 9113, 4.3).

import type { OutputBuffer } from "../engine/output.ts";
import { Flag, FRAME_HEAD, frameHead, FrameType, MAX_FRAME, putFrameHead } from "./frame.ts";

/** A table of no bytes is used from here on (RFC 7541, 6.3). */
const NO_TABLE = Uint8Array.of(0x20);

/**
 * Frames the block in `output` that was put together behind room for the head of a frame, at `at`. `ends`: nothing follows it on its
 * stream; `noTable`: the client is to be told that no table is used; `padding`: H2Padding.
 */
export function frameBlock(
  output: OutputBuffer,
  at: number,
  stream: number,
  ends: boolean,
  noTable: boolean,
  padding = 0,
): void {
  if (noTable) {
    const block = output.takeFrom(at + FRAME_HEAD);
    output.append(NO_TABLE);
    output.append(block);
  }
  const padded = padding > 0 && padBlock(output, at + FRAME_HEAD, randomPadding(padding));
  const length = output.length - at - FRAME_HEAD;
  const endStream = ends ? Flag.EndStream : 0;
  if (length <= MAX_FRAME) {
    const flags = endStream | Flag.EndHeaders | (padded ? Flag.Padded : 0);
    return putFrameHead(output.bytes, at, length, FrameType.Headers, flags, stream);
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

/** A length of padding below 2 ** `bits`. */
export function randomPadding(bits: number): number {
  return Math.floor(Math.random() * (1 << bits));
}

/** Puts `padding` bytes behind the block from `at` on, and their number in front of it (RFC 9113, 6.2), if one frame has room for them. */
function padBlock(output: OutputBuffer, at: number, padding: number): boolean {
  if (output.length - at + 1 + padding > MAX_FRAME) return false;
  const block = output.takeFrom(at);
  output.append(Uint8Array.of(padding));
  output.append(block);
  output.append(new Uint8Array(padding));
  return true;
}
