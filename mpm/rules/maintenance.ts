// How many children, or threads, should there be? httpd's idle maintenance, as functions without I/O: the state of the pool
// goes in, what to do comes out (mpm.md 4.2, 5.3, 6.4, 9, 10).

import type { LogLevel } from "../types.ts";

/** The most children that one tick starts (MAX_SPAWN_RATE); threads under netware. */
export const MAX_SPAWN_RATE = 32;
const NETWARE_SPAWN_RATE = 64;

/** What is remembered from tick to tick, over restarts too. */
export interface MaintenanceMemory {
  /** Children that the next starved tick may start: 1, 2, 4 … MAX_SPAWN_RATE. */
  rate: number;
  /** Ticks that start children without doubling the rate, after a graceful restart. */
  holdOff: number;
  saidAtLimit: boolean;
  /** Children in a row that a signal has ended, without a quiet second between. */
  killed: number;
  /** A child has ended for want of resources since the last tick. */
  sick: boolean;
}

/** The pool as the scoreboard shows it. */
export interface PoolState {
  /** Idle threads of current children that accept. */
  readonly idle: number;
  /** Threads alive in children that serve. */
  readonly activeThreads: number;
  /** Children that serve, and all children with those that are ending. */
  readonly activeChildren: number;
  readonly totalChildren: number;
  /** Rows of the scoreboard without a process. */
  readonly freeRows: number;
}

/** The limits of the configuration. */
export interface PoolLimits {
  readonly startServers: number;
  /** Spare threads; children under prefork. */
  readonly minSpare: number;
  readonly maxSpare: number;
  readonly maxRequestWorkers: number;
  readonly processLimit: number;
  readonly serverLimit: number;
}

/** A message that maintenance has for the error log. */
export interface MaintenanceMessage {
  readonly level: LogLevel;
  readonly ah: string;
  readonly message: string;
}

/** What maintenance wants done. */
export interface MaintenanceActions {
  /** Children to start. */
  readonly spawn: number;
  /** Children to end gracefully: 0 or 1. */
  readonly end: number;
  readonly log?: MaintenanceMessage;
}

/** The rules of one MPM; `memory` is changed. */
export type Maintain = (
  state: PoolState,
  limits: PoolLimits,
  memory: MaintenanceMemory,
) => MaintenanceActions;

export function freshMemory(): MaintenanceMemory {
  return { rate: 1, holdOff: 0, saidAtLimit: false, killed: 0, sick: false };
}

const NOTHING: MaintenanceActions = { spawn: 0, end: 0 };

/** A starved tick has started something: the next may start twice as much. */
function grow(memory: MaintenanceMemory): void {
  if (memory.holdOff > 0) memory.holdOff--;
  else if (memory.rate < MAX_SPAWN_RATE) memory.rate *= 2;
}

/** Nothing is started: the next starved tick begins with one. `log` is said once in the life of the server. */
function atLimit(memory: MaintenanceMemory, log: MaintenanceMessage): MaintenanceActions {
  memory.rate = 1;
  if (memory.saidAtLimit) return NOTHING;
  memory.saidAtLimit = true;
  return { ...NOTHING, log };
}

/** prefork's rules (mpm.md 4.2): the unit is the child. */
export const maintainPrefork: Maintain = (state, limits, memory) => {
  if (state.idle > limits.maxSpare) {
    memory.rate = 1;
    return { spawn: 0, end: 1 };
  }
  if (state.idle >= limits.minSpare) {
    memory.rate = 1;
    return NOTHING;
  }
  const room = Math.min(state.freeRows, limits.maxRequestWorkers - state.totalChildren);
  if (room <= 0) {
    return atLimit(memory, {
      level: "error",
      ah: "AH00161",
      message: "server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting",
    });
  }
  const spawn = Math.min(room, memory.rate);
  const log: MaintenanceMessage | undefined = memory.rate < 8 ? undefined : {
    level: "info",
    ah: "AH00162",
    message: `server seems busy, (you may need to increase StartServers, or Min/MaxSpareServers), ` +
      `spawning ${spawn} children, there are ${state.idle} idle, and ${state.totalChildren} total children`,
  };
  grow(memory);
  return { spawn, end: 0, log };
};

/** What worker and event say, and with which numbers. */
interface ThreadedMessages {
  readonly reached: string;
  readonly within: string;
  readonly full: string;
  readonly busy: string;
}
const WORKER: ThreadedMessages = { reached: "AH00286", within: "AH00287", full: "AH00288", busy: "AH00289" };
const EVENT: ThreadedMessages = { reached: "AH00484", within: "AH10159", full: "AH03490", busy: "AH00486" };

/** worker's rules (mpm.md 5.3); a child that is ending keeps its row until it is gone. */
export const maintainWorker: Maintain = (state, limits, memory) => {
  if (state.idle <= limits.maxSpare) return starved(state, limits, memory, WORKER);
  memory.rate = 1;
  return { spawn: 0, end: 1 };
};

/** event's rules (mpm.md 6.4). */
export const maintainEvent: Maintain = (state, limits, memory) => {
  if (state.idle <= limits.maxSpare) return starved(state, limits, memory, EVENT);
  memory.rate = 1;
  // Held back while others are ending, or the scoreboard would fill up with ending children.
  const may = state.activeChildren === state.totalChildren ||
    limits.serverLimit - state.totalChildren > limits.processLimit;
  return may ? { spawn: 0, end: 1 } : NOTHING;
};

function starved(
  state: PoolState,
  limits: PoolLimits,
  memory: MaintenanceMemory,
  numbers: ThreadedMessages,
): MaintenanceActions {
  if (state.idle >= limits.minSpare) {
    memory.rate = 1;
    return NOTHING;
  }
  if (state.activeThreads >= limits.maxRequestWorkers) {
    const all = state.idle === 0;
    return atLimit(memory, {
      level: "error",
      ah: all ? numbers.reached : numbers.within,
      message: `server ${all ? "reached" : "is within MinSpareThreads of"} MaxRequestWorkers${
        all ? " setting" : ""
      }, consider raising the MaxRequestWorkers setting`,
    });
  }
  if (state.freeRows === 0) {
    memory.rate = 1;
    const message = "scoreboard is full, not at MaxRequestWorkers. Increase ServerLimit.";
    return { ...NOTHING, log: { level: "error", ah: numbers.full, message } };
  }
  const spawn = Math.min(state.freeRows, memory.rate, limits.processLimit - state.activeChildren);
  if (spawn <= 0) {
    // All that may serve are there already, though not all of their threads yet.
    memory.rate = 1;
    return NOTHING;
  }
  const log: MaintenanceMessage | undefined = memory.rate < 8 ? undefined : {
    level: "info",
    ah: numbers.busy,
    message:
      `server seems busy, (you may need to increase StartServers, ThreadsPerChild or Min/MaxSpareThreads), ` +
      `spawning ${spawn} children, there are around ${state.idle} idle threads, ${state.activeChildren} ` +
      `active children, and ${state.totalChildren - state.activeChildren} children that are shutting down`,
  };
  grow(memory);
  return { spawn, end: 0, log };
}

/** Always StartServers children (mpmt_os2; winnt with its one). */
export const maintainFixed: Maintain = (state, limits) => {
  const missing = Math.min(limits.startServers - state.activeChildren, state.freeRows);
  return missing > 0 ? { spawn: missing, end: 0 } : NOTHING;
};

/** How a child ended, as far as it matters for its replacement. */
export type DeathCause = "signal" | "sick" | "other";

/** What follows from a death: another child at once, and what is worth a warning (the number of children killed in a row). */
export interface AfterDeath {
  readonly replace: boolean;
  readonly killedInARow?: number;
}

/**
 * httpd's answer to the death of a child that was to go on (mpm.md 3.2). After two that a signal ended in a row the next waits
 * for maintenance: whatever kills them would kill that one too. Under prefork maintenance decides in any case.
 */
export function afterDeath(cause: DeathCause, byMaintenance: boolean, memory: MaintenanceMemory): AfterDeath {
  if (cause === "sick") {
    memory.rate = 1;
    memory.sick = true;
    return { replace: false };
  }
  if (cause === "other") return { replace: true };
  if (byMaintenance) return { replace: false };
  memory.killed++;
  const warn = memory.killed >= 3 && memory.killed % 10 === 3;
  return { replace: memory.killed <= 2, killedInARow: warn ? memory.killed : undefined };
}

/** The threads of one process. */
export interface ThreadState {
  /** Threads without a connection, those that are starting included. */
  readonly idle: number;
  /** Threads that may still be started. */
  readonly free: number;
  readonly total: number;
}

/** What is to be done about the threads: how many to start, and whether one ends. */
export interface ThreadActions {
  readonly start: number;
  readonly end: 0 | 1;
  readonly log?: MaintenanceMessage;
}

/**
 * The rules for threads that come and go within a process: netware's (mpm.md 9, once a second, doubling to 64) and os2's
 * (mpm.md 10, twice a second, all that are missing).
 */
export function maintainThreads(
  state: ThreadState,
  range: { readonly rule: "fixed" | "netware" | "os2"; readonly minSpare: number; readonly maxSpare: number },
  memory: MaintenanceMemory,
): ThreadActions {
  if (range.rule === "fixed") return { start: 0, end: 0 };
  if (state.idle > range.maxSpare) {
    memory.rate = 1;
    return { start: 0, end: 1 };
  }
  const missing = range.minSpare - state.idle;
  if (missing <= 0) {
    memory.rate = 1;
    return { start: 0, end: 0 };
  }
  if (range.rule === "os2") return { start: Math.min(missing, state.free), end: 0 };
  if (state.free === 0) {
    const message = "server reached MaxThreads setting, consider raising the MaxThreads setting";
    const { log } = atLimit(memory, { level: "error", ah: "AH00220", message });
    return { start: 0, end: 0, log };
  }
  const start = Math.min(memory.rate, state.free);
  const log: MaintenanceMessage | undefined = memory.rate < 8 ? undefined : {
    level: "info",
    ah: "AH00221",
    message: `server seems busy, (you may need to increase StartThreads, or Min/MaxSpareThreads), ` +
      `spawning ${start} threads, there are ${state.idle} idle, and ${state.total} total threads`,
  };
  if (memory.rate < NETWARE_SPAWN_RATE) memory.rate *= 2;
  return { start, end: 0, log };
}
