// What happens when the server is started? The command line is carried out: print something, signal a running server, or run
// one with the MPM that the configuration names.

import {
  allMpms,
  BindError,
  chooseMpm,
  isChild,
  type Mpm,
  type MpmChoice,
  MpmError,
  relays,
  runChild,
  runMpm,
  type RunnableConfig,
  type ServerHost,
  type ThreadModule,
} from "../mpm/mod.ts";
import { type Capabilities, defaultMpm, probe } from "../platform/detect.ts";
import { OrphanReaper } from "../platform/orphans.ts";
import { isRoot, PrivilegeError } from "../platform/privileges.ts";
import { tryIdentity } from "./child_command.ts";
import { ConfigError } from "./config/mod.ts";
import { type Configuration, loadConfiguration } from "./configuration.ts";
import { becomeDaemon, isDaemon, startDaemon } from "./daemon.ts";
import { ErrorLog } from "./log/error_log.ts";
import { isLauncher, launch } from "./launcher.ts";
import { InheritedLogs } from "./log/log_file.ts";
import { MODULES } from "./modules.ts";
import { type Action, type Options, parseOptions, USAGE, UsageError } from "./options.ts";
import { PidFileError, readPid, removePid, runningPid, writePid } from "./pid_file.ts";
import { LogError } from "./request/module.ts";
import { createProgram, type ProgramOrder } from "./program.ts";
import { controlFile, openRemoteControl, sendRemote } from "./remote_control.ts";
import { findSupervisor } from "./systemd.ts";
import { DESCRIPTION } from "./version.ts";

/** The first process of a container looks for orphans this often. */
const REAP_MS = 1000;

const SIGNALS: Readonly<Record<Exclude<Action, "start">, Deno.Signal>> = {
  "stop": "SIGTERM",
  "restart": "SIGHUP",
  "graceful": "SIGUSR1",
  "graceful-stop": "SIGWINCH",
};

const THREAD_MODULE: ThreadModule = {
  worker: new URL("./thread.ts", import.meta.url),
  create: (order) => createProgram(order as ProgramOrder),
};

/** Runs the command line `args` and returns the exit code. `entry` is the module that was started, for children to start too. */
export async function main(args: readonly string[], entry: string): Promise<number> {
  if (isLauncher()) return launch();
  if (isChild()) return await runChild(THREAD_MODULE);
  try {
    const options = parseOptions(args);
    return await carryOut(options, args, entry);
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`mpmd: ${error.message}\n${USAGE}`);
      return 1;
    }
    const known = [ConfigError, MpmError, BindError, PidFileError, LogError, PrivilegeError].some((kind) =>
      error instanceof kind
    );
    if (!known) throw error;
    console.error((error as Error).message);
    if (error instanceof BindError) console.error("no listening sockets available, shutting down");
    if (error instanceof BindError || error instanceof LogError) {
      console.error("AH00015: Unable to open logs");
    }
    return 1;
  }
}

async function carryOut(options: Options, args: readonly string[], entry: string): Promise<number> {
  switch (options.print) {
    case "help":
      console.log(USAGE);
      return 0;
    case "version":
      console.log(`Server version: ${DESCRIPTION}\nServer runtime: Deno ${Deno.version.deno}`);
      return 0;
    case "modules":
      console.log(["Compiled in modules:", ...sources()].join("\n"));
      return 0;
  }
  const capabilities = await probe();
  const configuration = await loadConfiguration(options, entry);
  const choice = chooseMpm(configuration.namedMpms, defaultMpm(), capabilities);
  if (options.print === "settings") {
    printSettings(configuration, choice, capabilities);
    return 0;
  }
  if (options.test) {
    await checkConfinement(entry, configuration, choice.mpm, isOneProcess(options));
    console.error("Syntax OK");
    return 0;
  }
  const { pidFile } = configuration;
  const running = pidFile === undefined ? undefined : runningPid(pidFile);
  if (options.action !== undefined && options.action !== "start") {
    if (running !== undefined) return await tell(running, pidFile!, options.action, capabilities);
    const stale = pidFile === undefined ? undefined : readPid(pidFile);
    if (options.action === "stop" || options.action === "graceful-stop") {
      console.error(`mpmd (${stale === undefined ? "no pid file" : `pid ${stale}?`}) not running`);
      return options.action === "stop" ? 0 : 1;
    }
    console.error("mpmd not running, trying to start");
  } else if (running !== undefined) {
    console.error(`mpmd (pid ${running}) already running`);
    return 0;
  }
  // Without descriptors that outlive their process there is no background to go to: a service manager starts the server.
  const foreground = options.action === undefined || options.defines.includes("FOREGROUND") || isDaemon() ||
    !capabilities["descriptor passing"].available;
  if (!foreground) return await startDaemon(entry, args);
  return await run(options, args, entry, configuration, choice, capabilities);
}

/** Tells a running server what to do: by signal, or where there are none as remote_control.ts says. */
async function tell(
  pid: number,
  pidFile: string,
  action: Exclude<Action, "start">,
  capabilities: Capabilities,
): Promise<number> {
  if (capabilities["unix signals"].available) {
    Deno.kill(pid, SIGNALS[action]);
    return 0;
  }
  if (await sendRemote(controlFile(pidFile), action)) return 0;
  console.error(`mpmd (pid ${pid}) does not answer`);
  return 1;
}

function sources(): string[] {
  return [...MODULES.map(({ source }) => source), ...allMpms().map(({ source }) => source)].map((name) =>
    `  ${name}`
  );
}

function printSettings(
  configuration: Configuration,
  { mpm, reason }: MpmChoice,
  capabilities: Capabilities,
): void {
  console.log([
    `Server version: ${DESCRIPTION}`,
    `Server runtime: Deno ${Deno.version.deno}, V8 ${Deno.version.v8}, TypeScript ${Deno.version.typescript}`,
    `Architecture:   ${Deno.build.arch}`,
    `Server MPM:     ${mpm.title}`,
    `  threaded:     ${mpm.threaded}`,
    `    forked:     ${mpm.forked}`,
    `    chosen:     ${reason}`,
    "Platform:",
    ...Object.entries(capabilities).map(([name, { available, reason }]) =>
      `  ${name}: ${available ? "yes" : "no"} (${reason})`
    ),
    "Server compiled with....",
    ` -D HTTPD_ROOT="${configuration.serverRoot}"`,
    ` -D DEFAULT_PIDLOG="logs/httpd.pid"`,
    ` -D DEFAULT_ERRORLOG="logs/error_log"`,
    ` -D SERVER_CONFIG_FILE="conf/httpd.conf"`,
  ].join("\n"));
}

/** Runs the server in this process until it is stopped. */
async function run(
  options: Options,
  args: readonly string[],
  entry: string,
  configuration: Configuration,
  choice: MpmChoice,
  capabilities: Capabilities,
): Promise<number> {
  await checkConfinement(entry, configuration, choice.mpm, isOneProcess(options));
  const logs = new InheritedLogs(!relays(choice.mpm, configuration.settings));
  const config = configuration.run(logs);
  const log = new ErrorLog(configuration.errorLog, configuration.logLevel, -1);
  const { pidFile } = configuration;
  for (const warning of configuration.warnings) console.error(`WARNING: ${warning}`);
  if (isRoot() && configuration.identity === undefined) {
    log.log("warn", "unixd", undefined, "started by root without User: requests are answered as root");
  }
  const host: ServerHost = {
    config,
    log: (level, ah, message) => log.log(level, choice.mpm.module.replace(/_module$/, ""), ah, message),
    supervisor: findSupervisor((message) => log.log("warn", "systemd", undefined, message)),
    module: THREAD_MODULE,
    description: DESCRIPTION,
    commandLine: ["mpmd", ...args].join(" "),
    onBound: (addresses) => {
      if (pidFile !== undefined) writePid(pidFile);
      announce(configuration, choice, addresses);
      if (isDaemon()) becomeDaemon(configuration.errorLog);
    },
    remote: pidFile === undefined || capabilities["unix signals"].available
      ? undefined
      : (carryOut) => openRemoteControl(controlFile(pidFile), carryOut),
    reload: () => reload(options, entry, choice, log, logs),
    onAdopted: () => logs.closeOthers(),
    onGracefulStop: () => {
      if (pidFile !== undefined) removePid(pidFile);
    },
  };
  if (Deno.pid === 1 && capabilities["descriptor passing"].available) {
    const reaper = new OrphanReaper();
    setInterval(() => reaper.reap(), REAP_MS);
  }
  try {
    return await runMpm(choice.mpm, host, isOneProcess(options));
  } finally {
    if (pidFile !== undefined) removePid(pidFile);
    log.close();
  }
}

function isOneProcess({ defines }: Options): boolean {
  return defines.includes("ONE_PROCESS");
}

/** User and DenoPermissions can be carried out under this MPM. @throws MpmError, PrivilegeError */
async function checkConfinement(
  entry: string,
  { identity, permissions, settings }: Configuration,
  mpm: Mpm,
  oneProcess: boolean,
): Promise<void> {
  if (permissions !== undefined && mpm.model === "process") {
    throw new MpmError(`DenoPermissions: the MPM ${mpm.name} has no threads, which are what it narrows`);
  }
  if (identity === undefined) return;
  if (mpm.singleProcess || oneProcess) {
    throw new MpmError(
      "User: a server without children cannot change to another user; start it as that user",
    );
  }
  if (relays(mpm, settings)) {
    throw new MpmError(
      "User: where connections are relayed children bind ports and open logs themselves: start the server as that user",
    );
  }
  await tryIdentity(entry, identity);
}

function announce(configuration: Configuration, choice: MpmChoice, addresses: readonly string[]): void {
  console.error([
    `${DESCRIPTION}, MPM ${choice.mpm.name} (${choice.reason}), Deno ${Deno.version.deno}`,
    `configuration: ${configuration.source}`,
    `listening on ${addresses.join(" ")}`,
    `control process ${Deno.pid}`,
  ].join("\n"));
}

/** The configuration for a restart; with errors, or with another MPM, the running one stays. */
async function reload(
  options: Options,
  entry: string,
  choice: MpmChoice,
  log: ErrorLog,
  logs: InheritedLogs,
): Promise<RunnableConfig | undefined> {
  const module = choice.mpm.module.replace(/_module$/, "");
  try {
    const configuration = await loadConfiguration(options, entry);
    const chosen = chooseMpm(configuration.namedMpms, defaultMpm(), await probe());
    if (chosen.mpm !== choice.mpm) {
      log.log("crit", module, "AH00534", "Configuration error: The MPM cannot be changed during restart.");
      return undefined;
    }
    await checkConfinement(entry, configuration, choice.mpm, isOneProcess(options));
    const config = configuration.run(logs);
    log.reopen();
    return config;
  } catch (error) {
    if (![ConfigError, MpmError, LogError, PrivilegeError].some((kind) => error instanceof kind)) throw error;
    log.log(
      "crit",
      module,
      undefined,
      `${(error as Error).message.replaceAll("\n", " ")}; the running configuration stays`,
    );
    return undefined;
  }
}
