// How are the values of the pool directives rounded and clamped? httpd's rules (mpm.md 3.4), with the message numbers of the
// MPM that applies them.

import type { ThreadRange } from "../shared/child_order.ts";
import type { ConfigWarning, Machine, MpmSettings, PoolShape } from "../types.ts";
import { childrenThatFit } from "./memory_rules.ts";
import { warmThreads } from "./threads_on_demand.ts";

/** Where a correction goes. */
export type Warn = (warning: ConfigWarning) => void;

/** The message numbers for a value that is too low, and for one that is too high. */
export interface ClampMessages {
  readonly low?: string;
  readonly high?: string;
}

/** `value`, or the nearest limit with a warning. */
export function clamp(
  name: string,
  value: number,
  min: number,
  max: number,
  { low, high }: ClampMessages,
  warn: Warn,
): number {
  if (value > max) {
    warn({ ah: high, message: `${name} of ${value} exceeds the limit of ${max}, decreasing to ${max}.` });
    return max;
  }
  if (value < min) {
    warn({ ah: low, message: `${name} of ${value} not allowed, increasing to ${min}.` });
    return min;
  }
  return value;
}

/** Threads that have nothing to do are kept for this long (s). */
const DEFAULT_THREAD_IDLE_TIMEOUT = 120;

/** Which threads of a process are started at once: `processes` of them share `processors`. */
export function onDemand(
  settings: MpmSettings,
  threads: number,
  processors: number,
  processes: number,
): Pick<ThreadRange, "warm" | "idleTimeout"> {
  const idleTimeout = (settings.threadIdleTimeout ?? DEFAULT_THREAD_IDLE_TIMEOUT) * 1000;
  return { warm: warmThreads(threads, processors, processes, idleTimeout === 0), idleTimeout };
}

/** A number of threads that does not change. */
export function fixedThreads(
  threads: number,
  started: Pick<ThreadRange, "warm" | "idleTimeout"> = { warm: threads, idleTimeout: 0 },
): ThreadRange {
  return {
    rule: "fixed",
    start: threads,
    max: threads,
    minSpare: 0,
    maxSpare: 0,
    interval: 1000,
    ...started,
  };
}

/** What worker and event differ in. */
export interface ThreadedRules {
  readonly maxServerLimit: number;
  readonly maxThreadLimit: number;
  readonly defaults: {
    readonly startServers: number;
    readonly threadsPerChild: number;
    /** Children that the default of MaxRequestWorkers allows for. */
    readonly children: number;
    readonly requestsPerThread: number;
    readonly connectionFactor: number;
  };
  readonly messages: {
    readonly serverLimit: ClampMessages;
    readonly threadLimit: ClampMessages;
    readonly threadsPerChild: ClampMessages;
    readonly startServers: ClampMessages;
    readonly minSpareThreads: ClampMessages;
    readonly tooFewWorkers: string;
    readonly notAMultiple: string;
    readonly tooManyServers: string;
  };
}

const DEFAULT_SERVER_LIMIT = 16;
const DEFAULT_THREAD_LIMIT = 64;

/** The pool of an MPM with children that have a fixed number of threads each. */
export function dimensionThreaded(
  settings: MpmSettings,
  machine: Machine,
  rules: ThreadedRules,
  warn: Warn,
): PoolShape {
  const { defaults, messages } = rules;
  const serverLimit = clamp(
    "ServerLimit",
    settings.serverLimit ?? DEFAULT_SERVER_LIMIT,
    1,
    rules.maxServerLimit,
    messages.serverLimit,
    warn,
  );
  const threadLimit = clamp(
    "ThreadLimit",
    settings.threadLimit ?? DEFAULT_THREAD_LIMIT,
    1,
    rules.maxThreadLimit,
    messages.threadLimit,
    warn,
  );
  const threads = clamp(
    "ThreadsPerChild",
    settings.threadsPerChild ?? Math.min(defaults.threadsPerChild, threadLimit),
    1,
    threadLimit,
    messages.threadsPerChild,
    warn,
  );
  let startServers = clamp(
    "StartServers",
    settings.startServers ?? defaults.startServers,
    1,
    Infinity,
    messages.startServers,
    warn,
  );
  let maxRequestWorkers = settings.maxRequestWorkers ??
    Math.min(serverLimit, Math.max(childrenThatFit(defaults.children, threads, machine), startServers)) *
      threads;
  if (maxRequestWorkers < threads) {
    warn({
      ah: messages.tooFewWorkers,
      message:
        `MaxRequestWorkers of ${maxRequestWorkers} is less than ThreadsPerChild of ${threads}, increasing to ${threads}.`,
    });
    maxRequestWorkers = threads;
  }
  if (maxRequestWorkers % threads !== 0) {
    const rounded = maxRequestWorkers - maxRequestWorkers % threads;
    warn({
      ah: messages.notAMultiple,
      message:
        `MaxRequestWorkers of ${maxRequestWorkers} is not an integer multiple of ThreadsPerChild of ${threads}, ` +
        `decreasing to nearest multiple ${rounded}, for a maximum of ${rounded / threads} servers.`,
    });
    maxRequestWorkers = rounded;
  }
  let processLimit = maxRequestWorkers / threads;
  if (processLimit > serverLimit) {
    warn({
      ah: messages.tooManyServers,
      message:
        `MaxRequestWorkers of ${maxRequestWorkers} would require ${processLimit} servers and exceed ServerLimit of ` +
        `${serverLimit}, decreasing to ${serverLimit * threads}.`,
    });
    processLimit = serverLimit;
    maxRequestWorkers = serverLimit * threads;
  }
  startServers = Math.min(startServers, processLimit);
  const minSpare = clamp(
    "MinSpareThreads",
    settings.minSpareThreads ?? Math.max(1, threads >> 2),
    1,
    Infinity,
    messages.minSpareThreads,
    warn,
  );
  return {
    serverLimit,
    processLimit,
    startServers,
    threads: fixedThreads(threads, onDemand(settings, threads, machine.processors, startServers)),
    requestsPerThread: settings.requestsPerThread ?? defaults.requestsPerThread,
    minSpare,
    // One child more or less changes the idle threads by this much: a narrower band would flap.
    maxSpare: Math.max(settings.maxSpareThreads ?? startServers * threads, minSpare + threads + 1),
    maxRequestWorkers,
    connectionFactor: settings.asyncRequestWorkerFactor ?? defaults.connectionFactor,
  };
}
