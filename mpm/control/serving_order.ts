// What is a process told that is to serve? Made of the configuration, the pool's shape and the MPM's rules.

import type { ServingOrder } from "../shared/child_order.ts";
import { LEAST_BOUND_KIB } from "../child/memory_bound.ts";
import type { SocketOrder } from "../listening/listeners.ts";
import type { Mpm, PoolShape, RunnableConfig } from "../types.ts";

const DEFAULT_HANDLER_TIMEOUT = 60;

/** The order for row `child` of the scoreboard. */
export function servingOrder(
  mpm: Mpm,
  config: RunnableConfig,
  shape: PoolShape,
  sockets: SocketOrder,
  child: number,
  generation: number,
): ServingOrder {
  const { settings, program, firstRequestMs } = config;
  return {
    child,
    generation,
    model: mpm.model,
    threads: shape.threads,
    requestsPerThread: shape.requestsPerThread,
    connectionFactor: shape.connectionFactor,
    maxConnections: settings.maxConnectionsPerChild ?? 0,
    quota: mpm.quota,
    maxMemory: maxMemory(config),
    maxHeap: maxHeap(config),
    firstRequestMs,
    handlerTimeoutMs: handlerTimeoutMs(config),
    ...sockets,
    program,
    permissions: config.permissions,
  };
}

/** HandlerTimeout in ms; 0: none. */
export function handlerTimeoutMs({ settings }: RunnableConfig): number {
  return (settings.handlerTimeout ?? DEFAULT_HANDLER_TIMEOUT) * 1000;
}

/** Three quarters of what V8 allows: from there on it collects ever more often, and gives up at the end. */
function maxHeap({ settings: { threadHeapLimit = 0 } }: RunnableConfig): number {
  return threadHeapLimit * 0.75 * (1 << 20);
}

function maxMemory({ settings: { maxMemFree = 0 } }: RunnableConfig): number {
  return maxMemFree < LEAST_BOUND_KIB ? 0 : maxMemFree * 1024;
}
