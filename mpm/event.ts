// The event MPM: children with a fixed number of threads each; an idle keep-alive connection occupies none of them. The
// listener accepts while a slot is free, threads take what is ready, and what has nothing to do is parked at the listener.

import { runControlProcess } from "./control_process.ts";
import { EVENT_DIRECTIVES, LISTEN_DIRECTIVES, THREADED_DIRECTIVES } from "./directives.ts";
import { maintainEvent } from "./maintenance.ts";
import type { ConfigWarning, Mpm, MpmSettings, PoolShape } from "./types.ts";

const MAX_SERVER_LIMIT = 20_000;
const MAX_THREAD_LIMIT = 100_000;
const DEFAULT_SERVER_LIMIT = 16;
const DEFAULT_THREAD_LIMIT = 64;
const DEFAULT_REQUESTS_PER_THREAD = 64;
/** A parked connection costs a few hundred bytes here, not a quarter of a megabyte: many of them per free slot are fine. */
const DEFAULT_CONNECTION_FACTOR = 128;

type Warn = (warning: ConfigWarning) => void;

/** `value`, or the nearest limit with a warning. */
function clamp(
  name: string,
  value: number,
  min: number,
  max: number,
  low: string,
  high: string,
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

/**
 * httpd's rounding and clamping for event (mpm.md 3.4), with defaults that follow from the processors: a thread is a V8 isolate
 * of 8 MB. Threads are added before children: a thread that has work keeps it (one warm thread answers 142,000 requests/s where
 * the same load spread over two processes gets 93,000-100,000 on two processors), and a child that dies is replaced at once.
 */
function dimension(settings: MpmSettings, cores: number, warn: Warn): PoolShape {
  const serverLimit = clamp(
    "ServerLimit",
    settings.serverLimit ?? DEFAULT_SERVER_LIMIT,
    1,
    MAX_SERVER_LIMIT,
    "AH00499",
    "AH00497",
    warn,
  );
  const threadLimit = clamp(
    "ThreadLimit",
    settings.threadLimit ?? DEFAULT_THREAD_LIMIT,
    1,
    MAX_THREAD_LIMIT,
    "AH00504",
    "AH00502",
    warn,
  );
  const defaultStart = Math.max(1, Math.floor(Math.sqrt(cores)));
  const defaultThreads = Math.ceil(cores / defaultStart);
  const threadsPerChild = clamp(
    "ThreadsPerChild",
    settings.threadsPerChild ?? defaultThreads,
    1,
    threadLimit,
    "AH00509",
    "AH00507",
    warn,
  );
  let startServers = clamp(
    "StartServers",
    settings.startServers ?? defaultStart,
    1,
    Infinity,
    "AH00517",
    "",
    warn,
  );
  let maxRequestWorkers = settings.maxRequestWorkers ??
    Math.min(serverLimit, 2 * startServers) * threadsPerChild;
  if (maxRequestWorkers < threadsPerChild) {
    warn({
      ah: "AH00511",
      message:
        `MaxRequestWorkers of ${maxRequestWorkers} is less than ThreadsPerChild of ${threadsPerChild}, increasing to ${threadsPerChild}.`,
    });
    maxRequestWorkers = threadsPerChild;
  }
  if (maxRequestWorkers % threadsPerChild !== 0) {
    const rounded = maxRequestWorkers - maxRequestWorkers % threadsPerChild;
    warn({
      ah: "AH00513",
      message:
        `MaxRequestWorkers of ${maxRequestWorkers} is not an integer multiple of ThreadsPerChild of ${threadsPerChild}, ` +
        `decreasing to nearest multiple ${rounded}, for a maximum of ${rounded / threadsPerChild} servers.`,
    });
    maxRequestWorkers = rounded;
  }
  let processLimit = maxRequestWorkers / threadsPerChild;
  if (processLimit > serverLimit) {
    warn({
      ah: "AH00515",
      message:
        `MaxRequestWorkers of ${maxRequestWorkers} would require ${processLimit} servers and exceed ServerLimit of ` +
        `${serverLimit}, decreasing to ${serverLimit * threadsPerChild}.`,
    });
    processLimit = serverLimit;
    maxRequestWorkers = serverLimit * threadsPerChild;
  }
  startServers = Math.min(startServers, processLimit);
  const minSpareThreads = clamp(
    "MinSpareThreads",
    settings.minSpareThreads ?? 1,
    1,
    Infinity,
    "AH00519",
    "",
    warn,
  );
  // One child more or less changes the idle threads by this much: a narrower band would flap.
  const maxSpareThreads = Math.max(
    settings.maxSpareThreads ?? startServers * threadsPerChild,
    minSpareThreads + threadsPerChild + 1,
  );
  return {
    serverLimit,
    processLimit,
    startServers,
    threadsPerChild,
    requestsPerThread: settings.requestsPerThread ?? DEFAULT_REQUESTS_PER_THREAD,
    minSpareThreads,
    maxSpareThreads,
    maxRequestWorkers,
    asyncRequestWorkerFactor: settings.asyncRequestWorkerFactor ?? DEFAULT_CONNECTION_FACTOR,
  };
}

export const event: Mpm = {
  name: "event",
  title: "event",
  module: "mpm_event_module",
  source: "event.c",
  threaded: "yes (fixed thread count)",
  forked: "yes (variable process count)",
  async: true,
  requires: ["descriptor passing", "subprocesses", "web workers", "unix signals"],
  directives: [...LISTEN_DIRECTIVES, ...THREADED_DIRECTIVES, ...EVENT_DIRECTIVES],
  dimension,
  run: (host) =>
    runControlProcess({
      mpm: event,
      maintain: maintainEvent,
      messages: {
        configured: "AH00489",
        terminated: "AH00491",
        stoppedGracefully: "AH00492",
        gracefulRestart: "AH00493",
        hardRestart: "AH00494",
        forkFailed: "AH00481",
      },
    }, host),
};
