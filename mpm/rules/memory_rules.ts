// What may a configuration grow to, and does it fit? What children and threads take is known well enough for a sum at the start, and growth
// stops while there still is memory.

import type { MemoryRoom } from "../../platform/memory_limit.ts";
import type { Machine, PoolShape } from "../types.ts";

const MB = 1 << 20;

/** What is taken, as far as the server itself goes (`deno task bench:start`): applications come on top. */
export const Cost = {
  ControlProcess: 40 * MB,
  /** A child without its threads. */
  Child: 40 * MB,
  /** A child that is its own thread. */
  Process: 50 * MB,
  Thread: 20 * MB,
} as const;

/** Growth leaves this much alone, and at least a sixteenth of the limit: what is there already needs room to work. */
const LEAST_RESERVE = 32 * MB;

/** Bytes that a pool of this shape takes with all its children and threads. */
export function fullSize({ processLimit, threads }: PoolShape, isProcess: boolean): number {
  const child = isProcess ? Cost.Process : Cost.Child + threads.max * Cost.Thread;
  return Cost.ControlProcess + processLimit * child;
}

/** Why a pool of this shape is too large for the room there is, in a sentence; undefined: it fits. */
export function tooLarge(
  shape: PoolShape,
  isProcess: boolean,
  room: MemoryRoom | undefined,
): string | undefined {
  const size = fullSize(shape, isProcess);
  if (room === undefined || size <= room.limit) return undefined;
  const { processLimit, threads } = shape;
  const child = isProcess ? "" : ` with ${threads.max} threads`;
  const each = isProcess ? Cost.Process : Cost.Child + threads.max * Cost.Thread;
  return `${processLimit} ${processLimit === 1 ? "child" : "children"}${child} (${
    megabytes(each)
  } each, and the ` +
    `control process) may take ${megabytes(size)}, this ${room.of} has ${
      megabytes(room.limit)
    }: as many are started as fit`;
}

/** One more that takes `cost` fits. */
export function mayGrow(cost: number, room: MemoryRoom | undefined): boolean {
  return room === undefined || room.left - cost >= Math.max(LEAST_RESERVE, room.limit / 16);
}

/** Of `children` with so many threads each (0: they are their own) as many as fit, at least one: a default, where nobody says otherwise. */
export function childrenThatFit(children: number, threads: number, { memory }: Machine): number {
  if (memory === undefined) return children;
  const child = threads === 0 ? Cost.Process : Cost.Child + threads * Cost.Thread;
  return Math.max(1, Math.min(children, Math.floor((memory * 3 / 4 - Cost.ControlProcess) / child)));
}

/** For messages. */
export function megabytes(bytes: number): string {
  return `${Math.round(bytes / MB)} MB`;
}
