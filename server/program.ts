// What does a server thread need to answer requests? From the data it was posted, the request service with all its modules.

import { findMpm, openScoreboard, type ThreadOrder, type ThreadProgram } from "../mpm/mod.ts";
import { keepsFfi } from "../modules/app/mod.ts";
import { systemTitle } from "../platform/detect.ts";
import { giveUpFfi } from "../platform/posix.ts";
import { HttpConnection } from "./http/engine/connection.ts";
import { CORE_DEFAULTS, coreDir, coreServer } from "../modules/core/config.ts";
import { prepare } from "../modules/core/default_handler.ts";
import { showsStatus } from "../modules/status/mod.ts";
import type { ConfigNode, ConfigTree, VirtualServer } from "./config/mod.ts";
import { applyTree } from "./apply_tree.ts";
import { serverBanner } from "./http/content/mod.ts";
import type { ConnectionSettings } from "./http/engine/service.ts";
import { ErrorLog } from "./log/error_log.ts";
import { type LogDescriptors, logOutput } from "./log/log_file.ts";
import { writeAll, type WriteLine } from "./log/sinks.ts";
import { MODULES } from "./modules.ts";
import { RequestService } from "./request/service.ts";
import { BUILT, DESCRIPTION, VERSION } from "./version.ts";

/** The part of a thread's order that is the server's. Plain data. */
export interface ProgramData {
  readonly nodes: readonly ConfigNode[];
  readonly mpm: string;
  readonly serverRoot: string;
  /** -D and Define, for .htaccess files. */
  readonly defines: ConfigTree["defines"];
  /** Absolute. */
  readonly errorLog: string;
  readonly logLevel: readonly string[];
  /** The logs that the control process has opened. */
  readonly logs: LogDescriptors;
}

/** What a thread is told, with the server's part of it. */
export type ProgramOrder = ThreadOrder & { readonly program: ProgramData };

/** The program of one thread, or of a process that is its own. @throws whatever a module throws that cannot start */
export async function createProgram(order: ProgramOrder): Promise<ThreadProgram> {
  const { service, usesEventLoop, onUncaught } = await createService(order.program, order);
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
    usesEventLoop,
    onFault: onUncaught,
    endOfBatch: () => service.endOfBatch(),
  };
}

/** The service of one thread. @throws whatever a module throws that cannot start, an application that does not load for one */
async function createService(data: ProgramData, order: ThreadOrder) {
  const mpm = findMpm(data.mpm);
  const errorLog = new ErrorLog(errorLogTarget(data), data.logLevel, order.thread);
  const config = applyTree(data.nodes, data.serverRoot, mpm, {
    defines: data.defines,
    warn: ({ file, line, message }) => errorLog.log("warn", "core", undefined, `${file}:${line}: ${message}`),
  });
  const hooks = MODULES.flatMap((module) => module.hooks?.() ?? []);
  const tokens = config.main.store.get(coreServer).serverTokens ?? CORE_DEFAULTS.serverTokens;
  const serverField = serverBanner(tokens, { version: VERSION, platform: systemTitle, components: [] });
  const scoreboard = openScoreboard(order.scoreboard);
  const service = new RequestService({
    config,
    hooks,
    scoreboard,
    extendedStatus: config.main.store.get(coreServer).extendedStatus ?? showsStatus(config),
    settingsOf: (host) => connectionSettings(host, serverField),
    pathOptions: (host) => ({ ...CORE_DEFAULTS, ...host.store.get(coreServer) }),
    bodyLimit: (dir) => dir.get(coreDir).limitRequestBody,
    prepare,
    serverSoftware: serverField,
    documentRoot: (host) => host.store.get(coreServer).documentRoot,
    log: (level, ah, message, client) =>
      errorLog.log(level, "core", ah, message, {
        client: client.address === "unix" ? "unix" : `${client.address}:${client.port}`,
      }),
  });
  if (!keepsFfi(config)) giveUpFfi();
  for (const { threadInit } of hooks) {
    await threadInit?.({
      server: {
        description: DESCRIPTION,
        mpm: mpm?.title ?? data.mpm,
        async: mpm?.async === true,
        built: BUILT,
      },
      scoreboard,
      config,
      subjectOf: (exchange) => service.subjectOf(exchange),
      serverRoot: data.serverRoot,
      thread: order.thread,
      logs: data.logs,
      log: (level, ah, message) => errorLog.log(level, "core", ah, message),
    });
  }
  return {
    service,
    usesEventLoop: MODULES.some(({ usesEventLoop }) => usesEventLoop?.(config) === true),
    onUncaught(error: unknown): void {
      const text = error instanceof Error ? error.stack ?? error.message : String(error);
      errorLog.log("error", "core", undefined, `uncaught in thread ${order.thread}: ${text}`);
    },
  };
}

function errorLogTarget({ errorLog, logs }: ProgramData): string | WriteLine {
  if (errorLog === "/dev/stderr") return errorLog;
  const output = logOutput(errorLog, logs);
  return (line) => writeAll(output, line);
}

function connectionSettings(host: VirtualServer, serverField: string): ConnectionSettings {
  const values = { ...CORE_DEFAULTS, ...host.store.get(coreServer) };
  const { limitRequestLine, limitRequestFieldSize, limitRequestFields, strict, allow09, lenientMethods } =
    values;
  return {
    timeout: values.timeout,
    keepAlive: values.keepAlive,
    keepAliveTimeout: values.keepAliveTimeout,
    maxKeepAliveRequests: values.maxKeepAliveRequests,
    headTimeout: values.headTimeout,
    bodyTimeout: values.bodyTimeout,
    parser: { limitRequestLine, limitRequestFieldSize, limitRequestFields, strict, allow09, lenientMethods },
    serverField,
  };
}
