// The mpmt_os2 MPM: a fixed number of children, for redundancy, each with threads that come and go with the load; a thread
// keeps its connection until it is closed.

import { clamp, onDemand } from "./rules/dimension.ts";
import { COMMON_DIRECTIVES, OS2_DIRECTIVES, SPARE_THREADS_DIRECTIVES } from "./rules/directives.ts";
import { maintainFixed } from "./rules/maintenance.ts";
import type { Mpm } from "./types.ts";

const MAX_CHILDREN = 10;
const MAX_THREADS = 256;
const DEFAULT_START = 2;
const DEFAULT_MIN_SPARE = 5;
const DEFAULT_MAX_SPARE = 10;

export const mpmtOs2: Mpm = {
  name: "mpmt_os2",
  title: "mpmt_os2",
  module: "mpm_mpmt_os2_module",
  source: "mpmt_os2.c",
  threaded: "yes (variable thread count)",
  forked: "yes (variable process count)",
  async: false,
  requires: ["descriptor passing", "subprocesses", "web workers", "unix signals"],
  directives: [...COMMON_DIRECTIVES, ...SPARE_THREADS_DIRECTIVES, ...OS2_DIRECTIVES],
  model: "dedicated",
  quota: "process",
  singleProcess: false,
  maintain: maintainFixed,
  replacedByMaintenance: false,
  restartsHard: true,
  messages: { configured: "AH00206", terminated: "AH00201" },

  dimension(settings, machine, warn) {
    const startServers = clamp(
      "StartServers",
      settings.startServers ?? DEFAULT_START,
      1,
      MAX_CHILDREN,
      { low: "AH00213" },
      warn,
    );
    const minSpare = clamp(
      "MinSpareThreads",
      settings.minSpareThreads ?? DEFAULT_MIN_SPARE,
      1,
      MAX_THREADS,
      { low: "AH00215" },
      warn,
    );
    const maxSpare = Math.max(settings.maxSpareThreads ?? DEFAULT_MAX_SPARE, minSpare);
    return {
      // Children that are ending keep their row until they are gone.
      serverLimit: 2 * MAX_CHILDREN,
      processLimit: startServers,
      startServers,
      threads: {
        rule: "os2",
        start: minSpare,
        max: MAX_THREADS,
        minSpare,
        maxSpare,
        interval: 500,
        ...onDemand(settings, minSpare, machine.processors, startServers),
      },
      requestsPerThread: 1,
      minSpare,
      maxSpare,
      maxRequestWorkers: startServers * MAX_THREADS,
      connectionFactor: 1,
    };
  },
};
