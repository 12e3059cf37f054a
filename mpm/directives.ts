// Which directives do several MPMs have in common? Each MPM lists those it knows; the rest of the server makes rows of its
// directive table of them when the MPM is loaded.

import type { ListenAddress, MpmDirective, MpmSettings } from "./types.ts";

/** Settings that are one whole number. */
type NumberSetting = Exclude<
  { [K in keyof MpmSettings]-?: MpmSettings[K] extends number | undefined ? K : never }[keyof MpmSettings],
  "listen"
>;

interface NumberRow {
  readonly name: string;
  readonly key: NumberSetting;
  readonly help: string;
  readonly min?: number;
  readonly default?: string;
}

function numberDirective({ name, key, help, min, default: value }: NumberRow): MpmDirective {
  return {
    name,
    syntax: `${name} number`,
    help,
    default: value,
    args: 1,
    apply([arg], settings) {
      if (!/^-?\d{1,9}$/.test(arg)) throw new Error(`${name} must be a whole number, not "${arg}"`);
      const number = Number(arg);
      if (min !== undefined && number < min) throw new Error(`${name} must be ${min} or more, not ${arg}`);
      settings[key] = number;
    },
  };
}

/** `[host:]port` of a Listen line. @throws Error with httpd's reasons */
export function parseListenAddress(address: string): { host: string; port: number } {
  const found = /^(?:(\*|\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^:[\]]+):)?(\d{1,5})$/.exec(address);
  if (found === null) {
    throw new Error(
      /^[^:]*$/.test(address) ? "Port must be specified" : `Invalid address or port: "${address}"`,
    );
  }
  const port = Number(found[2]);
  if (port < 1 || port > 65535) throw new Error("Port must be specified, from 1 to 65535");
  const host = found[1] ?? "";
  return { host: host === "*" ? "" : host.replace(/^\[|\]$/g, ""), port };
}

const listen: MpmDirective = {
  name: "Listen",
  syntax: "Listen [IP-address:]portnumber [protocol]",
  help: "A port number or a numeric IP address and a port number to listen on",
  args: [1, 2],
  apply([address, protocol], settings) {
    const { host, port } = parseListenAddress(address);
    if (settings.listen.some((other) => other.host === host && other.port === port)) {
      throw new Error(`Cannot define multiple Listeners on the same IP:port ${address}`);
    }
    const spoken = (protocol ?? (port === 443 ? "https" : "http")).toLowerCase();
    const added: ListenAddress = { host, port, protocol: spoken };
    settings.listen.push(added);
  },
};

const asyncRequestWorkerFactor: MpmDirective = {
  name: "AsyncRequestWorkerFactor",
  syntax: "AsyncRequestWorkerFactor factor",
  help: "How many idle connections a free slot allows for beyond the busy ones",
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

/** What every MPM that listens knows. */
export const LISTEN_DIRECTIVES: readonly MpmDirective[] = [
  listen,
  numberDirective({
    name: "ListenBacklog",
    key: "listenBacklog",
    help: "Maximum length of the queue of pending connections, as used by listen(2)",
    min: 1,
    default: "511",
  }),
  numberDirective({
    name: "MaxConnectionsPerChild",
    key: "maxConnectionsPerChild",
    help: "Maximum number of connections a particular child serves before ending; 0: no limit",
    min: 0,
    default: "0",
  }),
  numberDirective({
    name: "HandlerTimeout",
    key: "handlerTimeout",
    help:
      "Seconds after which a server thread that is stuck in a handler is terminated and replaced; 0: never (mpmd only)",
    min: 0,
    default: "60",
  }),
];

/** What the MPMs with several children, each with a fixed number of threads, know. */
export const THREADED_DIRECTIVES: readonly MpmDirective[] = [
  numberDirective({
    name: "StartServers",
    key: "startServers",
    help: "Number of child processes launched at server startup",
  }),
  numberDirective({
    name: "ServerLimit",
    key: "serverLimit",
    help: "Maximum number of child processes for this run",
    default: "16",
  }),
  numberDirective({
    name: "ThreadLimit",
    key: "threadLimit",
    help: "Maximum value of ThreadsPerChild for this run",
    default: "64",
  }),
  numberDirective({
    name: "ThreadsPerChild",
    key: "threadsPerChild",
    help: "Number of threads each child creates",
  }),
  numberDirective({
    name: "MinSpareThreads",
    key: "minSpareThreads",
    help: "Minimum number of idle threads, to handle request spikes",
  }),
  numberDirective({
    name: "MaxSpareThreads",
    key: "maxSpareThreads",
    help: "Maximum number of idle threads",
  }),
  numberDirective({
    name: "MaxRequestWorkers",
    key: "maxRequestWorkers",
    help: "Maximum number of threads alive at the same time",
  }),
  numberDirective({
    name: "GracefulShutdownTimeout",
    key: "gracefulShutdownTimeout",
    help: "Maximum time in seconds to wait for connections to end on graceful stop; 0: no limit",
    min: 0,
    default: "0",
  }),
];

/** What only event knows. */
export const EVENT_DIRECTIVES: readonly MpmDirective[] = [
  asyncRequestWorkerFactor,
  numberDirective({
    name: "RequestsPerThread",
    key: "requestsPerThread",
    help:
      "Requests that one thread works on at the same time, for handlers that wait; 1: as httpd (mpmd only)",
    min: 1,
    default: "64",
  }),
];
