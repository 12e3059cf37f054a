// How large is the pool that a configuration asks for, here? The MPM's rules, with what this machine has; a pool that cannot be had is told.

import { processorCount } from "../../platform/detect.ts";
import { memoryRoom } from "../../platform/memory_limit.ts";
import { tooLarge } from "../rules/memory_rules.ts";
import type { LogFunction, Mpm, PoolShape, RunnableConfig } from "../types.ts";

/** The shape of the pool, with each correction, and a size that does not fit, in the log. */
export function poolShape(mpm: Mpm, { settings }: RunnableConfig, log: LogFunction): PoolShape {
  const room = memoryRoom();
  const machine = { processors: processorCount(), memory: room?.limit };
  const shape = mpm.dimension(settings, machine, ({ ah, message }) => log("warn", ah, message));
  const problem = tooLarge(shape, mpm.model === "process", room);
  if (problem !== undefined) log("warn", undefined, problem);
  return shape;
}
