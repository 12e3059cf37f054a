// The prefork MPM: children without threads. Each waits for a connection, serves it to its end, and waits for the next; what
// one does to itself (blocks, leaks, crashes) concerns no other.

import { clamp, fixedThreads } from "./rules/dimension.ts";
import { childrenThatFit } from "./rules/memory_rules.ts";
import { CHILD_DIRECTIVES, COMMON_DIRECTIVES, PREFORK_DIRECTIVES } from "./rules/directives.ts";
import { maintainPrefork } from "./rules/maintenance.ts";
import type { Mpm } from "./types.ts";

const MAX_SERVER_LIMIT = 200_000;
/** A child is a process of some 60 MB: httpd's 256 would be too many for most machines. */
const DEFAULT_WORKERS = 64;
const DEFAULT_START = 5;
const DEFAULT_MIN_SPARE = 5;
const DEFAULT_MAX_SPARE = 10;

export const prefork: Mpm = {
  name: "prefork",
  title: "prefork",
  module: "mpm_prefork_module",
  source: "prefork.c",
  threaded: "no",
  forked: "yes (variable process count)",
  async: false,
  requires: ["descriptor passing", "subprocesses", "unix signals"],
  directives: [...COMMON_DIRECTIVES, ...CHILD_DIRECTIVES, ...PREFORK_DIRECTIVES],
  model: "process",
  quota: "process",
  singleProcess: false,
  maintain: maintainPrefork,
  replacedByMaintenance: true,
  restartsHard: true,
  messages: {
    configured: "AH00163",
    terminated: "AH00169",
    stoppedGracefully: "AH00170",
    gracefulRestart: "AH00171",
    hardRestart: "AH00173",
    forkFailed: "AH00159",
    fixedAtStart: "AH00179",
  },

  dimension(settings, machine, warn) {
    const serverLimit = clamp(
      "ServerLimit",
      settings.serverLimit ?? Math.max(256, settings.maxRequestWorkers ?? 0),
      1,
      MAX_SERVER_LIMIT,
      { low: "AH00177", high: "AH00175" },
      warn,
    );
    const maxRequestWorkers = clamp(
      "MaxRequestWorkers",
      settings.maxRequestWorkers ?? Math.min(childrenThatFit(DEFAULT_WORKERS, 0, machine), serverLimit),
      1,
      serverLimit,
      { low: "AH00182", high: "AH00180" },
      warn,
    );
    const startServers = clamp(
      "StartServers",
      settings.startServers ?? DEFAULT_START,
      1,
      Infinity,
      { low: "AH00184" },
      warn,
    );
    const minSpare = clamp(
      "MinSpareServers",
      settings.minSpareServers ?? DEFAULT_MIN_SPARE,
      1,
      Infinity,
      { low: "AH00186" },
      warn,
    );
    return {
      serverLimit,
      processLimit: maxRequestWorkers,
      startServers: Math.min(startServers, maxRequestWorkers),
      threads: fixedThreads(1),
      requestsPerThread: 1,
      minSpare,
      maxSpare: Math.max(settings.maxSpareServers ?? DEFAULT_MAX_SPARE, minSpare + 1),
      maxRequestWorkers,
      connectionFactor: 1,
    };
  },
};
