// What does a tree of directives set? Each node finds its row, the row checks itself against place and arguments and writes to
// the stores; then main server and virtual hosts are merged.

import type { DirectiveTable } from "./directive_table.ts";
import type { Context, DirectiveRow, HostDraft, Target } from "./directives.ts";
import { ArgumentError, ConfigError, ConfigErrors, placed, type Where } from "./errors.ts";
import type { ConfigNode } from "./grammar.ts";
import type { OverrideFiles } from "./htaccess.ts";
import type { Section } from "./matching.ts";
import { accessFileNames, allows, DEFAULT_ACCESS_FILE_NAMES, type Overrides } from "./overrides.ts";
import type { ConfigWarning } from "./read_options.ts";
import { ServerConfig, VirtualServer } from "./server_config.ts";
import { serverNames } from "./server_names.ts";
import { mergeStores, Store } from "./stores.ts";

/** What applying needs. */
export interface ApplyOptions {
  readonly table: DirectiveTable;
  readonly serverRoot: string;
  /** Compare file names as Windows does. */
  readonly windowsPaths?: boolean;
  /** Why a right name is not known here, such as "it belongs to the MPM prefork, which is not loaded". */
  readonly knownElsewhere?: (name: string) => string | undefined;
  /** Finds .htaccess files of the given names; without it they are not looked for (nobody asks for files). */
  readonly htaccess?: (names: readonly string[]) => OverrideFiles;
}

/** Applies `nodes` in order; goes on behind what is wrong, to tell all of it. @throws ConfigErrors */
export function applyConfig(nodes: readonly ConfigNode[], options: ApplyOptions): ServerConfig {
  const hosts: HostDraft[] = [];
  const warnings: ConfigWarning[] = [];
  const target: Target = {
    context: "server config",
    server: new Store(),
    dir: new Store(),
    serverRoot: options.serverRoot,
    windowsPaths: options.windowsPaths === true,
    warnings,
    opened: { hosts, directories: [], files: [], locations: [], ifs: [] },
  };
  const errors: ConfigError[] = [];
  applyNodes(nodes, target, { ...options, onError: (error) => void errors.push(error) });
  if (errors.length > 0) throw new ConfigErrors(errors);
  const main = virtualServer(target, options);
  return new ServerConfig(
    main,
    hosts.map((host) => virtualServer(host.target, options, { main, host })),
    warnings,
  );
}

/** Applies what a .htaccess file says. The section holds for the file's directory. @throws ConfigError */
export function applyOverrideFile(
  nodes: readonly ConfigNode[],
  file: string,
  overrides: Overrides,
  options: ApplyOptions,
): { section: Section; warnings: readonly ConfigWarning[] } {
  const warnings: ConfigWarning[] = [];
  const where: Where = { file, line: 1 };
  const section: Section = {
    pattern: file,
    where,
    dir: new Store(),
    depth: 0,
    matches: () => true,
    files: [],
    ifs: [],
  };
  applyNodes(nodes, {
    context: ".htaccess",
    directory: file.slice(0, file.lastIndexOf("/") + 1),
    // Rows that may stand here write to the other one.
    server: new Store(),
    dir: section.dir,
    serverRoot: options.serverRoot,
    windowsPaths: options.windowsPaths === true,
    overrides,
    warnings,
    opened: { files: section.files, ifs: section.ifs },
  }, { ...options, onError: raise });
  return { section, warnings };
}

function raise(error: ConfigError): never {
  throw error;
}

interface NodeOptions extends ApplyOptions {
  /** Takes what is wrong with a directive, or a section, which is left out then; or throws it. */
  readonly onError: (error: ConfigError) => void;
}

function applyNodes(nodes: readonly ConfigNode[], to: Target, options: NodeOptions): void {
  for (const node of nodes) {
    try {
      applyNode(node, to, options);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      options.onError(error);
    }
  }
}

function applyNode(node: ConfigNode, to: Target, options: NodeOptions): void {
  const name = node.children === undefined ? node.name : `<${node.name}>`;
  const where: Where = { file: node.file, line: node.line };
  placed(where, name, () => {
    const row = allowedRow(name, to, where, options);
    if (row === undefined) return;
    const args = checkedArguments(row, node);
    if (!("open" in row)) return row.apply(args, to, where);
    const inner = row.open(args, to, where);
    applyNodes(node.children ?? [], inner, options);
    row.close?.(inner);
  });
}

/** The row, checked against its place; undefined: to be passed over, as AllowOverride Nonfatal= says. @throws ArgumentError */
function allowedRow(
  name: string,
  to: Target,
  where: Where,
  options: ApplyOptions,
): DirectiveRow | undefined {
  const { overrides } = to;
  const row = options.table.find(name);
  if (row === undefined) {
    if (overrides?.ignoreUnknown !== true) throw unknownDirective(name, options);
    to.warnings.push({ ...where, message: `AH02294: ${name} is passed over: no loaded module knows it` });
    return undefined;
  }
  if (overrides === undefined) checkContext(row, to);
  else if (!row.contexts.includes(".htaccess") || !allows(overrides, row)) {
    if (!overrides.ignoreForbidden) throw new ArgumentError(`${name} not allowed here`);
    to.warnings.push({ ...where, message: `AH02295: ${name} in .htaccess forbidden by AllowOverride` });
    return undefined;
  }
  if (to.methods !== undefined && row.limitable !== true) {
    to.warnings.push({
      ...where,
      message: `${name} holds for all methods, whatever the <${to.section}> around it`,
    });
  }
  return row;
}

function unknownDirective(name: string, { table, knownElsewhere }: ApplyOptions): ArgumentError {
  const elsewhere = knownElsewhere?.(name);
  if (elsewhere !== undefined) return new ArgumentError(`Invalid command '${name}': ${elsewhere}`);
  const nearest = table.nearest(name);
  const hint = nearest === undefined ? "no loaded module knows it" : `did you mean ${nearest}?`;
  return new ArgumentError(`Invalid command '${name}': ${hint}`);
}

function checkContext({ name, contexts }: DirectiveRow, { context, section }: Target): void {
  if (contexts.includes(context)) return;
  const places: readonly Context[] = contexts.filter((place) => place !== ".htaccess");
  const here = section === undefined
    ? "is not allowed outside of sections"
    : `cannot occur within <${section}> section`;
  throw new ArgumentError(`${name} ${here}; allowed in: ${places.join(", ")}`);
}

const COUNTS = ["no arguments", "one argument", "two arguments", "three arguments"];

function checkedArguments({ name, args: arity, syntax }: DirectiveRow, node: ConfigNode): readonly string[] {
  if (arity === "raw") return [node.raw];
  const [min, max] = typeof arity === "number" ? [arity, arity] : arity;
  if (node.args.length >= min && node.args.length <= max) return node.args;
  throw new ArgumentError(`${name} takes ${countText(min, max)}, not ${node.args.length}; syntax: ${syntax}`);
}

function countText(min: number, max: number): string {
  if (min === max) return COUNTS[min] ?? `${min} arguments`;
  return max === Infinity ? `at least ${COUNTS[min] ?? `${min} arguments`}` : `${min} to ${max} arguments`;
}

/** A host of what was applied; a virtual one within the main server's values and after its sections. */
function virtualServer(
  target: Target,
  { htaccess }: ApplyOptions,
  virtual?: { main: VirtualServer; host: HostDraft },
): VirtualServer {
  const { server, dir, opened, windowsPaths } = target;
  const own = {
    directories: opened.directories ?? [],
    files: opened.files ?? [],
    locations: opened.locations ?? [],
    ifs: opened.ifs ?? [],
  };
  const { main, host } = virtual ?? {};
  const before = main?.sections ?? { directories: [], files: [], locations: [], ifs: [] };
  const store = main === undefined ? server : mergeStores(main.store, server);
  return new VirtualServer({
    store,
    dirDefaults: main === undefined ? dir : mergeStores(main.dirDefaults, dir),
    names: server.get(serverNames),
    addresses: host?.addresses ?? [],
    where: host?.where,
    sections: {
      directories: [...before.directories, ...own.directories].sort(byDepth),
      files: [...before.files, ...own.files],
      locations: [...before.locations, ...own.locations],
      ifs: [...before.ifs, ...own.ifs],
    },
    windowsPaths,
    htaccess: htaccess === undefined ? undefined : htaccess(accessFileNamesOf(store)),
  });
}

/** Directories by depth; the sort is stable, so the main server's come before a virtual host's of the same depth. */
function byDepth(a: Section, b: Section): number {
  return a.depth === b.depth ? 0 : a.depth - b.depth;
}

function accessFileNamesOf(store: VirtualServer["store"]): readonly string[] {
  const { names } = store.get(accessFileNames);
  return names.length > 0 ? names : DEFAULT_ACCESS_FILE_NAMES;
}
