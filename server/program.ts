// What does a server thread need to answer requests? From the data it was posted, the request service with all its modules.

import { beginOfBatch } from "./http/engine/clock.ts";
import type { Outgoing, ThreadProgram } from "../mpm/mod.ts";
import { ChildField, findMpm, openScoreboard, type ThreadOrder } from "../mpm/thread_side.ts";
import { systemTitle } from "../platform/detect.ts";
import { giveUpFfi } from "../platform/posix.ts";
import { HttpConnection } from "./http/engine/connection.ts";
import { CORE_DEFAULTS, coreDir, coreServer } from "./core/config.ts";
import { keepsFfi } from "./core/permissions.ts";
import { prepare } from "./core/default_handler.ts";
import { allowedMethods } from "./core/trace.ts";
import type { Inspect } from "./deno_flags.ts";
import type { ConfigNode, ConfigTree, VirtualServer } from "./config/mod.ts";
import { applyTree, mpmSettings } from "./apply_tree.ts";
import { serverBanner } from "./http/content/mod.ts";
import type { ConnectionSettings } from "./http/engine/service.ts";
import { ErrorLogs } from "./log/error_logs.ts";
import type { OpenedLogs } from "./log/inherited_logs.ts";
import type { HttpdLevel } from "./log/levels.ts";
import { shortModuleName } from "./log/thresholds.ts";
import { modules, setLoadedModules } from "./modules.ts";
import type { Exchange } from "./request/exchange.ts";
import { ExchangeLogSubject } from "./request/log_subject.ts";
import type { ServerModule } from "./request/module.ts";
import { signatureOf } from "./request/error_responses.ts";
import { RequestService } from "./request/service.ts";
import { loadModule, type NamedModule } from "./third_party.ts";
import { BUILT, DESCRIPTION, VERSION } from "./version.ts";

/** The part of a thread's order that is the server's. Plain data. */
export interface ProgramData {
  readonly nodes: readonly ConfigNode[];
  readonly mpm: string;
  readonly serverRoot: string;
  /** Modules of third parties. */
  readonly modules: readonly NamedModule[];
  /** -D and Define, for .htaccess files. */
  readonly defines: ConfigTree["defines"];
  /** The application's own arguments. */
  readonly args: readonly string[];
  /** Whoever asks is a developer: exceptions are explained to clients (--dev, --watch). */
  readonly development: boolean;
  /** The application is debugged. */
  readonly inspect: Inspect | undefined;
  /** The logs that the control process has opened. */
  readonly logs: OpenedLogs;
  /** What modules give to processes that serve (ServerModule.material), by the names of the modules. */
  readonly material: Readonly<Record<string, unknown>>;
  /** What processes make of that for their threads. */
  readonly shared?: Readonly<Record<string, unknown>>;
}

/** What a thread is told, with the server's part of it. */
export type ProgramOrder = ThreadOrder & { readonly program: ProgramData };

/** The program of one thread, or of a process that is its own. @throws whatever a module throws that cannot start */
export async function createProgram(order: ProgramOrder): Promise<ThreadProgram> {
  let outgoing: Outgoing | undefined;
  const { service, security, proxyProtocol, usesEventLoop, onUncaught } = await createService(
    order.program,
    order,
    () => {
      if (outgoing === undefined) throw new Error("no connections to other servers before the thread runs");
      return outgoing;
    },
  );
  // A promise that an application forgot to handle concerns that application: the other requests of this thread go on.
  self.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    onUncaught(event.reason);
  });
  self.addEventListener("error", (event) => {
    event.preventDefault();
    onUncaught(event.error);
  });
  return {
    createHandler: () => new HttpConnection(service),
    security,
    proxyProtocol,
    usesEventLoop,
    get waiting() {
      return service.waiting;
    },
    useOutgoing(made) {
      outgoing = made;
    },
    onFault: onUncaught,
    beginOfBatch,
    endOfBatch: () => service.endOfBatch(),
    endOfThread: () => service.endOfThread(),
  };
}

/** The service of one thread. @throws whatever a module throws that cannot start, an application that does not load for one */
async function createService(data: ProgramData, order: ThreadOrder, outgoing: () => Outgoing) {
  const mpm = findMpm(data.mpm);
  const loadedModules: ServerModule[] = [];
  for (const named of data.modules) loadedModules.push(await loadModule(named));
  setLoadedModules(loadedModules);
  const config = applyTree(data.nodes, data.serverRoot, mpm, {
    defines: data.defines,
    warn: ({ file, line, message }) =>
      errorLogs.main.log("warn", "core", undefined, `${file}:${line}: ${message}`),
  });
  const { serverRoot, logs: opened } = data;
  const errorLogs = new ErrorLogs({ config, serverRoot, opened, thread: order.thread });
  const logAbout = (
    exchange: Exchange,
    level: HttpdLevel,
    module: string,
    ah: string | undefined,
    message: string,
  ) => {
    const { vhost: host, dir } = exchange;
    const subject = () => new ExchangeLogSubject(exchange);
    errorLogs.logAbout({ host, dir, subject }, level, module, ah, message);
  };
  const loaded = modules().map((module) => ({
    name: shortModuleName(module.name),
    hooks: module.hooks?.(config),
    shared: data.shared?.[module.name],
  }));
  const hooks = loaded.flatMap((module) => module.hooks ?? []);
  const tokens = config.main.store.get(coreServer).serverTokens ?? CORE_DEFAULTS.serverTokens;
  const serverField = serverBanner(tokens, { version: VERSION, platform: systemTitle, components: [] });
  const scoreboard = openScoreboard(order.scoreboard);
  const onUncaught = (error: unknown): void => {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    errorLogs.main.log("error", "core", undefined, `uncaught in thread ${order.thread}: ${text}`);
  };
  const extendedStatus = config.main.store.get(coreServer).extendedStatus ??
    modules().some((module) => module.usesExtendedStatus?.(config) === true);
  const service = new RequestService({
    config,
    hooks,
    scoreboard,
    extendedStatus,
    explain: data.development ? (await import("./development/exception_page.ts")).exceptionReply : undefined,
    seeRequestTail: config.main.store.get(coreServer).seeRequestTail ?? CORE_DEFAULTS.seeRequestTail,
    settingsOf: (host) => connectionSettings(host, serverField),
    pathOptions: (host) => ({ ...CORE_DEFAULTS, ...host.store.get(coreServer) }),
    mostRedirects: (host) => host.store.get(coreServer).mostRedirects ?? CORE_DEFAULTS.mostRedirects,
    bodyLimit: (dir) => dir.get(coreDir).limitRequestBody,
    prepare,
    allowedMethods,
    fault: onUncaught,
    serverSoftware: serverField,
    documentRoot: (host) => host.store.get(coreServer).documentRoot,
    log: (level, module, ah, message, about) => logAbout(about, level, module, ah, message),
  });
  for (const { hooks, shared } of loaded) hooks?.loadLibraries?.(shared);
  if (!keepsFfi(config)) giveUpFfi();
  for (const module of loaded) {
    await module.hooks?.threadInit?.({
      server: {
        description: DESCRIPTION,
        version: VERSION,
        mpm: mpm?.title ?? data.mpm,
        async: mpm?.async === true,
        built: BUILT,
      },
      scoreboard,
      extendedStatus,
      config,
      signatureOf: (exchange) => signatureOf(exchange, serverField),
      subjectOf: (exchange) => service.subjectOf(exchange),
      subrequest: (from, target, handler) => service.subrequest(from, target, handler),
      fileNameOf: (from, path) => service.fileNameOf(from, path),
      redirect: (exchange, target) => service.redirect(exchange, target),
      waitUntil: (promise) => service.waitUntil(promise),
      outputFilter: (name) => service.chains.outputFilter(name),
      serverRoot: data.serverRoot,
      nodes: data.nodes,
      listen: config.main.store.get(mpmSettings).listen,
      args: data.args,
      inspect: data.inspect,
      thread: order.thread,
      ending: () => scoreboard.child(order.child, ChildField.Quiescing) !== 0,
      logs: data.logs,
      shared: module.shared,
      outgoing,
      wouldLog: (level, { vhost: host, dir }) => errorLogs.logsAbout({ host, dir }, level, module.name),
      log(level, ah, message, about) {
        if (about === undefined) errorLogs.main.log(level, module.name, ah, message);
        else logAbout(about, level, module.name, ah, message);
      },
    });
  }
  service.http2 = hooks.map(({ http2 }) => http2?.(service)).find((support) => support !== undefined);
  return {
    service,
    proxyProtocol: hooks.map(({ proxyProtocol }) => proxyProtocol?.()).find((policy) => policy !== undefined),
    security: hooks.map(({ security }) => security?.()).find((policy) => policy !== undefined),
    usesEventLoop: modules().some(({ usesEventLoop }) => usesEventLoop?.(config) === true),
    onUncaught,
  };
}

function connectionSettings(host: VirtualServer, serverField: string): ConnectionSettings {
  const values = { ...CORE_DEFAULTS, ...host.store.get(coreServer) };
  const { limitRequestLine, limitRequestFieldSize, limitRequestFields } = values;
  const { strict, allow09, lenientMethods, registeredMethods } = values;
  return {
    timeout: values.timeout,
    keepAlive: values.keepAlive,
    keepAliveTimeout: values.keepAliveTimeout,
    maxKeepAliveRequests: values.maxKeepAliveRequests,
    headTimeout: values.headTimeout,
    bodyTimeout: values.bodyTimeout,
    parser: {
      limitRequestLine,
      limitRequestFieldSize,
      limitRequestFields,
      strict,
      allow09,
      lenientMethods,
      registeredMethods,
    },
    serverField,
  };
}
