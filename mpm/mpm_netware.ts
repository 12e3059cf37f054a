// The mpm_netware MPM: one process, no children. Its threads come and go with the load; each keeps its connection until it is
// closed, and ends after MaxConnectionsPerChild of them.

import { clamp, onDemand } from "./rules/dimension.ts";
import {
  COMMON_DIRECTIVES,
  NETWARE_DIRECTIVES,
  RELAY_DIRECTIVES,
  SPARE_THREADS_DIRECTIVES,
} from "./rules/directives.ts";
import { maintainFixed } from "./rules/maintenance.ts";
import type { Mpm } from "./types.ts";

const MAX_MAX_THREADS = 2048;
/** httpd's 50 to 2048 threads of 64 kB would be 8 MB each here. */
const DEFAULT_START = 8;
const DEFAULT_MAX = 64;
const DEFAULT_MIN_SPARE = 4;
const DEFAULT_MAX_SPARE = 16;

export const mpmNetware: Mpm = {
  name: "mpm_netware",
  title: "NetWare",
  module: "mpm_netware_module",
  source: "mpm_netware.c",
  threaded: "yes (variable thread count)",
  forked: "no",
  async: false,
  requires: ["web workers"],
  directives: [...COMMON_DIRECTIVES, ...RELAY_DIRECTIVES, ...SPARE_THREADS_DIRECTIVES, ...NETWARE_DIRECTIVES],
  model: "dedicated",
  quota: "thread",
  singleProcess: true,
  maintain: maintainFixed,
  replacedByMaintenance: false,
  restartsHard: false,
  messages: { configured: "AH00224", terminated: "AH00226", gracefulRestart: "AH00227" },

  dimension(settings, machine, warn) {
    const max = clamp(
      "MaxThreads",
      settings.maxThreads ?? DEFAULT_MAX,
      1,
      MAX_MAX_THREADS,
      { low: "AH00230", high: "AH00228" },
      warn,
    );
    const start = clamp(
      "StartThreads",
      settings.startThreads ?? Math.min(DEFAULT_START, max),
      0,
      Infinity,
      { low: "AH00231" },
      warn,
    );
    const minSpare = clamp(
      "MinSpareThreads",
      settings.minSpareThreads ?? DEFAULT_MIN_SPARE,
      1,
      Infinity,
      { low: "AH00233" },
      warn,
    );
    const maxSpare = Math.max(settings.maxSpareThreads ?? DEFAULT_MAX_SPARE, minSpare + 1);
    // A process without a thread would never look at its listeners: the first one is always there.
    const first = Math.max(1, Math.min(start, max));
    return {
      serverLimit: 1,
      processLimit: 1,
      startServers: 1,
      threads: {
        rule: "netware",
        start: first,
        max,
        minSpare,
        maxSpare,
        interval: 1000,
        ...onDemand(settings, first, machine.processors, 1),
      },
      requestsPerThread: 1,
      minSpare,
      maxSpare,
      maxRequestWorkers: max,
      connectionFactor: 1,
    };
  },
};
