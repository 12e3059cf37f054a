// Which directives do several MPMs have in common? Each MPM lists those it knows; the rest of the server makes rows of its
// directive table of them when the MPM is loaded.

import { LISTEN_DIRECTIVES } from "./listen_directives.ts";
import { numberDirective } from "./number_directive.ts";
import type { MpmDirective } from "../types.ts";

const asyncRequestWorkerFactor: MpmDirective = {
  name: "AsyncRequestWorkerFactor",
  syntax: "AsyncRequestWorkerFactor factor",
  help: "How many idle connections a free slot allows for beyond the busy ones",
  differs: "httpd's default is 2: here an idle connection costs some bytes.",
  default: "128",
  args: 1,
  apply([arg], settings) {
    const factor = Number(arg);
    if (!(factor > 0) || !Number.isFinite(factor)) {
      throw new Error("AsyncRequestWorkerFactor argument must be a positive number");
    }
    settings.asyncRequestWorkerFactor = factor;
  },
};

/** What every MPM knows. */
export const COMMON_DIRECTIVES: readonly MpmDirective[] = [
  ...LISTEN_DIRECTIVES,
  numberDirective({
    name: "MaxConnectionsPerChild",
    key: "maxConnectionsPerChild",
    help: "Maximum number of connections a particular child serves before ending; 0: no limit",
    min: 0,
    default: "0",
  }),
  numberDirective({
    name: "MaxMemFree",
    key: "maxMemFree",
    help:
      "KiB of resident memory after which a child is replaced, from 131072 on; less, which httpd means for its allocators, is no bound here",
    differs: "httpd bounds what its allocators keep; here resident memory counts.",
    min: 0,
    default: "0",
  }),
  numberDirective({
    name: "ThreadHeapLimit",
    key: "threadHeapLimit",
    help:
      "MB that the heap of one server thread may have (V8's --max-old-space-size): a child with a thread that stays above three quarters of it is replaced; 0: what V8 finds right",
    differs: "httpd has no such directive.",
    min: 0,
    default: "0",
  }),
  numberDirective({
    name: "HandlerTimeout",
    key: "handlerTimeout",
    help: "Seconds after which a child with a thread that is stuck in a handler is replaced; 0: never",
    min: 0,
    default: "60",
  }),
];

const START_SERVERS = numberDirective({
  name: "StartServers",
  key: "startServers",
  help: "Number of child processes launched at server startup",
  differs: "Unset, it is smaller than httpd's: see [MPMs](mpm.md#directives-of-each).",
});

const SERVER_LIMIT = numberDirective({
  name: "ServerLimit",
  key: "serverLimit",
  help: "Maximum number of child processes for this run",
});

const MAX_REQUEST_WORKERS = numberDirective({
  name: "MaxRequestWorkers",
  key: "maxRequestWorkers",
  help: "Maximum number of threads (child processes under prefork) alive at the same time",
  differs: "Unset, it is smaller than httpd's: see [MPMs](mpm.md#directives-of-each).",
});

const THREADS_PER_CHILD = numberDirective({
  name: "ThreadsPerChild",
  key: "threadsPerChild",
  help: "Number of threads each child creates",
  differs: "Unset, it is smaller than httpd's: see [MPMs](mpm.md#directives-of-each).",
});

const THREAD_LIMIT = numberDirective({
  name: "ThreadLimit",
  key: "threadLimit",
  help: "Maximum value of ThreadsPerChild for this run",
});

/** What every MPM with threads knows. */
export const THREAD_DIRECTIVES: readonly MpmDirective[] = [numberDirective({
  name: "ThreadIdleTimeout",
  key: "threadIdleTimeout",
  help:
    "Seconds after which a thread that has nothing to do is ended until it is needed again; 0: all threads are started at once, and stay",
  min: 0,
  default: "120",
})];

/** What the MPMs whose children can finish without time pressure know. */
export const CHILD_DIRECTIVES: readonly MpmDirective[] = [
  START_SERVERS,
  SERVER_LIMIT,
  MAX_REQUEST_WORKERS,
  numberDirective({
    name: "GracefulShutdownTimeout",
    key: "gracefulShutdownTimeout",
    help: "Maximum time in seconds to wait for connections to end on graceful stop; 0: no limit",
    min: 0,
    default: "0",
  }),
];

/** What the MPMs with spare threads know. */
export const SPARE_THREADS_DIRECTIVES: readonly MpmDirective[] = [
  numberDirective({
    name: "MinSpareThreads",
    key: "minSpareThreads",
    help: "Minimum number of idle threads, to handle request spikes",
    differs: "Unset, it is smaller than httpd's: see [MPMs](mpm.md#directives-of-each).",
  }),
  numberDirective({
    name: "MaxSpareThreads",
    key: "maxSpareThreads",
    help: "Maximum number of idle threads",
    differs: "Unset, it is smaller than httpd's: see [MPMs](mpm.md#directives-of-each).",
  }),
];

/** What the MPMs with several children, each with a fixed number of threads, know. */
export const THREADED_DIRECTIVES: readonly MpmDirective[] = [
  THREAD_LIMIT,
  THREADS_PER_CHILD,
  ...SPARE_THREADS_DIRECTIVES,
  ...THREAD_DIRECTIVES,
];

/** What only prefork knows. */
export const PREFORK_DIRECTIVES: readonly MpmDirective[] = [
  numberDirective({
    name: "MinSpareServers",
    key: "minSpareServers",
    help: "Minimum number of idle child server processes",
    default: "5",
  }),
  numberDirective({
    name: "MaxSpareServers",
    key: "maxSpareServers",
    help: "Maximum number of idle child server processes",
    default: "10",
  }),
];

/** What the MPMs know that also work where descriptors cannot be passed. */
export const RELAY_DIRECTIVES: readonly MpmDirective[] = [{
  name: "DescriptorPassing",
  syntax: "DescriptorPassing On|Off",
  help:
    "Off: the listener keeps every connection and relays its bytes to the threads, as it does where descriptors cannot be passed",
  default: "On",
  args: 1,
  apply([arg], settings) {
    if (!/^(on|off)$/i.test(arg)) throw new Error(`DescriptorPassing must be On or Off, not "${arg}"`);
    settings.descriptorPassing = arg.toLowerCase() === "on";
  },
}];

/** What only mpm_winnt knows. */
export const WINNT_DIRECTIVES: readonly MpmDirective[] = [
  THREAD_LIMIT,
  THREADS_PER_CHILD,
  ...THREAD_DIRECTIVES,
];

/** What only mpm_netware knows. */
export const NETWARE_DIRECTIVES: readonly MpmDirective[] = [
  numberDirective({
    name: "StartThreads",
    key: "startThreads",
    help: "Number of threads created on startup",
    differs: "Unset, it is smaller than httpd's: see [MPMs](mpm.md#directives-of-each).",
    default: "8",
  }),
  numberDirective({
    name: "MaxThreads",
    key: "maxThreads",
    help: "Set the maximum number of worker threads",
    differs: "Unset, it is smaller than httpd's: see [MPMs](mpm.md#directives-of-each).",
    default: "64",
  }),
  ...THREAD_DIRECTIVES,
];

/** What only mpmt_os2 knows. */
export const OS2_DIRECTIVES: readonly MpmDirective[] = [START_SERVERS, ...THREAD_DIRECTIVES];

/** What only event knows. */
export const EVENT_DIRECTIVES: readonly MpmDirective[] = [
  asyncRequestWorkerFactor,
  numberDirective({
    name: "RequestsPerThread",
    key: "requestsPerThread",
    help: "Requests that one thread works on at the same time, for handlers that wait; 1: as httpd",
    min: 1,
    default: "64",
  }),
];
