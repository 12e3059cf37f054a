// What happens when the server is started? The command line is carried out: print something, signal a running server, or run
// one with the MPM that the configuration names.

import {
  BindError,
  type CarryOut,
  chooseMpm,
  isChild,
  type MpmChoice,
  MpmError,
  relays,
  runChild,
  runMpm,
  type ServerHost,
  type ThreadModule,
} from "../mpm/mod.ts";
import { type Capabilities, defaultMpm, probe } from "../platform/detect.ts";
import { OrphanReaper } from "../platform/orphans.ts";
import { isRoot, PrivilegeError } from "../platform/privileges.ts";
import { BundleError } from "./bundle.ts";
import { buildSettings, compiledModules } from "./build_settings.ts";
import { checkConfinement } from "./checks.ts";
import { ConfigError } from "./config/mod.ts";
import {
  type Configuration,
  defaultServerRoot,
  loadConfiguration,
  type ModuleLine,
} from "./configuration.ts";
import { ProgramWatch } from "./development/program_watch.ts";
import { findOwner, type Owner } from "./embedding/owner.ts";
import { redirectOutput, startDaemon, StarterPipe } from "./daemon.ts";
import { trustText } from "./development/trust.ts";
import { directiveText, listDirectives } from "./directive_list.ts";
import { dumpText } from "./dumps.ts";
import { launch } from "./launcher.ts";
import type { ErrorLogs } from "./log/error_logs.ts";
import { InheritedLogs } from "./log/inherited_logs.ts";
import { severity } from "./log/levels.ts";
import { LogCheck } from "./log_check.ts";
import { type Options, parseOptions, USAGE, UsageError } from "./options.ts";
import { PidFileError, removePid, writePid } from "./pid_file.ts";
import { LogError } from "./request/module.ts";
import { PROBE_VARIABLE } from "./probe_order.ts";
import { isDaemon, isLauncher } from "./process_kind.ts";
import { ProbeError } from "./program_probe.ts";
import { controlFile, openRemoteControl } from "./remote_control.ts";
import { findingsText, type ProvenConfiguration, provePrograms } from "./served_programs.ts";
import { actOnRunning } from "./running_server.ts";
import { StartupLog } from "./startup_log.ts";
import { Supervisors } from "./supervisors.ts";
import { findSupervisor } from "./systemd.ts";
import { DESCRIPTION, VERSION_LINES } from "./version.ts";
import { Watchdogs } from "./watchdogs.ts";

/** The first process of a container looks for orphans this often. */
const REAP_MS = 1000;

/** Errors that are told as they are: whoever started the server can do something about them. */
const TOLD = [
  ConfigError,
  MpmError,
  BindError,
  PidFileError,
  LogError,
  PrivilegeError,
  BundleError,
  ProbeError,
  UsageError,
];

/** What an entry knows and the server does not: what stands above both it and the modules. */
export interface Entry {
  /** What server threads run. */
  readonly threads: ThreadModule;
  /** Loads a program ahead in this process (program_probe.ts), which ends with that. */
  runProbe(): Promise<void>;
  /** The URL of the application that was compiled with the server. */
  readonly program?: string;
  /** Why the server does not run from its bundle, where it should. */
  readonly reason?: string;
}

/**
 * Runs the command line `args` and returns the exit code. `entry` is the module that was started, for children to start too. Modules have
 * been handed in (setModules).
 */
export async function main(
  args: readonly string[],
  entry: string,
  { threads, runProbe, program, reason }: Entry,
): Promise<number> {
  if (isLauncher()) return launch();
  if (Deno.env.has(PROBE_VARIABLE)) {
    await runProbe();
    // The event loop ends with the program, or the probe with its result.
    return await new Promise<never>(() => {});
  }
  if (isChild()) return await runChild(threads);
  const owner = await findOwner();
  let options: Options;
  try {
    options = parseOptions(args, program);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`mpmd: ${error.message}\n${USAGE}`);
    await owner?.failed(error.message);
    return 1;
  }
  const startup = new StartupLog(options.startupLevel, options.startupLog);
  if (reason !== undefined) startup.say("info", reason);
  try {
    const code = await carryOut({ options, args, entry, threads, startup, owner });
    await owner?.failed();
    return code;
  } catch (error) {
    if (!isTold(error)) throw error;
    startup.say("emerg", error.message);
    await owner?.failed(error.message);
    if (error instanceof BindError) startup.say("emerg", "no listening sockets available, shutting down");
    if (error instanceof BindError || error instanceof LogError) {
      startup.say(
        "emerg",
        options.test ? "AH00014: Configuration check failed" : "AH00015: Unable to open logs",
      );
    }
    return 1;
  }
}

function isTold(error: unknown): error is Error {
  return TOLD.some((kind) => error instanceof kind);
}

/** One start of this program. */
interface Start {
  readonly options: Options;
  readonly args: readonly string[];
  readonly entry: string;
  readonly threads: ThreadModule;
  readonly startup: StartupLog;
  /** Of a server that a program has started by serve(). */
  readonly owner: Owner | undefined;
}

async function carryOut(start: Start): Promise<number> {
  const { options, args, entry, startup } = start;
  switch (options.print) {
    case "help":
      console.log(USAGE);
      return 0;
    case "usage":
      console.error(USAGE);
      return 1;
    case "version":
      console.log(VERSION_LINES.join("\n"));
      return 0;
    case "modules":
      console.log(compiledModules());
      return 0;
    case "settings":
      return await printSettings(start);
  }
  const capabilities = await probe();
  const configuration = await loadConfiguration(options, entry);
  const choice = chooseMpm(configuration.namedMpms, defaultMpm(), capabilities);
  if (options.print === "directives") {
    console.log(listDirectives(choice.mpm).map(directiveText).join("\n"));
    return 0;
  }
  for (const dump of options.dumps) console.log(dumpText(dump, { configuration, mpm: choice.mpm }));
  if (options.test || options.dumps.length > 0) return await check(start, configuration, choice);
  const done = await actOnRunning(options.action, configuration.pidFile, capabilities);
  if (done !== undefined) return done;
  // Without descriptors that outlive their process there is no background to go to: a service manager starts the server.
  const foreground = options.action === undefined || options.foreground || isDaemon() ||
    !capabilities["descriptor passing"].available;
  if (!foreground) return await startDaemon(entry, args, (text) => startup.say("notice", text));
  let outcome = await run(start, configuration, choice, capabilities);
  while (outcome.retry !== undefined) {
    await outcome.retry();
    outcome = await run(start, await loadConfiguration(options, entry), choice, capabilities);
  }
  return outcome.code;
}

/** -V: what can be said without a configuration is said whatever is wrong with it. @throws what loadConfiguration() throws */
async function printSettings({ options, entry }: Start): Promise<number> {
  const capabilities = await probe();
  const print = (choice: MpmChoice | undefined) =>
    console.log(buildSettings(choice, capabilities, defaultServerRoot(entry)));
  try {
    const { namedMpms } = await loadConfiguration(options, entry);
    print(chooseMpm(namedMpms, defaultMpm(), capabilities));
  } catch (error) {
    if (isTold(error)) print(undefined);
    throw error;
  }
  return 0;
}

/** The end of -t: everything that a start does with the configuration, but for starting. @throws LogError and what checks throw */
async function check(
  { options, entry, startup }: Start,
  configuration: Configuration,
  choice: MpmChoice,
): Promise<number> {
  if (options.test) configuration.material(relays(choice.mpm, configuration.settings));
  warn(configuration, startup);
  if (!options.test) return 0;
  await checkConfinement(entry, configuration, choice.mpm, options.oneProcess);
  const { programs } = await provePrograms(configuration, options, entry);
  for (const finding of findingsText(programs)) startup.say("notice", finding);
  configuration.openLogs(new LogCheck(configuration.serverRoot));
  startup.say("notice", "Syntax OK");
  return 0;
}

function warn({ warnings }: Configuration, startup: StartupLog): void {
  for (const warning of warnings) startup.say("warn", `WARNING: ${warning}`);
}

/** How a server has ended. */
interface Outcome {
  readonly code: number;
  /** It never served, and its files are watched: resolves when it is worth another try. */
  readonly retry: (() => Promise<void>) | undefined;
}

/** Runs the server in this process until it is stopped. */
async function run(
  start: Start,
  read: Configuration,
  choice: MpmChoice,
  capabilities: Capabilities,
): Promise<Outcome> {
  const { options, args, entry, threads, startup, owner } = start;
  await checkConfinement(entry, read, choice.mpm, options.oneProcess);
  let inForce = read;
  const watch = options.watch
    ? new ProgramWatch(() => inForce.watched, (text) => startup.say("notice", text))
    : undefined;
  let proven: ProvenConfiguration;
  try {
    proven = await provePrograms(read, options, entry);
  } catch (error) {
    if (watch === undefined || !(error instanceof ProbeError)) throw error;
    startup.say("emerg", error.message);
    return tryAgain(watch, startup);
  }
  const { configuration } = proven;
  inForce = configuration;
  const module = choice.mpm.module.replace(/_module$/, "");
  const background = isDaemon();
  let errorLogs: ErrorLogs | undefined;
  const relayed = relays(choice.mpm, configuration.settings);
  const logs = new InheritedLogs({
    inherited: !relayed,
    serverRoot: configuration.serverRoot,
    background,
    onProblem: (ah, message) => errorLogs?.main.log("error", "core", ah, message),
  });
  const prepared = await configuration.prepare();
  const config = configuration.run(logs, relayed);
  errorLogs = configuration.openErrorLogs(logs);
  const logLine = ({ level, module, ah, message }: ModuleLine) =>
    errorLogs?.main.log(level, module, ah, message);
  prepared.forEach(logLine);
  const watchdogsOf = (of: Configuration) => (restart: () => void) => of.startWatchdogs(logLine, restart);
  const watchdogs = new Watchdogs(watchdogsOf(configuration));
  const { pidFile } = configuration;
  warn(configuration, startup);
  if (isRoot() && configuration.identity === undefined) {
    const message = "started by root without User: requests are answered as root";
    errorLogs.main.log("warn", "unixd", undefined, message);
  }
  let starter: StarterPipe | undefined;
  let addresses: readonly string[] = [];
  let serving = false;
  const host: ServerHost = {
    config,
    supervisor: new Supervisors(
      owner,
      watch,
      watchdogs,
      findSupervisor((message) => errorLogs?.main.log("warn", "systemd", undefined, message)),
    ),
    keepsTrying: watch === undefined,
    log(level, ah, message) {
      if (watch?.repeats(message)) return;
      // On the terminal of a program that runs a server among other things, what went as it should is noise.
      const noise = owner !== undefined && configuration.errorLog.kind === "standard" &&
        severity(level) > severity("warn");
      if (!noise) errorLogs?.main.log(level, module, ah, message);
      owner?.note(level, message);
      // Whoever waits for the server to start is told why it does not.
      if (serving || configuration.errorLog.kind === "standard" || severity(level) > severity("error")) {
        return;
      }
      startup.say(level, ah === undefined ? message : `${ah}: ${message}`);
    },
    module: threads,
    description: DESCRIPTION,
    commandLine: ["mpmd", ...args].join(" "),
    onBound: (bound) => {
      addresses = bound;
      if (pidFile !== undefined) writePid(pidFile);
      if (!background) return;
      starter = new StarterPipe(configuration.errorLog, logs.opened);
      startup.replaceStandardError(starter.write);
    },
    onServing: () => {
      serving = true;
      owner?.serving(addresses);
      if (owner === undefined) announce(configuration, choice, addresses, startup);
      starter?.ready();
    },
    remotes: [
      ...[owner, watch, watchdogs].flatMap((one) => one?.remote ?? []),
      ...pidFile === undefined || capabilities["unix signals"].available
        ? []
        : [(carryOut: CarryOut) => openRemoteControl(controlFile(pidFile), carryOut)],
    ],
    async reload() {
      const fresh = await reload(start, choice, host.log);
      if (fresh === undefined) return undefined;
      try {
        const prepared = await fresh.prepare();
        const running = fresh.run(logs, relays(choice.mpm, fresh.settings));
        errorLogs?.close();
        errorLogs = fresh.openErrorLogs(logs);
        prepared.forEach(logLine);
        if (background) redirectOutput(fresh.errorLog, logs.opened);
        inForce = fresh;
        return running;
      } catch (error) {
        if (!isTold(error)) throw error;
        stays(error, host.log);
        return undefined;
      }
    },
    onAdopted: () => {
      owner?.adopted();
      watch?.adopted();
      watchdogs.adopted(watchdogsOf(inForce));
      logs.closeOthers();
    },
    onGracefulStop: () => {
      if (pidFile !== undefined) removePid(pidFile);
    },
  };
  if (Deno.pid === 1 && capabilities["descriptor passing"].available) {
    const reaper = new OrphanReaper();
    setInterval(() => reaper.reap(), REAP_MS);
  }
  try {
    const code = await runMpm(choice.mpm, host, options.oneProcess);
    if (watch === undefined || serving || code === 0) return { code, retry: undefined };
    return tryAgain(watch, startup);
  } finally {
    if (pidFile !== undefined) removePid(pidFile);
    errorLogs.close();
    await logs.close();
  }
}

/** A server that does not start is worth another try when its files have changed. */
function tryAgain(watch: ProgramWatch, startup: StartupLog): Outcome {
  startup.say("notice", "it is tried again after the next change");
  return { code: 1, retry: () => watch.nextChange() };
}

function announce(
  configuration: Configuration,
  choice: MpmChoice,
  addresses: readonly string[],
  startup: StartupLog,
): void {
  const { localCertificate } = configuration;
  const trust = localCertificate === undefined ? [] : [
    `certificate for localhost, signed by ${localCertificate.authority}; to have it trusted: ` +
    trustText(localCertificate.authority),
  ];
  startup.say(
    "notice",
    [
      `${DESCRIPTION}, MPM ${choice.mpm.name} (${choice.reason}), Deno ${Deno.version.deno}`,
      `configuration: ${configuration.source}`,
      `listening on ${addresses.join(" ")}`,
      ...trust,
      `control process ${Deno.pid}`,
    ].join("\n"),
  );
}

/** The configuration for a restart; with errors, or with another MPM, the running one stays. */
async function reload(
  { options, entry }: Start,
  choice: MpmChoice,
  log: ServerHost["log"],
): Promise<Configuration | undefined> {
  try {
    const configuration = await loadConfiguration(options, entry);
    const chosen = chooseMpm(configuration.namedMpms, defaultMpm(), await probe());
    if (chosen.mpm !== choice.mpm) {
      log("crit", "AH00534", "Configuration error: The MPM cannot be changed during restart.");
      return undefined;
    }
    await checkConfinement(entry, configuration, choice.mpm, options.oneProcess);
    return (await provePrograms(configuration, options, entry)).configuration;
  } catch (error) {
    if (!isTold(error)) throw error;
    stays(error, log);
    return undefined;
  }
}

function stays({ message }: Error, log: ServerHost["log"]): void {
  log("crit", undefined, `${message.replaceAll("\n", " ")}; the running configuration stays`);
}
