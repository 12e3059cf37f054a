// What does the configuration say? From the command line to values: which file is read, which MPM it names, and what the server
// threads are to know.

import { dirname, fromFileUrl, isAbsolute, join, resolve } from "@std/path";
import { BindError, findMpm, type MpmSettings, requireMpm, type RunnableConfig } from "../mpm/mod.ts";
import { CORE_DEFAULTS, coreServer } from "./core/config.ts";
import { startPermissions } from "./core/permissions.ts";
import { defaultMpm } from "../platform/detect.ts";
import type { Identity } from "../platform/privileges.ts";
import { applyTree, mpmSettings, readingFacts } from "./apply_tree.ts";
import { checkDocumentRoots } from "./checks.ts";
import {
  ArgumentError,
  ConfigError,
  type ConfigNode,
  type ConfigTree,
  type ConfigWarning,
  denoFiles,
  readConfig,
  type ServerConfig,
} from "./config/mod.ts";
import type { LocalCertificate } from "./development/trust.ts";
import { childCommand } from "./child_command.ts";
import { inspectLines } from "./deno_flags.ts";
import type { Watched } from "./development/program_watch.ts";
import { BUILT_IN_ELSEWHERE, isHttpdModule } from "./httpd_names.ts";
import { errorTarget } from "./log/config.ts";
import { ErrorLogs } from "./log/error_logs.ts";
import type { InheritedLogs, LogOpener } from "./log/inherited_logs.ts";
import type { LogTarget } from "./log/target.ts";
import type { HttpdLevel } from "./log/levels.ts";
import { shortModuleName } from "./log/thresholds.ts";
import { loadedModules, modules } from "./modules.ts";
import { type Options, UsageError } from "./options.ts";
import type { ProgramData } from "./program.ts";
import { type ProgramSettings, programSettings } from "./program_settings.ts";
import { readyLines, servedWithoutFile } from "./ready_configuration.ts";
import type { ControlContext, ServerModule } from "./request/module.ts";
import { keepingModules, namedModule, readWithModules } from "./third_party.ts";

/** What a module says in the control process. */
export interface ModuleLine {
  readonly level: HttpdLevel;
  /** As in the error log: "ssl". */
  readonly module: string;
  readonly ah: string | undefined;
  readonly message: string;
}

/** A configuration that has been read, applied and checked. */
export interface Configuration {
  readonly serverRoot: string;
  /** What was read, and what it says. */
  readonly tree: ConfigTree;
  readonly config: ServerConfig;
  /** Of the main server, absolute. */
  readonly documentRoot: string | undefined;
  /** For people: the file that was read. */
  readonly source: string;
  /** MPMs that were asked for, and by what. */
  readonly namedMpms: readonly { readonly name: string; readonly by: string }[];
  readonly pidFile: string | undefined;
  /** Where the main server's errors go. */
  readonly errorLog: LogTarget;
  /** Of --https. */
  readonly localCertificate: LocalCertificate | undefined;
  /** For people, with their places; those about material, once it has been read. */
  readonly warnings: readonly string[];
  readonly settings: MpmSettings;
  /** Whom children run as, if not as this process. */
  readonly identity: Identity | undefined;
  /** The programs that it names, as URLs, and their arguments. */
  readonly applications: readonly string[];
  readonly args: readonly string[];
  /** How processes are started that load them. */
  readonly programSettings: ProgramSettings;
  /** What server threads may do at their start, if not everything. */
  readonly permissions: RunnableConfig["permissions"];
  /** What this configuration and its applications consist of. */
  readonly watched: Watched;
  /** Shows all logs to `logs`. @throws LogError */
  openLogs(logs: LogOpener): void;
  /** What modules give to processes that serve, by their names; see ServerModule. @throws ConfigError */
  material(relayed: boolean): Readonly<Record<string, unknown>>;
  /** Has modules prepare what run() reads, and gives the lines that they have for the error log. @throws ConfigError */
  prepare(): Promise<readonly ModuleLine[]>;
  /** Begins the work of modules beside requests. Returns what ends it. */
  startWatchdogs(log: (line: ModuleLine) => void, restart: () => void): () => void;
  /** Opens all logs, and gives what the MPM is to run. @throws LogError, ConfigError, BindError if it listens nowhere */
  run(logs: InheritedLogs, relayed: boolean): RunnableConfig;
  /** The error logs of this process; to be called after run(). */
  openErrorLogs(logs: InheritedLogs): ErrorLogs;
}

/** ServerRoot until something else is said: where mod.ts is, where the compiled program is, or the current directory. */
export function defaultServerRoot(entry: string): string {
  if (Deno.build.standalone) return dirname(Deno.execPath());
  return entry.startsWith("file:") ? dirname(fromFileUrl(entry)) : Deno.cwd();
}

/** What `check` finds wrong is told at the last line of the directives that `name` means. @throws ConfigError */
function checkedAt<T>(nodes: readonly ConfigNode[], name: RegExp, check: () => T): T {
  try {
    return check();
  } catch (error) {
    const line = nodes.findLast((node) => name.test(node.name));
    if (!(error instanceof ArgumentError) || line === undefined) throw error;
    throw new ConfigError(line, error.message, line.name);
  }
}

/** Whom children run as, from the first module that says. @throws ArgumentError */
function findIdentity(config: ServerConfig, defines: readonly string[]): Identity | undefined {
  for (const module of modules()) {
    const identity = module.identity?.(config, defines);
    if (identity !== undefined) return identity;
  }
  return undefined;
}

/** Lets `module` write lines. */
function logOf({ name }: ServerModule, write: (line: ModuleLine) => void): ControlContext {
  const module = shortModuleName(name);
  return { log: (level, ah, message) => write({ level, module, ah, message }) };
}

/** Loaded when it is asked for: what makes certificates is large. */
async function findLocalCertificate(): Promise<LocalCertificate> {
  const { localCertificate } = await import("./development/local_certificate.ts");
  return await localCertificate();
}

/** Reads and applies what `options` ask for. @throws ConfigError */
export function loadConfiguration(options: Options, entry: string): Promise<Configuration> {
  return keepingModules(() => load(options, entry));
}

/** As loadConfiguration(); what fails leaves modules behind that nobody asks for. */
async function load(options: Options, entry: string): Promise<Configuration> {
  const named: { name: string; by: string }[] = [];
  if (options.mpm !== undefined) named.push({ name: options.mpm, by: `--mpm ${options.mpm}` });
  // Directives can only be read while their MPM is there.
  if (options.mpm !== undefined) requireMpm(options.mpm);
  const current = () => findMpm(named[0]?.name ?? defaultMpm().name);
  const warnings: ConfigWarning[] = [];
  const { application, configFile } = options;
  const served = servedWithoutFile(options);
  const localCertificate = options.https ? await findLocalCertificate() : undefined;
  const serverRoot = resolve(
    options.serverRoot ?? (served === undefined ? defaultServerRoot(entry) : Deno.cwd()),
  );
  const reading = {
    files: denoFiles,
    serverRoot,
    file: served === undefined ? resolve(serverRoot, configFile ?? "conf/httpd.conf") : undefined,
    before: [...served === undefined ? [] : readyLines(served, options, localCertificate), ...options.before],
    after: [
      ...application === undefined || served?.kind === "folder" ? [] : [
        `Application ${JSON.stringify(application.startsWith("file:") ? application : resolve(application))}`,
      ],
      ...options.deno.permissions === undefined
        ? []
        : [`DenoPermissions ${options.deno.permissions.map((grant) => JSON.stringify(grant)).join(" ")}`],
      ...inspectLines(options.deno.inspect),
      ...options.after,
    ],
    defines: options.defines,
    ...readingFacts(current),
  };
  const { tree: read, named: thirdParty } = await readWithModules((found) => {
    named.splice(options.mpm === undefined ? 0 : 1);
    warnings.length = 0;
    return readConfig({
      ...reading,
      loadModule(id, path, where, root) {
        const own = namedModule(id, path, root, where);
        const loaded = loadedModules().some(({ name }) => name === id);
        const isHere = findMpm(id) !== undefined || BUILT_IN_ELSEWHERE.has(id) ||
          (!loaded && modules().some(({ name }) => name === id));
        if (own !== undefined && isHere) {
          throw new ArgumentError(
            `Cannot load ${path} into server: it has a ${id} of its own, yours needs another name`,
          );
        }
        if (own !== undefined) found(own);
        else if (findMpm(id) !== undefined) {
          named.push({ name: id, by: `LoadModule ${id}` });
          if (named.length === 1) requireMpm(id);
        } else if (isHere) return;
        else if (isHttpdModule(id)) {
          warnings.push({
            ...where,
            message: `mpmd has no ${id}: <IfModule> for it is skipped, its directives are errors`,
          });
        } else {
          throw new ArgumentError(
            `Cannot load ${path} into server: there is no module ${id}, and the name of a file that is one ends with .ts or .js`,
          );
        }
      },
    });
  });
  const { nodes } = read;
  const config = applyTree(nodes, read.serverRoot, current());
  const values = { ...CORE_DEFAULTS, ...config.main.store.get(coreServer) };
  const absolute = (path: string) => isAbsolute(path) ? path : join(read.serverRoot, path);
  const program: Omit<ProgramData, "logs" | "material"> = {
    nodes,
    mpm: named[0]?.name ?? defaultMpm().name,
    serverRoot: read.serverRoot,
    modules: thirdParty,
    defines: read.defines,
    args: options.args,
    development: options.development,
    inspect: options.deno.inspect,
  };
  if (options.checksDocumentRoot) warnings.push(...checkDocumentRoots(config));
  for (const module of modules()) await module.checkConfig?.(config, read.serverRoot);
  const settings = config.main.store.get(mpmSettings);
  const defined = read.defines.map(([name]) => name);
  const identity = checkedAt(nodes, /^(?:user|group)$/i, () => findIdentity(config, defined));
  const applications = modules().flatMap((module) => module.programUrls?.(config, read.serverRoot) ?? []);
  if (options.deno.inspect !== undefined && applications.length === 0) {
    throw new UsageError("--inspect goes with an application: mpmd --inspect ./app.ts");
  }
  const permissions = checkedAt(
    nodes,
    /^denopermissions$/i,
    () => startPermissions(config, [...applications, ...thirdParty.map(({ url }) => url)]),
  );
  const loading = programSettings(
    applications,
    options.deno.flags,
    entry.startsWith("file:") ? dirname(fromFileUrl(entry)) : undefined,
  );
  const errorLog = errorTarget(config.main.store, read.serverRoot);
  const openLogs = (logs: LogOpener) => {
    for (const { store } of [config.main, ...config.hosts]) {
      logs.open(errorTarget(store, read.serverRoot), "AH00091: could not open error log file");
    }
    for (const module of modules()) module.openLogs?.(config, logs);
  };
  const told = [...warnings, ...read.warnings, ...config.warnings].map(({ message, file, line }) =>
    `${message} (line ${line} of ${file})`
  );
  const securePorts = new Set(
    settings.listen.flatMap((address) =>
      "port" in address && address.protocol === "https" ? [address.port] : []
    ),
  );
  const material = (relayed: boolean) =>
    Object.fromEntries(
      modules().map((module) =>
        [
          module.name,
          module.material?.(
            config,
            { relayed, securePorts },
            ({ file, line }, message) => told.push(`${message} (line ${line} of ${file})`),
          ),
        ] as const
      )
        .filter(([, given]) => given !== undefined),
    );
  return {
    identity,
    permissions,
    applications,
    args: options.args,
    programSettings: loading,
    serverRoot: read.serverRoot,
    tree: read,
    config,
    documentRoot: config.main.store.get(coreServer).documentRoot,
    source: served === undefined ? read.includes[0].file : `${served.kind} ${served.name}`,
    namedMpms: named,
    pidFile: values.pidFile.toLowerCase() === "none" ? undefined : absolute(values.pidFile),
    errorLog,
    localCertificate,
    warnings: told,
    settings,
    watched: {
      files: read.includes.map(({ file }) => file),
      applications: [...applications, ...thirdParty.map(({ url }) => url)],
    },
    openLogs,
    material,
    async prepare() {
      const lines: ModuleLine[] = [];
      for (const module of modules()) {
        await module.prepare?.(config, logOf(module, (line) => lines.push(line)));
      }
      return lines;
    },
    startWatchdogs(log, restart) {
      const { listen } = settings;
      const ends = modules().map((module) =>
        module.watchdog?.(config, { ...logOf(module, log), listen, restart })
      );
      return () => ends.forEach((end) => end?.());
    },
    run(logs, relayed) {
      if (settings.listen.length === 0) {
        throw new BindError("the configuration has no Listen");
      }
      const given = material(relayed);
      logs.begin(errorLog, identity);
      openLogs(logs);
      return {
        settings,
        childCommand: childCommand(entry, loading, identity, settings.threadHeapLimit ?? 0),
        identity,
        program: { ...program, logs: logs.opened, material: given } satisfies ProgramData,
        permissions,
        firstRequestMs: values.headTimeout.initial || values.timeout,
      };
    },
    openErrorLogs: ({ opened }) => new ErrorLogs({ config, serverRoot: read.serverRoot, opened, thread: -1 }),
  };
}
