// What does a tree of directives set in this server? The tables of its modules and of the MPM, and the facts that conditions ask for.

import { fileInfo, openFiles } from "./core/open_files.ts";
import { clock } from "./http/engine/clock.ts";
import type { Mpm, MpmSettings } from "../mpm/mod.ts";
import { allMpms } from "../mpm/thread_side.ts";
import { system } from "../platform/detect.ts";
import { environmentVariable } from "../platform/environment.ts";
import {
  applyConfig,
  type ApplyOptions,
  ArgumentError,
  type ConfigNode,
  type ConfigTree,
  type ConfigWarning,
  denoFiles,
  type Directive,
  DirectiveTable,
  overrideFiles,
  type OverrideFilesOptions,
  sectionRows,
  type ServerConfig,
  serverKey,
} from "./config/mod.ts";
import { BUILT_IN_ELSEWHERE, httpdModuleWith } from "./httpd_names.ts";
import { modules } from "./modules.ts";

/** The release of httpd whose behaviour is implemented: what <IfVersion> compares with. */
const HTTPD_VERSION = "2.4.63";

/** The key of the MPM's values; they are the main server's. */
export const mpmSettings = serverKey<MpmSettings>("mpm", {
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
    ...modules().flatMap(({ directives }) => directives),
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
    now: () => clock.look,
  };
  return applyConfig(nodes, { ...apply, htaccess: (names) => overrideFiles(names, options) });
}

/** Changes when the file does; undefined: there is no such file. @throws the system's error when that may not be known */
function fileStamp(path: string): string | undefined {
  const found = fileInfo(path);
  return found?.isFile === true ? `${found.mtime} ${found.size} ${found.inode}` : undefined;
}

/** What conditions of a configuration ask for; the MPM may be chosen while it is read. */
export function readingFacts(mpm: () => Mpm | undefined) {
  return {
    environment: environmentVariable,
    version: HTTPD_VERSION,
    hasModule: (name: string) =>
      modules().some((module) => module.name === name || module.source === name) ||
      BUILT_IN_ELSEWHERE.has(name) || [...BUILT_IN_ELSEWHERE.values()].includes(name) ||
      mpm()?.module === name || mpm()?.source === name,
    hasDirective: (name: string) => tableFor(mpm()).find(name) !== undefined,
  };
}
