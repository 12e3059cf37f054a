// How does a module come into the server that is no part of it? `LoadModule my_module ./my_module.ts` imports that file, in the control process
// and in every thread; what it exports is looked at before anything is done with it.

import { basename, fromFileUrl, resolve, toFileUrl } from "@std/path";
import { ArgumentError, ConfigError, type ConfigTree, type DirectiveRow, type Where } from "./config/mod.ts";
import { describeLoadError } from "./load_error.ts";
import { loadedModules, modules, setLoadedModules } from "./modules.ts";
import { isHookName, type ServerModule } from "./request/module.ts";

/** A LoadModule line that names a file. Plain data. */
export interface NamedModule {
  /** "my_module" */
  readonly id: string;
  /** The argument as it stands there, and where it leads. */
  readonly file: string;
  readonly url: string;
  readonly where: Where;
}

/** What the default export of a module is; defineModule() gives it its type. */
export interface ModuleDefinition extends
  Pick<
    ServerModule,
    "name" | "checkConfig" | "hooks" | "usesEventLoop" | "usesExtendedStatus" | "runSettings"
  > {
  readonly directives?: readonly DirectiveRow[];
}

const SCRIPT = /\.(?:[cm]?[jt]s|[jt]sx)$/;
const URL_FORM = /^(?:file|https?|data|jsr|npm):/;
const MEMBERS: ReadonlySet<string> = new Set([
  "name",
  "directives",
  "checkConfig",
  "hooks",
  "usesEventLoop",
  "usesExtendedStatus",
  "runSettings",
]);
const CONTEXTS: ReadonlySet<unknown> = new Set(["server config", "virtual host", "directory", ".htaccess"]);
const EXPECTED = "expected `export default defineModule({ name, directives, hooks })`";

/** The module that a LoadModule line names by a file of its own, or a URL; undefined: it names one of httpd's, or an MPM. */
export function namedModule(
  id: string,
  file: string,
  serverRoot: string,
  where: Where,
): NamedModule | undefined {
  if (URL_FORM.test(file)) return { id, file, url: file, where };
  return SCRIPT.test(file) ? { id, file, url: toFileUrl(resolve(serverRoot, file)).href, where } : undefined;
}

/** Imports a module. `version`: another than before in this process (the file has changed). @throws ConfigError */
export async function loadModule(named: NamedModule, version = ""): Promise<ServerModule> {
  const { id, file, url, where } = named;
  const fail = (reason: string): never => {
    throw new ConfigError(where, `Cannot load ${file} into server: ${reason}`, "LoadModule");
  };
  let exported: { readonly default?: unknown };
  try {
    exported = await import(url + version);
  } catch (error) {
    return fail(describeLoadError(error, url));
  }
  const wrong = whatIsWrong(exported.default, id);
  if (wrong !== undefined) return fail(`${url} ${wrong}`);
  // As whatIsWrong() has seen.
  const definition = exported.default as ModuleDefinition;
  return {
    ...definition,
    source: basename(url.startsWith("file:") ? fromFileUrl(url) : new URL(url).pathname),
    directives: (definition.directives ?? []).map((row) => told(row, id)),
  };
}

/**
 * Reads a configuration, loads the modules that it names, and reads it once more, for what it says depends on them (IfModule). `read` calls
 * `found` for each LoadModule line that names one. Those that are loaded afterwards are the ones that the server has.
 * @throws ConfigError
 */
export async function readWithModules(
  read: (found: (named: NamedModule) => void) => ConfigTree,
): Promise<{ readonly tree: ConfigTree; readonly named: readonly NamedModule[] }> {
  const loaded = new Map<string, ServerModule>();
  setLoadedModules([]);
  for (;;) {
    const named = new Map<string, NamedModule>();
    let tree: ConfigTree | undefined;
    let failure: unknown;
    try {
      tree = read((each) => named.has(each.id) || named.set(each.id, each));
    } catch (error) {
      // It may be right once the modules are there.
      failure = error;
    }
    const missing = [...named.values()].filter(({ id }) => !loaded.has(id));
    for (const each of missing) {
      loaded.set(each.id, await loadModule(each, versionOf(each.url)));
      setLoadedModules([...loaded.values()]);
    }
    if (missing.length > 0) continue;
    if (tree === undefined) throw failure;
    setLoadedModules([...named.keys()].map((id) => loaded.get(id)!));
    return { tree, named: [...named.values()] };
  }
}

/** Runs `load`; if it fails the server has the modules that it had before. */
export async function keepingModules<T>(load: () => Promise<T>): Promise<T> {
  const before = loadedModules();
  try {
    return await load();
  } catch (error) {
    setLoadedModules(before);
    throw error;
  }
}

/** When files were changed last (ms since 1970) that this process has loaded. */
const versions = new Map<string, number>();

/** What makes another module of the URL of a file that has changed since this process loaded it. */
function versionOf(url: string): string {
  if (!url.startsWith("file:")) return "";
  try {
    const modified = Deno.statSync(new URL(url)).mtime?.getTime() ?? 0;
    const first = versions.get(url);
    if (first === undefined) versions.set(url, modified);
    return first === undefined || first === modified ? "" : `?${modified}`;
  } catch (error) {
    // Importing it tells what is wrong.
    if (error instanceof Error) return "";
    throw error;
  }
}

/** Why `exported` is no module of the name `id`; undefined: it is one. */
function whatIsWrong(exported: unknown, id: string): string | undefined {
  if (typeof exported !== "object" || exported === null) {
    return `has ${
      exported === undefined ? "no default export" : `a default export that is ${typeof exported}`
    }: ${EXPECTED}`;
  }
  const { name, directives = [], hooks } = exported as Record<string, unknown>;
  if (name !== id) {
    return `exports the module ${JSON.stringify(name)}: expected name: "${id}", as LoadModule says`;
  }
  const unknown = Object.keys(exported).find((member) => !MEMBERS.has(member));
  if (unknown !== undefined) return `has a member ${unknown}: expected ${[...MEMBERS].join(", ")}`;
  for (const member of ["checkConfig", "hooks", "usesEventLoop", "usesExtendedStatus", "runSettings"]) {
    const value = (exported as Record<string, unknown>)[member];
    if (value !== undefined && typeof value !== "function") {
      return `has ${member} that is ${typeof value}: expected a function`;
    }
  }
  if (!Array.isArray(directives)) {
    return `has directives that are ${typeof directives}: expected an array of rows`;
  }
  for (const [index, row] of directives.entries()) {
    const wrong = whatIsWrongWithRow(row);
    if (wrong !== undefined) return `has directives[${index}] ${wrong}`;
  }
  return typeof hooks === "function" ? whatIsWrongWithHooks(hooks as () => unknown) : undefined;
}

function whatIsWrongWithRow(row: unknown): string | undefined {
  if (typeof row !== "object" || row === null) {
    return `that is ${typeof row}: expected an object with name and apply()`;
  }
  const { name, contexts, args, syntax, help, apply, open } = row as Record<string, unknown>;
  if (typeof name !== "string" || !/^(?:\w+|<\w+>)$/.test(name)) {
    return `without a name: expected name: "MyDirective"`;
  }
  if (
    !Array.isArray(contexts) || contexts.length === 0 || !contexts.every((context) => CONTEXTS.has(context))
  ) {
    return `(${name}): expected contexts: a list of ${[...CONTEXTS].map((each) => `"${each}"`).join(", ")}`;
  }
  const isCount = (count: unknown) => typeof count === "number" && count >= 0;
  if (
    args !== "raw" && !isCount(args) && !(Array.isArray(args) && args.length === 2 && args.every(isCount))
  ) {
    return `(${name}): expected args: a number, [least, most], or "raw"`;
  }
  if (typeof syntax !== "string" || typeof help !== "string") {
    return `(${name}): expected syntax and help: texts`;
  }
  if (typeof apply !== "function" && typeof open !== "function") {
    return `(${name}): expected apply(args, to, where), or open() of a section`;
  }
  const taken = modules().find(({ directives }) =>
    directives.some((each) => each.name.toLowerCase() === name.toLowerCase())
  );
  return taken === undefined ? undefined : `(${name}): ${taken.name} has a directive of that name`;
}

function whatIsWrongWithHooks(hooks: () => unknown): string | undefined {
  let made: unknown;
  try {
    made = hooks();
  } catch (error) {
    return `has hooks() that throws: ${
      error instanceof Error ? error.stack ?? error.message : String(error)
    }`;
  }
  if (typeof made !== "object" || made === null) {
    return `has hooks() that returns ${typeof made}: expected an object of hooks`;
  }
  const unknown = Object.keys(made).find((hook) => !isHookName(hook));
  return unknown === undefined ? undefined : `has a hook ${unknown}, which there is not: see docs/modules.md`;
}

/** The row, whose failures are told at the line of the configuration. */
function told(row: DirectiveRow, id: string): DirectiveRow {
  const within = <R>(what: string, action: () => R): R => {
    try {
      return action();
    } catch (error) {
      if (error instanceof ArgumentError) throw error;
      const { name, message, stack } = error as Error;
      // Of another copy of the server's types.
      if (name === "ArgumentError") throw new ArgumentError(message);
      throw new ArgumentError(`${id}: ${what} of ${row.name} failed: ${stack ?? String(error)}`);
    }
  };
  if ("open" in row) {
    return {
      ...row,
      open: (args, to, where) => within("open()", () => row.open(args, to, where)),
      close: (inner) => within("close()", () => row.close?.(inner)),
    };
  }
  return { ...row, apply: (args, to, where) => within("apply()", () => row.apply(args, to, where)) };
}
