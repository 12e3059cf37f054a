// Which certificates does a configuration ask for? The sets of domains with everything that holds for them, and the virtual hosts that
// they are for.

import { resolve } from "@std/path";
import { ConfigError, type ServerConfig, type VirtualServer, type Where } from "../../server/config/mod.ts";
import { serverAdmin } from "../../server/request/error_document.ts";
import { sslServer } from "../ssl/config.ts";
import {
  type DomainDraft,
  MD_DEFAULTS,
  type MdGlobal,
  mdGlobal,
  mdServer,
  type SetValues,
} from "./config.ts";

/** A set of domains that have a certificate together: a managed domain. */
export interface ManagedDomain
  extends
    Readonly<Omit<SetValues, "binding" | keyof typeof MD_DEFAULTS>>,
    Readonly<Required<Pick<SetValues, keyof typeof MD_DEFAULTS>>> {
  /** The first of its names as the configuration has it; folders are called so. */
  readonly name: string;
  readonly names: readonly string[];
  readonly where: Where;
  readonly hosts: readonly VirtualServer[];
  /** `mailto:` URLs. */
  readonly contacts: readonly string[];
  readonly binding: Exclude<SetValues["binding"], "none">;
  readonly certificateFiles: readonly string[];
  readonly keyFiles: readonly string[];
  /** The server gets certificates for it. */
  readonly renews: boolean;
  /** It is watched: it has hosts, or is to be had always. */
  readonly watched: boolean;
}

/** The sets of a configuration. */
export interface ManagedDomains {
  readonly all: readonly ManagedDomain[];
  readonly global: MdGlobal;
  /** Absolute. */
  readonly storeDir: string;
  /** The set of a virtual host. */
  readonly byHost: ReadonlyMap<VirtualServer, ManagedDomain>;
  /** For people. */
  readonly warnings: readonly { readonly where: Where; readonly message: string }[];
}

/** True when `pattern`, a name perhaps with `*.` before it, covers `name`. */
export function covers(pattern: string, name: string): boolean {
  if (pattern === name) return true;
  return pattern.startsWith("*.") && name.includes(".") && name.slice(name.indexOf(".")) === pattern.slice(1);
}

const found = new WeakMap<ServerConfig, ManagedDomains>();

/** The sets of `config`; undefined: there are none. @throws ConfigError when they contradict each other */
export function managedDomains(config: ServerConfig): ManagedDomains | undefined {
  const known = found.get(config);
  if (known !== undefined) return known;
  const drafts = [
    ...new Set([config.main, ...config.hosts].flatMap(({ store }) => store.get(mdServer).domains)),
  ];
  if (drafts.length === 0) return undefined;
  const domains = collect(config, drafts);
  found.set(config, domains);
  return domains;
}

function collect(config: ServerConfig, drafts: readonly DomainDraft[]): ManagedDomains {
  const global = config.main.store.get(mdGlobal);
  const warnings: { where: Where; message: string }[] = [];
  const servers = [...global.baseServer ? [config.main] : [], ...config.hosts];
  const hostsOf = new Map(
    drafts.map((draft) => [draft, servers.filter((host) => isFor(draft, host, global))]),
  );
  drafts.forEach((draft, i) => {
    checkFiles(draft);
    if (global.matchesAliases) checkOverlap(draft, drafts.slice(0, i));
  });
  const byHost = new Map<VirtualServer, ManagedDomain>();
  const all = drafts.map((draft): ManagedDomain => {
    const hosts = hostsOf.get(draft)!;
    const values = { ...config.main.store.get(mdServer).values, ...draft.values };
    const domain = complete(config, draft, hosts, values, warnings);
    for (const host of hosts) {
      const others = drafts.filter((other) => hostsOf.get(other)!.includes(host));
      if (others.length > 1 && isSecure(host)) {
        throw new ConfigError(
          draft.where,
          `AH10042: conflict: ${others.length} MDs match to SSL VirtualHost ${host.names.name}, there can at most be one.`,
          "MDomain",
        );
      }
      byHost.set(host, domain);
    }
    return domain;
  });
  const storeDir = global.storeDir ?? resolve(drafts[0].serverRoot, "md");
  return { all, global, storeDir, byHost, warnings };
}

function isSecure({ store }: VirtualServer): boolean {
  return store.get(sslServer).engine === "on";
}

/** The names of a host that are names, not patterns. */
export function namesOf({ names: { name, aliases } }: VirtualServer): string[] {
  return [...name === undefined ? [] : [name], ...aliases.filter((alias) => !/[*?]/.test(alias))];
}

function isFor({ names }: DomainDraft, host: VirtualServer, { matchesAliases }: MdGlobal): boolean {
  const known = matchesAliases ? namesOf(host) : namesOf(host).slice(0, 1);
  return names.some((name) => known.some((each) => covers(name, each)));
}

/** @throws ConfigError */
function checkFiles({ where, names: [name], certificateFiles, keyFiles }: DomainDraft): void {
  if (certificateFiles.length === keyFiles.length) return;
  throw new ConfigError(
    where,
    certificateFiles.length === 0
      ? `AH10171: The Managed Domain '${name}' has MDCertificateKeyFile(s) but no MDCertificateFile.`
      : `AH10170: The Managed Domain '${name}' needs one MDCertificateKeyFile for each MDCertificateFile.`,
    "MDCertificateFile",
  );
}

/** @throws ConfigError */
function checkOverlap({ names, where }: DomainDraft, before: readonly DomainDraft[]): void {
  for (const other of before) {
    const common = names.find((name) => other.names.includes(name));
    if (common === undefined) continue;
    throw new ConfigError(
      where,
      `AH10038: two Managed Domains have an overlap in domain '${common}', first definition in ` +
        `${where.file}(line ${where.line}), second in ${other.where.file}(line ${other.where.line})`,
      "MDomain",
    );
  }
}

function complete(
  { main }: ServerConfig,
  { names: given, where, certificateFiles, keyFiles }: DomainDraft,
  hosts: readonly VirtualServer[],
  { binding, ...values }: SetValues,
  warnings: { where: Where; message: string }[],
): ManagedDomain {
  const [name] = given;
  const settings = { ...MD_DEFAULTS, ...values };
  const secure = hosts.filter(isSecure);
  const names = [...given];
  for (const host of secure) {
    for (const each of namesOf(host)) {
      if (names.some((pattern) => covers(pattern, each))) continue;
      if (settings.addsNames) names.push(each);
      else {
        warnings.push({
          where,
          message:
            `AH10040: Virtual Host ${host.names.name}:${
              host.addresses[0]?.port ?? 443
            } matches Managed Domain '${name}', but the ` +
            `name/alias ${each} itself is not managed. A requested MD certificate will not match ServerName.`,
        });
      }
    }
  }
  if (secure.length === 0 && settings.requireHttps !== "off") {
    warnings.push({
      where,
      message: `AH10105: MD ${name} does not match any VirtualHost with 'SSLEngine on', but is configured ` +
        "to require https. This cannot work.",
    });
  }
  if (hosts.length === 0 && settings.renewMode !== "always") {
    warnings.push({ where, message: `AH10045: No VirtualHost matches Managed Domain ${name}` });
  }
  const contact = values.contact ??
    [main, ...hosts].map(({ store }) => store.get(mdServer).values.contact ?? store.get(serverAdmin).address)
      .find((address) => address !== undefined);
  return {
    ...settings,
    name,
    names,
    where,
    hosts,
    certificateFiles,
    keyFiles,
    binding: binding === "none" ? undefined : binding,
    contacts: contact === undefined ? [] : [/^[a-z]+:/i.test(contact) ? contact : `mailto:${contact}`],
    renews: settings.renewMode === "always" ||
      settings.renewMode === "auto" && certificateFiles.length === 0,
    watched: hosts.length > 0 || settings.renewMode === "always",
  };
}
