// What does the configuration say? From the command line to values: which file is read, which MPM it names, and what the server
// threads are to know.

import { environmentVariable } from "../platform/environment.ts";
import { dirname, fromFileUrl, isAbsolute, join, resolve } from "@std/path";
import { allMpms, findMpm, type Mpm, type MpmSettings, requireMpm, type RunnableConfig } from "../mpm/mod.ts";
import { defaultMpm, system } from "../platform/detect.ts";
import { identityOf } from "../modules/unixd/mod.ts";
import type { Identity } from "../platform/privileges.ts";
import { startPermissions } from "../modules/app/mod.ts";
import { CORE_DEFAULTS, coreServer } from "../modules/core/config.ts";
import { openFiles } from "../modules/core/open_files.ts";
import {
  applyConfig,
  type ApplyOptions,
  ArgumentError,
  ConfigError,
  type ConfigNode,
  type ConfigTree,
  type ConfigWarning,
  denoFiles,
  type Directive,
  DirectiveTable,
  overrideFiles,
  type OverrideFilesOptions,
  readConfig,
  sectionRows,
  type ServerConfig,
  serverKey,
} from "./config/mod.ts";
import { childCommand } from "./child_command.ts";
import { BUILT_IN_ELSEWHERE, httpdModuleWith, isHttpdModule } from "./httpd_names.ts";
import type { InheritedLogs } from "./log/log_file.ts";
import { MODULES } from "./modules.ts";
import type { Options } from "./options.ts";
import type { ProgramData } from "./program.ts";

/** The release of httpd whose behaviour is implemented: what <IfVersion> compares with. */
const HTTPD_VERSION = "2.4.63";

/** A configuration that has been read, applied and checked. */
export interface Configuration {
  readonly serverRoot: string;
  /** For people: the file that was read. */
  readonly source: string;
  /** MPMs that were asked for, and by what. */
  readonly namedMpms: readonly { readonly name: string; readonly by: string }[];
  readonly pidFile: string | undefined;
  readonly errorLog: string;
  readonly logLevel: readonly string[];
  readonly warnings: readonly string[];
  readonly settings: MpmSettings;
  /** Whom children run as, if not as this process. */
  readonly identity: Identity | undefined;
  /** What server threads may do at their start, if not everything. */
  readonly permissions: RunnableConfig["permissions"];
  /** Opens all logs, and gives what the MPM is to run. @throws LogError */
  run(logs: InheritedLogs): RunnableConfig;
}

const mpmSettings = serverKey<MpmSettings>("mpm", {
  create: () => ({ listen: [] }),
  merge: (base) => base,
});

/** The rows of an MPM's directives: global, and theirs only while it is loaded. */
function mpmRows(mpm: Mpm): Directive[] {
  return mpm.directives.map(({ name, syntax, help, args, apply, default: value }) => ({
    name,
    syntax,
    help,
    args,
    default: value,
    contexts: ["server config"] as const,
    apply(values, to) {
      try {
        apply(values, to.server.get(mpmSettings));
      } catch (error) {
        throw new ArgumentError((error as Error).message);
      }
    },
  }));
}

/** All directives while `mpm` is loaded. */
function tableFor(mpm: Mpm | undefined): DirectiveTable {
  return new DirectiveTable([
    ...sectionRows,
    ...MODULES.flatMap(({ directives }) => directives),
    ...mpm === undefined ? [] : mpmRows(mpm),
  ]);
}

/** What has a directive that no loaded module has: another MPM, or a module of httpd's. */
function knownElsewhere(directive: string): string | undefined {
  const mpm = allMpms().find(({ directives }) =>
    directives.some(({ name }) => name.toLowerCase() === directive.toLowerCase())
  );
  if (mpm !== undefined) return `it belongs to the MPM ${mpm.name}, which is not loaded`;
  const module = httpdModuleWith(directive);
  if (module === undefined) return undefined;
  return `httpd's ${module} has it, mpmd does not`;
}

/** What server threads need beyond the tree: they look for .htaccess files. */
export interface ThreadFacts {
  /** What the configuration has defined. */
  readonly defines: ConfigTree["defines"];
  readonly warn: (warning: ConfigWarning) => void;
}

/** Applies a tree; control process and server threads both do, each for itself. @throws ConfigError */
export function applyTree(
  nodes: readonly ConfigNode[],
  serverRoot: string,
  mpm: Mpm | undefined,
  thread?: ThreadFacts,
): ServerConfig {
  const apply: ApplyOptions = {
    table: tableFor(mpm),
    serverRoot,
    windowsPaths: system === "windows",
    knownElsewhere,
  };
  if (thread === undefined) return applyConfig(nodes, apply);
  const read = { ...readingFacts(() => mpm), files: denoFiles, serverRoot, inherited: thread.defines };
  const options: OverrideFilesOptions = {
    apply,
    read,
    warn: thread.warn,
    stampOf: fileStamp,
    valid: () => openFiles.settings.max === 0 ? 0 : openFiles.settings.valid,
    now: () => performance.now(),
  };
  return applyConfig(nodes, { ...apply, htaccess: (names) => overrideFiles(names, options) });
}

/** Changes when the file does; undefined: there is no such file. @throws the system's error when that may not be known */
function fileStamp(path: string): string | undefined {
  try {
    const { isFile, mtime, size, ino } = Deno.statSync(path);
    return isFile ? `${mtime?.getTime()} ${size} ${ino}` : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    // A name that is too long is no file's; the request fails of itself.
    if (/name too long/i.test(String(error))) return undefined;
    throw error;
  }
}

/** What conditions of a configuration ask for; the MPM may be chosen while it is read. */
function readingFacts(mpm: () => Mpm | undefined) {
  return {
    environment: environmentVariable,
    version: HTTPD_VERSION,
    hasModule: (name: string) =>
      MODULES.some((module) => module.name === name || module.source === name) ||
      BUILT_IN_ELSEWHERE.has(name) || [...BUILT_IN_ELSEWHERE.values()].includes(name) ||
      mpm()?.module === name || mpm()?.source === name,
    hasDirective: (name: string) => tableFor(mpm()).find(name) !== undefined,
  };
}

/** ServerRoot until something else is said: where mod.ts is, where the compiled program is, or the current directory. */
function defaultServerRoot(entry: string): string {
  if (Deno.build.standalone) return dirname(Deno.execPath());
  return entry.startsWith("file:") ? dirname(fromFileUrl(entry)) : Deno.cwd();
}

/** The configuration of an application that was named on the command line without a configuration file. */
function applicationLines(options: Options): string[] {
  const listen = options.listen.length > 0 ? options.listen : ["8080"];
  return [...listen.map((address) => `Listen ${address}`), "PidFile none", "ErrorLog /dev/stderr"];
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

/** Reads and applies what `options` ask for. @throws ConfigError */
export async function loadConfiguration(options: Options, entry: string): Promise<Configuration> {
  const named: { name: string; by: string }[] = [];
  if (options.mpm !== undefined) named.push({ name: options.mpm, by: `--mpm ${options.mpm}` });
  // Directives can only be read while their MPM is there.
  if (options.mpm !== undefined) requireMpm(options.mpm);
  const current = () => findMpm(named[0]?.name ?? defaultMpm().name);
  const warnings: ConfigWarning[] = [];
  const { application, configFile } = options;
  const alone = application !== undefined && configFile === undefined;
  const serverRoot = resolve(options.serverRoot ?? (alone ? Deno.cwd() : defaultServerRoot(entry)));
  const read = readConfig({
    files: denoFiles,
    serverRoot,
    file: alone ? undefined : resolve(serverRoot, configFile ?? "conf/httpd.conf"),
    before: alone ? applicationLines(options) : [],
    after: application === undefined ? [] : [`Application ${JSON.stringify(resolve(application))}`],
    defines: options.defines,
    ...readingFacts(current),
    loadModule(id, path, where) {
      if (findMpm(id) !== undefined) {
        named.push({ name: id, by: `LoadModule ${id}` });
        if (named.length === 1) requireMpm(id);
      } else if (MODULES.some(({ name }) => name === id) || BUILT_IN_ELSEWHERE.has(id)) {
        return;
      } else if (isHttpdModule(id)) {
        warnings.push({
          ...where,
          message: `mpmd has no ${id}: <IfModule> for it is skipped, its directives are errors`,
        });
      } else {
        throw new ArgumentError(`Cannot load ${path} into server: there is no module ${id}`);
      }
    },
  });
  const { nodes } = read;
  const config = applyTree(nodes, read.serverRoot, current());
  const values = { ...CORE_DEFAULTS, ...config.main.store.get(coreServer) };
  const absolute = (path: string) => isAbsolute(path) ? path : join(read.serverRoot, path);
  const program: Omit<ProgramData, "logs"> = {
    nodes,
    mpm: named[0]?.name ?? defaultMpm().name,
    serverRoot: read.serverRoot,
    defines: read.defines,
    errorLog: absolute(values.errorLog),
    logLevel: values.logLevel,
  };
  for (const module of MODULES) await module.checkConfig?.(config, read.serverRoot);
  const settings = config.main.store.get(mpmSettings);
  const defined = read.defines.map(([name]) => name);
  const identity = checkedAt(nodes, /^(?:user|group)$/i, () => identityOf(config, defined));
  const permissions = checkedAt(nodes, /^denopermissions$/i, () => startPermissions(config, read.serverRoot));
  return {
    identity,
    permissions,
    serverRoot: read.serverRoot,
    source: alone ? `application ${application}` : read.includes[0].file,
    namedMpms: named,
    pidFile: values.pidFile.toLowerCase() === "none" ? undefined : absolute(values.pidFile),
    errorLog: program.errorLog,
    logLevel: values.logLevel,
    warnings: [...warnings, ...read.warnings, ...config.warnings].map(({ message, file, line }) =>
      `${message} (line ${line} of ${file})`
    ),
    settings,
    run(logs) {
      const { errorLog } = program;
      logs.begin();
      if (errorLog !== "/dev/stderr") logs.open(errorLog, "AH00091: could not open error log file");
      for (const module of MODULES) module.openLogs?.(config, read.serverRoot, logs);
      return {
        settings,
        childCommand: childCommand(entry, identity),
        identity,
        program: { ...program, logs: logs.descriptors } satisfies ProgramData,
        permissions,
        firstRequestMs: values.headTimeout.initial || values.timeout,
      };
    },
  };
}
