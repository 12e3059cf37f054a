// What is a module of this server? Directives for the configuration, and hooks for the phases of a request, under httpd's
// names. A module knows the server's public types and nothing of MPMs or sockets.

import type { Inspect } from "../deno_flags.ts";
import type { ListenAddress, Outgoing, ProxyProtocolPolicy, SecurityPolicy } from "../../mpm/mod.ts";
import type { Scoreboard } from "../../mpm/thread_side.ts";
import type { Identity } from "../../platform/privileges.ts";
import type { ExpressionSubject } from "../config/expression/mod.ts";
import type { ConfigNode, DirectiveRow, DirStore, ServerConfig, Where } from "../config/mod.ts";
import type { Fields, Reply } from "../http/engine/reply.ts";
import type { Http2Support, Service } from "../http/engine/service.ts";
import type { HttpdLevel } from "../log/levels.ts";
import type { LogOpener, OpenedLogs } from "../log/inherited_logs.ts";
import type { Access, USER_WANTED } from "./access.ts";
import type { Exchange } from "./exchange.ts";
import type { InputFilter, OutputFilter } from "./filters/mod.ts";
import type { Part } from "./subrequest.ts";

/** What the server says of itself. */
export interface ServerDescription {
  /** "mpmd/0.1.0 (Unix)" */
  readonly description: string;
  /** "0.1.0" */
  readonly version: string;
  /** As `-V` names it. */
  readonly mpm: string;
  /** The MPM keeps idle connections without a slot. */
  readonly async: boolean;
  /** When this version was made. */
  readonly built: string;
}

/** A log cannot be written; keeps the server from starting. */
export class LogError extends Error {
  override readonly name = "LogError";
}

const REDIRECT = Symbol.for("mpmd internal redirect");

/** What a phase answers with: what is at another target of this server, an encoded path perhaps with a query. */
export class InternalRedirect {
  constructor(readonly target: string) {}

  /** Also for one that another copy of this file has made: a module of a third party may have been written against another than the server runs. */
  static [Symbol.hasInstance](value: unknown): value is InternalRedirect {
    return typeof value === "object" && value !== null && REDIRECT in value;
  }

  get [REDIRECT](): true {
    return true;
  }
}

/** What a module may ask of the thread it runs on. */
export interface ThreadContext {
  readonly server: ServerDescription;
  readonly scoreboard: Scoreboard;
  /** Durations, clients and requests are written to the scoreboard (ExtendedStatus). */
  readonly extendedStatus: boolean;
  readonly config: ServerConfig;
  readonly serverRoot: string;
  /** The directives that the configuration consists of, in its order. */
  readonly nodes: readonly ConfigNode[];
  /** Where the server listens, as its configuration says. */
  readonly listen: readonly ListenAddress[];
  /** What the command line says behind the application: arguments of its own. */
  readonly args: readonly string[];
  /** A debugger is wanted (--inspect). */
  readonly inspect: Inspect | undefined;
  /** Index of this thread in its child. */
  readonly thread: number;
  /** The child of this thread is being replaced, or ends: others take what is new. */
  readonly ending: () => boolean;
  /** The line about the server that ServerSignature puts below pages of its own; "" for none. */
  signatureOf(exchange: Exchange): string;
  /** A request as expressions see it. */
  subjectOf(exchange: Exchange): ExpressionSubject;
  /**
   * What is at another target of this server, for the client of `from`; undefined: so many requests are within each other already.
   * `handler` answers there whatever the configuration says.
   */
  subrequest(from: Exchange, target: string, handler?: string): Promise<Part | undefined>;
  /** The name of the file that `path` (decoded) would lead to, whether there is one or not; undefined: to no file. */
  fileNameOf(from: Exchange, path: string): string | undefined;
  /**
   * Answers with what is at another target of this server, as if the client had asked for that: for a handler that finds this out late
   * and whose answer this is.
   */
  redirect(exchange: Exchange, target: string): Reply | Promise<Reply>;
  /** The event loop has its turns until `promise` is settled, although no request waits for it: a program of ours comes to its end. */
  waitUntil(promise: Promise<unknown>): void;
  /** The output filter of any module that has this name, whatever its case; to be asked once all modules are ready. */
  outputFilter(name: string): OutputFilter | undefined;
  /** What beginProcess() of this module gave; undefined: nothing. */
  readonly shared: unknown;
  /** How this thread connects to other servers; to be asked for when a request is there, not before. */
  readonly outgoing: () => Outgoing;
  /** The logs that openLogs() has opened; for openLogOutput(). */
  readonly logs: OpenedLogs;
  /** Whether log() would write something of this level about a request. */
  wouldLog(level: HttpdLevel, about: Exchange): boolean;
  /** Writes to the error log, as this module; `about`: to that of its host, with its client. */
  log(level: HttpdLevel, ah: string | undefined, message: string, about?: Exchange): void;
}

/** The phases of a request that a module takes part in. The first that answers wins, unless said otherwise. */
export interface ModuleHooks {
  /** Before threadInit(): loads libraries of the system. Later on the thread may have given up FFI. */
  readonly loadLibraries?: (shared: unknown) => void;
  /** Once per thread, before the first request. */
  readonly threadInit?: (context: ThreadContext) => void | Promise<void>;
  /** Which connections begin with a handshake; asked after threadInit(). */
  readonly security?: () => SecurityPolicy | undefined;
  /** Which connections begin with a PROXY header; asked after threadInit(). */
  readonly proxyProtocol?: () => ProxyProtocolPolicy | undefined;
  /** HTTP/2, where a host speaks it; asked after threadInit(). */
  readonly http2?: (service: Service) => Http2Support | undefined;
  /**
   * Whether a request may be made on its connection, once its host is known: a reply ends it. Asked only where the connection is
   * secured, or should have been.
   */
  readonly connectionChecker?: (exchange: Exchange) => Reply | undefined;
  /** The path is known, nothing else: every module is asked. */
  readonly postReadRequest?: (exchange: Exchange) => void;
  /** path -> filename: true when it is known. A reply ends the request. */
  readonly translateName?: (exchange: Exchange) => boolean | Reply;
  /** The values of the place are known: gives them with those of sections of the module's own. */
  readonly placeValues?: (exchange: Exchange) => DirStore;
  /** filename -> file: looks at the file system. A reply ends the request (the file may not be known). */
  readonly mapToStorage?: (exchange: Exchange) => Reply | undefined;
  /** Whether client, method and place go together, whoever the user is. Asked again when the place has changed. */
  readonly accessChecker?: (exchange: Exchange) => Access;
  /**
   * Whether this user, or anybody, may have the resource; where Satisfy is Any, asked only if accessChecker() refuses. It is asked
   * again with `exchange.user` set when it wants a user.
   */
  readonly authChecker?: (exchange: Exchange) => Access | typeof USER_WANTED;
  /** Who the user is: sets `exchange.user`, or refuses. Every module is asked until one has said something (httpd's check_user_id). */
  readonly userChecker?: (exchange: Exchange) => Access;
  /** The WWW-Authenticate field of a place whose AuthType is this module's (httpd's note_auth_failure). */
  readonly challenge?: (exchange: Exchange) => Fields | undefined;
  /** Satisfy, where the configuration says it. */
  readonly satisfies?: (exchange: Exchange) => "any" | "all" | undefined;
  /** Finds out what the file is: media type, handler, and which of several forms. Every module is asked until one replies. */
  readonly typeChecker?: (exchange: Exchange) => Reply | undefined;
  /**
   * After that: index files, redirects, variables. Every module is asked until one replies. `files` is false
   * where the file system has not been looked at (skipsFiles).
   */
  readonly fixups?: (exchange: Exchange, files: boolean) => Reply | InternalRedirect | undefined;
  /** Answers the request, or undefined: the next one may. */
  readonly handler?: (exchange: Exchange) => Reply | Promise<Reply> | InternalRedirect | undefined;
  /** Filters that directives may name. */
  readonly outputFilters?: readonly OutputFilter[];
  readonly inputFilters?: readonly InputFilter[];
  /** Further filters for the answer, behind those that the place names; undefined: none. Every module is asked, before the handler. */
  readonly insertFilter?: (exchange: Exchange) => readonly OutputFilter[] | undefined;
  /** A reply is known: changes its head before its content passes the filters. Every module is asked, in turn. */
  readonly filterReply?: (exchange: Exchange, reply: Reply) => Reply;
  /** A reply is about to be sent: what it says is final but for this (httpd's FIXUP_HEADERS_OUT). Every module is asked, in turn. */
  readonly finishReply?: (exchange: Exchange, reply: Reply) => Reply;
  /** Once the location is known and before anything else is looked at (httpd's quick_handler). */
  readonly quickHandler?: (exchange: Exchange) => Reply | undefined;
  /** True when handler() answers here whatever the file system says: the phases that look at it are left out. */
  readonly skipsFiles?: (exchange: Exchange) => boolean;
  /** True when handler() will read the request body itself. */
  readonly readsBody?: (exchange: Exchange) => boolean;
  /** The response is out (every module is asked). */
  readonly logTransaction?: (exchange: Exchange) => void;
  /** A batch of requests is done, the thread will wait: buffered output goes out. */
  readonly endOfBatch?: () => void;
  /** The thread ends: what is still buffered goes out. */
  readonly threadEnd?: () => void;
}

/** All of them. */
const HOOK_NAMES: Readonly<Record<keyof ModuleHooks, true>> = {
  loadLibraries: true,
  threadInit: true,
  security: true,
  proxyProtocol: true,
  http2: true,
  connectionChecker: true,
  postReadRequest: true,
  translateName: true,
  placeValues: true,
  mapToStorage: true,
  accessChecker: true,
  authChecker: true,
  satisfies: true,
  userChecker: true,
  challenge: true,
  typeChecker: true,
  fixups: true,
  handler: true,
  outputFilters: true,
  inputFilters: true,
  insertFilter: true,
  filterReply: true,
  finishReply: true,
  quickHandler: true,
  skipsFiles: true,
  readsBody: true,
  logTransaction: true,
  endOfBatch: true,
  threadEnd: true,
};

/** True for the name of a hook. */
export function isHookName(name: string): boolean {
  return Object.hasOwn(HOOK_NAMES, name);
}

/** What modules may want to know when they give material. */
export interface MaterialFacts {
  /** Connections are no descriptors in the processes that serve. */
  readonly relayed: boolean;
  /** Ports that `Listen` says are for https, 443 among them. */
  readonly securePorts: ReadonlySet<number>;
}

/** What a process has made of a module's material. */
export interface SharedMaterial {
  readonly shared: unknown;
  /** The process, or this generation of its threads, serves no more. */
  end(): void;
}

/** What a module is told that does something in the control process. */
export interface ControlContext {
  /** Writes to the error log of the main server, as this module. */
  log(level: HttpdLevel, ah: string | undefined, message: string): void;
}

/** What work beside requests may ask for. */
export interface WatchdogContext extends ControlContext {
  /** Where the server listens. */
  readonly listen: readonly ListenAddress[];
  /** Restarts the server gracefully. */
  restart(): void;
}

/** One content module. */
export interface ServerModule {
  /** "dir_module", as LoadModule and IfModule name it. */
  readonly name: string;
  /** "mod_dir.c", as IfModule and -l name it. */
  readonly source: string;
  readonly directives: readonly DirectiveRow[];
  /** In the control process, before anything is started: refuses what cannot work. @throws ConfigError */
  checkConfig?(config: ServerConfig, serverRoot: string): void | Promise<void>;
  /** In the control process, before the material of a configuration is read that is to be run: puts files where they are read. @throws ConfigError */
  prepare?(config: ServerConfig, context: ControlContext): Promise<void>;
  /**
   * In the control process, while a configuration is in force and requests are answered: work beside them (httpd's mod_watchdog). Returns
   * what ends it; undefined: there is none.
   */
  watchdog?(config: ServerConfig, context: WatchdogContext): (() => void) | undefined;
  /**
   * In the control process, whenever a configuration is to be run or tested: what processes that serve need and could not read
   * themselves. Plain data; undefined: nothing. What is not as it
   * should be, and does no harm at once, is warned about. @throws ConfigError
   */
  material?(
    config: ServerConfig,
    facts: MaterialFacts,
    warn: (where: Where, message: string) => void,
  ): unknown;
  /** In a process that serves, before its threads start: what they are given of the material. Plain data. */
  beginProcess?(material: unknown): SharedMaterial;
  /** In the control process, before it starts: opens what the threads will write to. @throws LogError */
  openLogs?(config: ServerConfig, logs: LogOpener): void;
  /** Made once per thread, so that state never crosses threads; none for a configuration that has no use for them cost nothing. */
  hooks?(config: ServerConfig): ModuleHooks;
  /** True when a configuration makes this module run code that needs the event loop of its thread. */
  usesEventLoop?(config: ServerConfig): boolean;
  /** True when a configuration makes this module show what single requests do: ExtendedStatus is On then, unless it says otherwise. */
  usesExtendedStatus?(config: ServerConfig): boolean;
  /**
   * Whom children run as; undefined: as this process. Asked until a module knows. `defines`: names of -D and Define.
   * @throws ArgumentError when nobody may run so
   */
  identity?(config: ServerConfig, defines: readonly string[]): Identity | undefined;
  /** Lines of this module for -S (-D DUMP_RUN_CFG). */
  runSettings?(config: ServerConfig): readonly string[];
  /** The URLs of the programs of users that a configuration has this module run, each once: they are loaded ahead (program_probe.ts). */
  programUrls?(config: ServerConfig, serverRoot: string): string[];
}
