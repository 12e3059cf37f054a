// What does the configuration come down to? The listings of -S, -M and -D DUMP_..., in httpd's layout: tools read them (mpm.md 16.1).

import type { Mpm } from "../mpm/mod.ts";
import type { ConfigNode, ServerConfig, VirtualServer } from "./config/mod.ts";
import type { Configuration } from "./configuration.ts";
import { BUILT_IN_ELSEWHERE } from "./httpd_names.ts";
import { targetKey } from "./log/target.ts";
import { loadedModules, modules } from "./modules.ts";
import type { Dump } from "./options.ts";

/** What a listing may be of. */
export interface DumpSubject {
  readonly configuration: Configuration;
  readonly mpm: Mpm;
}

const LISTINGS: Readonly<Record<Dump, (subject: DumpSubject) => string[]>> = {
  DUMP_VHOSTS: ({ configuration }) => virtualHosts(configuration.config),
  DUMP_RUN_CFG: ({ configuration }) => runSettings(configuration),
  DUMP_INCLUDES: ({ configuration }) => includes(configuration),
  DUMP_CONFIG: ({ configuration }) => nodesText(configuration.tree.nodes),
  DUMP_MODULES: (
    { mpm },
  ) => [
    "Loaded Modules:",
    ...moduleNames(mpm).map((name) => ` ${name} (static)`),
    ...loadedModules().map(({ name }) => ` ${name} (shared)`),
  ],
};

/** The text of the listing `dump`. */
export function dumpText(dump: Dump, subject: DumpSubject): string {
  return LISTINGS[dump](subject).join("\n");
}

/** The identifiers of all modules, the core first, the MPM last. */
function moduleNames(mpm: Mpm): string[] {
  const loaded = new Set(loadedModules());
  const names = modules().filter((module) => !loaded.has(module)).map(({ name }) => name).filter((name) =>
    name !== "core_module"
  );
  return ["core_module", ...BUILT_IN_ELSEWHERE.keys(), ...names.sort(), mpm.module];
}

/** The hosts of one address. */
interface AddressGroup {
  /** `*:80`, `127.0.0.1:*`, `[::1]:443` */
  readonly address: string;
  /** "*", an address without brackets, or a name. */
  readonly host: string;
  readonly port: string;
  readonly hosts: VirtualServer[];
}

function virtualHosts({ main, hosts }: ServerConfig): string[] {
  const groups = new Map<string, AddressGroup>();
  for (const host of hosts) {
    for (const { host: name, port: number } of host.addresses) {
      const port = number === undefined ? "*" : String(number);
      const address = `${name.includes(":") ? `[${name}]` : name}:${port}`;
      const group = groups.get(address) ?? { address, host: name, port, hosts: [] };
      groups.set(address, group);
      if (!group.hosts.includes(host)) group.hosts.push(host);
    }
  }
  // Addresses before wildcards, as they are looked for.
  const sorted = [...groups.values()].sort((a, b) => wildness(a) - wildness(b));
  return ["VirtualHost configuration:", ...sorted.flatMap((group) => groupLines(group, main))];
}

function wildness({ address, port }: AddressGroup): number {
  return (address.startsWith("*") ? 2 : 0) + (port === "*" ? 1 : 0);
}

function groupLines({ address, host, port, hosts }: AddressGroup, main: VirtualServer): string[] {
  // A host without a ServerName goes by the address it was given, or is called as the main server.
  const otherwise = host === "*" ? main.names.name ?? "localhost" : host;
  const name = ({ names, where }: VirtualServer) =>
    `${names.name ?? otherwise} (${where?.file}:${where?.line})`;
  const [first] = hosts;
  if (hosts.length === 1) return [`${address.padEnd(22)} ${name(first)}`];
  return [
    `${address.padEnd(22)} is a NameVirtualHost`,
    `         default server ${name(first)}`,
    ...hosts.flatMap((host) => [
      `         port ${port} namevhost ${name(host)}`,
      ...host.names.aliases.map((alias) =>
        `                 ${/[*?]/.test(alias) ? "wild alias" : "alias"} ${alias}`
      ),
    ]),
  ];
}

function runSettings(configuration: Configuration): string[] {
  const { serverRoot, documentRoot, errorLog, pidFile, tree, config } = configuration;
  const defines = tree.defines.map(([name, value]) =>
    `Define: ${value === undefined ? name : `${name}=${value}`}`
  );
  return [
    `ServerRoot: "${serverRoot}"`,
    `Main DocumentRoot: "${documentRoot ?? ""}"`,
    `Main ErrorLog: "${targetKey(errorLog)}"`,
    ...pidFile === undefined ? [] : [`PidFile: "${pidFile}"`],
    ...defines,
    ...modules().flatMap((module) => module.runSettings?.(config) ?? []),
  ];
}

function includes({ tree }: Configuration): string[] {
  return [
    "Included configuration files:",
    ...tree.includes.map(({ file, includedAt, depth }) =>
      `${"  ".repeat(depth + 1)}(${includedAt?.line ?? "*"}) ${file}`
    ),
  ];
}

/** The directives that are left when conditions, includes and macros have been carried out, each with its place. */
function nodesText(nodes: readonly ConfigNode[]): string[] {
  const lines: string[] = [];
  let file = "";
  const add = (node: ConfigNode, indent: string) => {
    if (node.file !== file) lines.push(`${indent}# In file: ${node.file}`);
    file = node.file;
    lines.push(`${indent}# ${String(node.line).padStart(3)}:`);
    const text = node.raw === "" ? node.name : `${node.name} ${node.raw}`;
    if (node.children === undefined) {
      lines.push(indent + text);
      return;
    }
    lines.push(`${indent}<${text}>`);
    for (const child of node.children) add(child, `${indent}  `);
    lines.push(`${indent}</${node.name}>`);
  };
  for (const node of nodes) add(node, "");
  return lines;
}
