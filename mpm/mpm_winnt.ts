// The mpm_winnt MPM: a control process and exactly one child with a fixed number of threads; a thread keeps its connection
// until it is closed. Nothing grows or shrinks. When the child has served its share, another is ready before it leaves.

import { clamp, fixedThreads, onDemand } from "./rules/dimension.ts";
import { COMMON_DIRECTIVES, RELAY_DIRECTIVES, WINNT_DIRECTIVES } from "./rules/directives.ts";
import { maintainFixed } from "./rules/maintenance.ts";
import type { Mpm } from "./types.ts";

const MAX_THREAD_LIMIT = 15_000;
const DEFAULT_THREAD_LIMIT = 1920;
/** httpd's 64 threads would be half a gigabyte here. */
const DEFAULT_THREADS = 16;
/** The child, its successor, and predecessors that still finish what they have. */
const ROWS = 4;

export const mpmWinnt: Mpm = {
  name: "mpm_winnt",
  title: "WinNT",
  module: "mpm_winnt_module",
  source: "mpm_winnt.c",
  threaded: "yes (fixed thread count)",
  forked: "no",
  async: false,
  requires: ["subprocesses", "web workers"],
  directives: [...COMMON_DIRECTIVES, ...RELAY_DIRECTIVES, ...WINNT_DIRECTIVES],
  model: "dedicated",
  quota: "renewal",
  singleProcess: false,
  maintain: maintainFixed,
  replacedByMaintenance: false,
  restartsHard: false,
  messages: {
    configured: "AH00455",
    terminated: "AH00422",
    gracefulRestart: "AH00424",
    fixedAtStart: "AH00443",
  },

  dimension(settings, machine, warn) {
    const threadLimit = clamp(
      "ThreadLimit",
      settings.threadLimit ?? DEFAULT_THREAD_LIMIT,
      1,
      MAX_THREAD_LIMIT,
      { low: "AH00441", high: "AH00439" },
      warn,
    );
    const threads = clamp(
      "ThreadsPerChild",
      settings.threadsPerChild ?? Math.min(DEFAULT_THREADS, threadLimit),
      1,
      threadLimit,
      { low: "AH00446", high: "AH00444" },
      warn,
    );
    return {
      serverLimit: ROWS,
      processLimit: 1,
      startServers: 1,
      threads: fixedThreads(threads, onDemand(settings, threads, machine.processors, 1)),
      requestsPerThread: 1,
      minSpare: 0,
      maxSpare: threads,
      maxRequestWorkers: threads,
      connectionFactor: 1,
    };
  },
};
