// The worker MPM: children with a fixed number of threads each; a thread keeps its connection until it is closed, the waits
// between two requests included. The listener accepts only while a thread is idle.

import { dimensionThreaded } from "./rules/dimension.ts";
import { CHILD_DIRECTIVES, COMMON_DIRECTIVES, THREADED_DIRECTIVES } from "./rules/directives.ts";
import { maintainWorker } from "./rules/maintenance.ts";
import type { Mpm } from "./types.ts";

/** A thread that waits for its client does nothing: more of them than processors are needed, and each is 8 MB. */
const THREADS_PER_CHILD = 16;
const MAX_CHILDREN = 8;

export const worker: Mpm = {
  name: "worker",
  title: "worker",
  module: "mpm_worker_module",
  source: "worker.c",
  threaded: "yes (fixed thread count)",
  forked: "yes (variable process count)",
  async: false,
  requires: ["descriptor passing", "subprocesses", "web workers", "unix signals"],
  directives: [...COMMON_DIRECTIVES, ...CHILD_DIRECTIVES, ...THREADED_DIRECTIVES],
  model: "dedicated",
  quota: "process",
  singleProcess: false,
  maintain: maintainWorker,
  replacedByMaintenance: false,
  restartsHard: true,
  messages: {
    configured: "AH00292",
    terminated: "AH00295",
    stoppedGracefully: "AH00296",
    gracefulRestart: "AH00297",
    hardRestart: "AH00298",
    forkFailed: "AH00283",
    killedInARow: "AH10393",
    sick: "AH02325",
    fixedAtStart: "AH00304",
  },

  dimension(settings, machine, warn) {
    return dimensionThreaded(settings, machine, {
      maxServerLimit: 20_000,
      maxThreadLimit: 20_000,
      defaults: {
        startServers: Math.max(1, Math.ceil(machine.processors / 8)),
        threadsPerChild: THREADS_PER_CHILD,
        children: MAX_CHILDREN,
        requestsPerThread: 1,
        connectionFactor: 1,
      },
      messages: {
        serverLimit: { low: "AH00302", high: "AH00300" },
        threadLimit: { low: "AH00307", high: "AH00305" },
        threadsPerChild: { low: "AH00312", high: "AH00310" },
        startServers: { low: "AH00320" },
        minSpareThreads: { low: "AH00322" },
        tooFewWorkers: "AH00314",
        notAMultiple: "AH00316",
        tooManyServers: "AH00318",
      },
    }, warn);
  },
};
