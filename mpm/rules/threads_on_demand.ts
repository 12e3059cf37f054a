// Which threads of a process have to be started? Those there is work for and one more, as a function without I/O. A thread is a V8 isolate, a
// hundred times what httpd's costs: of those that a configuration allows for only the ones that are needed exist.

/** The threads of a process that may serve. */
export interface ThreadDemand {
  /** Running, with room for work. */
  readonly free: number;
  /** Stuck in a handler, for now or for good. */
  readonly blocked: number;
  /** Started, not ready yet. */
  readonly starting: number;
  /** Not started. */
  readonly asleep: number;
}

/** What is kept ready. */
export interface DemandLimits {
  /** Threads with room for work. */
  readonly spare: number;
  /** Starts at the same time: each takes a processor for a moment. */
  readonly startsAtOnce: number;
}

/**
 * How many to start. The next is started while the last spare one is being taken, so that nobody waits for it; for each thread that is stuck
 * there is one more, as what stuck there may come again: the number doubles until all have room.
 */
export function threadsToStart(demand: ThreadDemand, { spare, startsAtOnce }: DemandLimits): number {
  const missing = spare + demand.blocked - demand.free - demand.starting;
  return Math.max(0, Math.min(missing, startsAtOnce - demand.starting, demand.asleep));
}

/** How many threads are started at once: as many as this process has a processor for, if not `all`. */
export function warmThreads(threads: number, processors: number, processes: number, all: boolean): number {
  return all ? threads : Math.min(threads, Math.max(1, Math.ceil(processors / processes)));
}
