// What is an MPM to the rest of the server? Its description, its directives, and the function that runs the server with it.

import type { Scoreboard } from "./shared/scoreboard.ts";
import type { Identity } from "../platform/privileges.ts";
import type { ConnectionModel, ConnectionQuota, ThreadRange } from "./shared/child_order.ts";
import type { Maintain } from "./rules/maintenance.ts";
import type { RemoteControl } from "./control/server_signals.ts";
import type { ThreadModule } from "./child/serving.ts";

/** The names of httpd's six MPMs. */
export type MpmName = "prefork" | "worker" | "event" | "mpm_winnt" | "mpm_netware" | "mpmt_os2";

/** Something the operating system (or Deno's permissions) must provide. */
export type Capability = "descriptor passing" | "subprocesses" | "web workers" | "unix signals" | "users";

/** httpd's log levels as far as MPMs use them. */
const LOG_LEVELS = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** True for the name of a level. */
export function isLogLevel(value: unknown): value is LogLevel {
  return LOG_LEVELS.some((level) => level === value);
}

/** A `Listen` line with an address and a port, after parsing. */
export interface TcpAddress {
  /** IPv4 or IPv6 address (with `%zone`), name, or "" for every address. */
  readonly host: string;
  readonly port: number;
  /** Lower case: "http", "https", … */
  readonly protocol: string;
}

/** A `Listen` line with a Unix-domain socket. */
export interface UnixAddress {
  readonly path: string;
  /** Permissions of the file, 0 to 0o777. */
  readonly mode: number;
  readonly protocol: string;
}

/** A `Listen` line after parsing. */
export type ListenAddress = TcpAddress | UnixAddress;

/** The values of the MPM directives; undefined where the configuration is silent. */
export interface MpmSettings {
  listen: ListenAddress[];
  listenBacklog?: number;
  /** Bytes; 0: what the system finds right. */
  sendBufferSize?: number;
  receiveBufferSize?: number;
  /** AcceptFilter: for each protocol, whether connections are kept back until they have data. */
  acceptFilters?: Readonly<Record<string, boolean>>;
  listenCoresBucketsRatio?: number;
  serverLimit?: number;
  threadLimit?: number;
  startServers?: number;
  threadsPerChild?: number;
  requestsPerThread?: number;
  startThreads?: number;
  maxThreads?: number;
  minSpareServers?: number;
  maxSpareServers?: number;
  minSpareThreads?: number;
  maxSpareThreads?: number;
  maxRequestWorkers?: number;
  asyncRequestWorkerFactor?: number;
  maxConnectionsPerChild?: number;
  maxMemFree?: number;
  /** MB. */
  threadHeapLimit?: number;
  gracefulShutdownTimeout?: number;
  handlerTimeout?: number;
  /** Seconds; 0: all threads are started at once. */
  threadIdleTimeout?: number;
  /** False: connections are relayed though they could be passed. */
  descriptorPassing?: boolean;
}

/** What there is to use: the machine, or what its container or control group may use of it. */
export interface Machine {
  readonly processors: number;
  /** Bytes; undefined: not known. */
  readonly memory: number | undefined;
}

/** A directive that an MPM brings along; the configuration makes a row of its table of it. */
export interface MpmDirective {
  readonly name: string;
  readonly syntax: string;
  readonly help: string;
  readonly default?: string;
  /** What is not as in httpd, in whole sentences. */
  readonly differs?: string;
  /** Number of arguments: exact, or least and most. */
  readonly args: number | readonly [number, number];
  /** @throws Error whose message says what was expected */
  apply(args: readonly string[], settings: MpmSettings): void;
}

/** How the pool of an MPM is dimensioned, after rounding and clamping. */
export interface PoolShape {
  /** The most children at once, those that are ending included (rows of the scoreboard). */
  readonly serverLimit: number;
  /** The most children that serve. */
  readonly processLimit: number;
  readonly startServers: number;
  /** The threads of one child; one "thread" where the child is its own. */
  readonly threads: ThreadRange;
  readonly requestsPerThread: number;
  /** Spare threads of all children together, spare children under prefork. */
  readonly minSpare: number;
  readonly maxSpare: number;
  /** The most threads (children under prefork) that serve. */
  readonly maxRequestWorkers: number;
  /** Idle connections that a free slot allows for. */
  readonly connectionFactor: number;
}

/** A value that had to be corrected: httpd's message number and the text. */
export interface ConfigWarning {
  readonly ah: string | undefined;
  readonly message: string;
}

/** How one writes to the server's error log. */
export type LogFunction = (level: LogLevel, ah: string | undefined, message: string) => void;

/** How a process is started: an executable, its arguments, and variables for it beside the inherited ones. */
export interface ChildCommand {
  readonly executable: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** A configuration that has been read and checked, ready to be run. */
export interface RunnableConfig {
  readonly settings: MpmSettings;
  readonly childCommand: ChildCommand;
  /** Whom children run as, if not as the control process. */
  readonly identity: Identity | undefined;
  /** What the server threads need, to be posted to them; plain data. */
  readonly program: unknown;
  /** What server threads may do at their start, if not everything; MPMs with threads only. */
  readonly permissions: Deno.PermissionOptionsObject | undefined;
  /** How long a new connection may stay silent, in ms (RequestReadTimeout, TimeOut). */
  readonly firstRequestMs: number;
}

/** What a server shows to who supervises it. */
export interface ServerView {
  readonly scoreboard: Scoreboard;
  /** Something serves, and moves. `ms`: who asks wants to know within this time when it does not. */
  isAnswering(ms: number): boolean;
}

/** Who supervises the server (a service manager). */
export interface Supervisor {
  /** The server begins; from now on it may be looked at. */
  watch(view: ServerView): void;
  /** It serves by the configuration in force; also after a restart that came to nothing. Said again, it means nothing. */
  ready(): void;
  reloading(): void;
  /** What was loaded for a restart does not serve: a child has ended before any was ready. The old one serves, and it is tried again. */
  failing(): void;
  stopping(): void;
}

/** What the server provides to the MPM it runs. */
export interface ServerHost {
  readonly config: RunnableConfig;
  readonly log: LogFunction;
  /** What server threads run. */
  readonly module: ThreadModule;
  /** The listening sockets are bound; children are started next, and inherit what standard output and error are then. */
  onBound(addresses: readonly string[]): void;
  /** Requests are answered: the first child, or this process, is ready. Once. */
  onServing(): void;
  /** Reads the configuration anew for a restart. A configuration with errors is reported there and undefined returned. */
  reload(): Promise<RunnableConfig | undefined>;
  /** What reload() gave is in force from now on: nothing is started any more by the configuration before it. */
  onAdopted(): void;
  readonly supervisor: Supervisor;
  /** A generation that does not start is tried again until it does; false: there will be another restart. */
  readonly keepsTrying: boolean;
  /** The server text of the start message: "mpmd/0.1.0 (Unix)". */
  readonly description: string;
  readonly commandLine: string;
  /** Ways other than signals in which the actions of -k come. */
  readonly remotes: readonly RemoteControl[];
  /** Called when a graceful stop begins: the pid file goes away at once. */
  onGracefulStop(): void;
}

/** httpd's message numbers for what every MPM says; undefined where an MPM has no such thing, or no number for it. */
export interface MpmMessages {
  readonly configured: string;
  readonly terminated: string;
  readonly stoppedGracefully?: string;
  readonly gracefulRestart?: string;
  readonly hardRestart?: string;
  readonly forkFailed?: string;
  /** Several children in a row were killed. */
  readonly killedInARow?: string;
  /** A child lacked resources before any child of its generation was complete. */
  readonly sick?: string;
  /** ServerLimit, or the size of a child, cannot change during a restart. */
  readonly fixedAtStart?: string;
}

/** One Multi-Processing Module: its policy, as data for the machinery that all of them share. */
export interface Mpm {
  readonly name: MpmName;
  /** As `-V` prints it after "Server MPM:". */
  readonly title: string;
  /** Module identifier for LoadModule and IfModule. */
  readonly module: string;
  /** Source name for `-l` and IfModule. */
  readonly source: string;
  readonly threaded: "no" | "yes (fixed thread count)" | "yes (variable thread count)";
  readonly forked: "no" | "yes (variable process count)";
  /** Idle connections wait without occupying a slot. */
  readonly async: boolean;
  readonly requires: readonly Capability[];
  readonly directives: readonly MpmDirective[];
  readonly model: ConnectionModel;
  readonly quota: ConnectionQuota;
  /** There are no children: the process that is started serves. */
  readonly singleProcess: boolean;
  readonly messages: MpmMessages;
  /** How many children there should be. */
  readonly maintain: Maintain;
  /** A child that a signal ended is replaced when maintenance says so, not at once. */
  readonly replacedByMaintenance: boolean;
  /** HUP cuts connections; else every restart is graceful. */
  readonly restartsHard: boolean;
  /** Rounds and clamps what the configuration says, reporting each correction as httpd does. */
  dimension(settings: MpmSettings, machine: Machine, warn: (warning: ConfigWarning) => void): PoolShape;
}
