// What does a tree of directives set? Each node finds its row, the row checks itself against place and arguments and writes to
// the stores; then main server and virtual hosts are merged.

import type { DirectiveTable } from "./directive_table.ts";
import type { Context, DirectiveRow, HostDraft, Target } from "./directives.ts";
import { ArgumentError, placed, type Where } from "./errors.ts";
import type { ConfigNode } from "./grammar.ts";
import type { Section } from "./matching.ts";
import { type Sections, ServerConfig, VirtualServer } from "./server_config.ts";
import { serverNames } from "./server_names.ts";
import { mergeStores, Store } from "./stores.ts";

/** What applying needs. */
export interface ApplyOptions {
  readonly table: DirectiveTable;
  readonly serverRoot: string;
  /** Compare file names as Windows does. */
  readonly windowsPaths?: boolean;
  /** What would know a directive that no loaded module knows, such as "mpm_prefork_module". */
  readonly knownElsewhere?: (name: string) => string | undefined;
}

/** Applies `nodes` in order. @throws ConfigError */
export function applyConfig(nodes: readonly ConfigNode[], options: ApplyOptions): ServerConfig {
  const hosts: HostDraft[] = [];
  const target: Target = {
    context: "server config",
    server: new Store(),
    dir: new Store(),
    serverRoot: options.serverRoot,
    windowsPaths: options.windowsPaths === true,
    opened: { hosts, directories: [], files: [], locations: [] },
  };
  applyNodes(nodes, target, options);
  const main = virtualServer(target);
  return new ServerConfig(main, hosts.map((host) => virtualServer(host.target, { main, host })));
}

function applyNodes(nodes: readonly ConfigNode[], to: Target, options: ApplyOptions): void {
  for (const node of nodes) {
    const { children } = node;
    const name = children === undefined ? node.name : `<${node.name}>`;
    const where: Where = { file: node.file, line: node.line };
    const inner = placed(where, name, () => {
      const row = rowOf(name, options);
      checkContext(row, to);
      const args = checkedArguments(row, node);
      if ("open" in row) return row.open(args, to, where);
      row.apply(args, to);
      return undefined;
    });
    if (inner !== undefined && children !== undefined) applyNodes(children, inner, options);
  }
}

function rowOf(name: string, { table, knownElsewhere }: ApplyOptions): DirectiveRow {
  const row = table.find(name);
  if (row !== undefined) return row;
  const module = knownElsewhere?.(name);
  if (module !== undefined) {
    throw new ArgumentError(`Invalid command '${name}': it belongs to ${module}, which is not loaded`);
  }
  const nearest = table.nearest(name);
  const hint = nearest === undefined ? "no loaded module knows it" : `did you mean ${nearest}?`;
  throw new ArgumentError(`Invalid command '${name}': ${hint}`);
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
function virtualServer(target: Target, virtual?: { main: VirtualServer; host: HostDraft }): VirtualServer {
  const { server, dir, opened, windowsPaths } = target;
  const names = server.get(serverNames);
  const own = {
    directories: opened.directories ?? [],
    files: opened.files ?? [],
    locations: opened.locations ?? [],
  };
  if (virtual === undefined) {
    const sections = inOrder(own);
    return new VirtualServer({
      store: server,
      dirDefaults: dir,
      names,
      addresses: [],
      where: undefined,
      sections,
      windowsPaths,
    });
  }
  const { main, host } = virtual;
  return new VirtualServer({
    store: mergeStores(main.store, server),
    dirDefaults: mergeStores(main.dirDefaults, dir),
    names,
    addresses: host.addresses,
    where: host.where,
    sections: inOrder({
      directories: [...main.sections.directories, ...own.directories],
      files: [...main.sections.files, ...own.files],
      locations: [...main.sections.locations, ...own.locations],
    }),
    windowsPaths,
  });
}

/** Directories by depth; the sort is stable, so the main server's come before a virtual host's of the same depth. */
function inOrder({ directories, files, locations }: Sections): Sections {
  const byDepth = (a: Section, b: Section) => a.depth === b.depth ? 0 : a.depth - b.depth;
  return { directories: [...directories].sort(byDepth), files, locations };
}
