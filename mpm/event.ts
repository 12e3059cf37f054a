// The event MPM: children with a fixed number of threads each; an idle keep-alive connection occupies none of them. The
// listener accepts while a slot is free, threads take what is ready, and what has nothing to do is parked at the listener.

import { dimensionThreaded } from "./rules/dimension.ts";
import {
  CHILD_DIRECTIVES,
  COMMON_DIRECTIVES,
  EVENT_DIRECTIVES,
  THREADED_DIRECTIVES,
} from "./rules/directives.ts";
import { maintainEvent } from "./rules/maintenance.ts";
import type { Mpm } from "./types.ts";

export const event: Mpm = {
  name: "event",
  title: "event",
  module: "mpm_event_module",
  source: "event.c",
  threaded: "yes (fixed thread count)",
  forked: "yes (variable process count)",
  async: true,
  requires: ["descriptor passing", "subprocesses", "web workers", "unix signals"],
  directives: [...COMMON_DIRECTIVES, ...CHILD_DIRECTIVES, ...THREADED_DIRECTIVES, ...EVENT_DIRECTIVES],
  model: "shared",
  quota: "process",
  singleProcess: false,
  maintain: maintainEvent,
  replacedByMaintenance: false,
  restartsHard: true,
  messages: {
    configured: "AH00489",
    terminated: "AH00491",
    stoppedGracefully: "AH00492",
    gracefulRestart: "AH00493",
    hardRestart: "AH00494",
    forkFailed: "AH00481",
    killedInARow: "AH10392",
    sick: "AH02324",
    fixedAtStart: "AH00501",
  },

  /**
   * The defaults follow from the processors, for a thread is a V8 isolate of 8 MB. Threads are added before children: a thread
   * that has work keeps it (one warm thread answers 142,000 requests/s where the same load spread over two processes gets
   * 93,000-100,000 on two processors), and a child that dies is replaced at once.
   */
  dimension(settings, machine, warn) {
    const startServers = Math.max(1, Math.floor(Math.sqrt(machine.processors)));
    return dimensionThreaded(settings, machine, {
      maxServerLimit: 20_000,
      maxThreadLimit: 100_000,
      defaults: {
        startServers,
        threadsPerChild: Math.ceil(machine.processors / startServers),
        children: 2 * (settings.startServers ?? startServers),
        requestsPerThread: 64,
        // A parked connection costs a few hundred bytes here, not a quarter of a megabyte: many per free slot are fine.
        connectionFactor: 128,
      },
      messages: {
        serverLimit: { low: "AH00499", high: "AH00497" },
        threadLimit: { low: "AH00504", high: "AH00502" },
        threadsPerChild: { low: "AH00509", high: "AH00507" },
        startServers: { low: "AH00517" },
        minSpareThreads: { low: "AH00519" },
        tooFewWorkers: "AH00511",
        notAMultiple: "AH00513",
        tooManyServers: "AH00515",
      },
    }, warn);
  },
};
