// How many children should there be? httpd's idle server maintenance, once a second, as a function without I/O: the state of
// the pool goes in, what to do comes out (mpm.md 4.2, 5.3, 6.4).

import type { LogLevel } from "./types.ts";

/** The most children that one tick starts (MAX_SPAWN_RATE). */
export const MAX_SPAWN_RATE = 32;

/** What is remembered from tick to tick, over restarts too. */
export interface MaintenanceMemory {
  /** Children that the next starved tick may start: 1, 2, 4 … MAX_SPAWN_RATE. */
  rate: number;
  /** Ticks that start children without doubling the rate, after a graceful restart. */
  holdOff: number;
  saidAtLimit: boolean;
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
  readonly minSpare: number;
  readonly maxSpare: number;
  readonly maxRequestWorkers: number;
  readonly processLimit: number;
  readonly serverLimit: number;
}

/** What maintenance wants done. */
export interface MaintenanceActions {
  /** Children to start. */
  readonly spawn: number;
  /** Children to end gracefully: 0 or 1. */
  readonly end: number;
  readonly log?: { readonly level: LogLevel; readonly ah: string; readonly message: string };
}

export function freshMemory(): MaintenanceMemory {
  return { rate: 1, holdOff: 0, saidAtLimit: false };
}

const NOTHING: MaintenanceActions = { spawn: 0, end: 0 };

/** event's rules (mpm.md 6.4); `memory` is changed. */
export function maintainEvent(
  state: PoolState,
  limits: PoolLimits,
  memory: MaintenanceMemory,
): MaintenanceActions {
  if (state.idle > limits.maxSpare) {
    memory.rate = 1;
    // Held back while others are ending, or the scoreboard would fill up with ending children.
    const may = state.activeChildren === state.totalChildren ||
      limits.serverLimit - state.totalChildren > limits.processLimit;
    return may ? { spawn: 0, end: 1 } : NOTHING;
  }
  if (state.idle >= limits.minSpare) {
    memory.rate = 1;
    return NOTHING;
  }
  if (state.activeThreads >= limits.maxRequestWorkers) {
    memory.rate = 1;
    if (memory.saidAtLimit) return NOTHING;
    memory.saidAtLimit = true;
    return { ...NOTHING, log: atLimit(state.idle) };
  }
  const free = Math.min(state.freeRows, memory.rate);
  if (free === 0) {
    memory.rate = 1;
    return { ...NOTHING, log: scoreboardFull() };
  }
  let spawn = free;
  if (spawn + state.activeChildren > limits.processLimit) spawn = limits.processLimit - state.activeChildren;
  if (spawn <= 0) {
    // All that may serve are there already, though not all of their threads yet.
    memory.rate = 1;
    return NOTHING;
  }
  const log = memory.rate >= 8 ? busy(spawn, state) : undefined;
  if (memory.holdOff > 0) memory.holdOff--;
  else if (memory.rate < MAX_SPAWN_RATE) memory.rate *= 2;
  return { spawn, end: 0, log };
}

function atLimit(idle: number): MaintenanceActions["log"] {
  return idle === 0
    ? {
      level: "error",
      ah: "AH00484",
      message: "server reached MaxRequestWorkers setting, consider raising the MaxRequestWorkers setting",
    }
    : {
      level: "error",
      ah: "AH10159",
      message:
        "server is within MinSpareThreads of MaxRequestWorkers, consider raising the MaxRequestWorkers setting",
    };
}

function scoreboardFull(): MaintenanceActions["log"] {
  return {
    level: "error",
    ah: "AH03490",
    message: "scoreboard is full, not at MaxRequestWorkers. Increase ServerLimit.",
  };
}

function busy(spawn: number, state: PoolState): MaintenanceActions["log"] {
  return {
    level: "info",
    ah: "AH00486",
    message:
      `server seems busy, (you may need to increase StartServers, ThreadsPerChild or Min/MaxSpareThreads), ` +
      `spawning ${spawn} children, there are around ${state.idle} idle threads, ` +
      `${state.activeChildren} active children, and ${
        state.totalChildren - state.activeChildren
      } children that are shutting down`,
  };
}
