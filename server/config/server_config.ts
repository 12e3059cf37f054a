// What does an applied configuration consist of? The main server and its virtual hosts, each with stores and sections.

import type { HostAddress } from "./addresses.ts";
import type { Where } from "./errors.ts";
import type { OverrideFiles } from "./htaccess.ts";
import type { Section } from "./matching.ts";
import type { ConfigWarning } from "./read_options.ts";
import { SectionResolver } from "./resolve.ts";
import type { ServerNames } from "./server_names.ts";
import type { DirStore, ServerStore } from "./stores.ts";
import { HostTable } from "./vhosts.ts";

/** The sections of a virtual host, those of the main server first. */
export interface Sections {
  /** Short paths before long ones, regular expressions after them; else in the order of the configuration. */
  readonly directories: readonly Section[];
  /** Those that are not within a <Directory>, in the order of the configuration. */
  readonly files: readonly Section[];
  readonly locations: readonly Section[];
  /** Those that are within no other section. */
  readonly ifs: readonly Section[];
}

/** What a virtual host is made of. */
export interface VirtualServerParts {
  readonly store: ServerStore;
  readonly dirDefaults: DirStore;
  readonly names: ServerNames;
  readonly addresses: readonly HostAddress[];
  readonly where: Where | undefined;
  readonly sections: Sections;
  readonly windowsPaths: boolean;
  readonly htaccess: OverrideFiles | undefined;
}

/** The main server, or a virtual host with the main server's values under its own. */
export class VirtualServer {
  readonly store: ServerStore;
  /** What holds where no section says otherwise. */
  readonly dirDefaults: DirStore;
  /** Its own names: not those of the main server where it has none. */
  readonly names: ServerNames;
  /** None for the main server. */
  readonly addresses: readonly HostAddress[];
  /** Its <VirtualHost> line; undefined for the main server. */
  readonly where: Where | undefined;
  readonly sections: Sections;
  /** Finds and keeps the merged stores of this host. */
  readonly resolver: SectionResolver;

  constructor(parts: VirtualServerParts) {
    this.store = parts.store;
    this.dirDefaults = parts.dirDefaults;
    this.names = parts.names;
    this.addresses = parts.addresses;
    this.where = parts.where;
    this.sections = parts.sections;
    this.resolver = new SectionResolver(parts);
  }
}

/** A configuration in use. Stores are shared and must not be written to. */
export class ServerConfig {
  /** Finds the virtual host of a request. */
  readonly hostTable: HostTable;

  constructor(
    readonly main: VirtualServer,
    readonly hosts: readonly VirtualServer[],
    readonly warnings: readonly ConfigWarning[],
  ) {
    this.hostTable = new HostTable(main, hosts);
  }

  /** Every store in which a directive may have put a value for some place, each once. */
  *allDirStores(): Generator<DirStore> {
    const seen = new Set<DirStore>();
    for (const host of [this.main, ...this.hosts]) {
      const { directories, files, locations, ifs } = host.sections;
      for (const store of [host.dirDefaults, ...storesOf([...directories, ...files, ...locations, ...ifs])]) {
        if (seen.has(store)) continue;
        seen.add(store);
        yield store;
      }
    }
  }
}

/** The stores of sections and of all within them. */
function* storesOf(sections: readonly Section[]): Generator<DirStore> {
  for (const { dir, files, ifs } of sections) {
    yield dir;
    yield* storesOf(files);
    yield* storesOf(ifs);
  }
}
