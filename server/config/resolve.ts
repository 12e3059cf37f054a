// Which values hold for a file and a path? The sections that match, merged in httpd's order: directories from short to long, each
// with its .htaccess file, those with regular expressions, files, locations, <If>. What the same sections make is merged once and
// shared.

import type { ExpressionSubject } from "./expression/mod.ts";
import { evaluateCondition } from "./expression/mod.ts";
import type { OverrideFiles } from "./htaccess.ts";
import { comparable, type Section } from "./matching.ts";
import { type Overrides, overridesOf } from "./overrides.ts";
import type { Sections, VirtualServer, VirtualServerParts } from "./server_config.ts";
import { type DirStore, mergeStores } from "./stores.ts";

/** Merged stores that a virtual host keeps; clients choose paths, so there is a limit. Beyond it all are made anew. */
const KEPT_STORES = 4096;

/** The request that values are asked for: conditions look at it, and it is told what its values depend on. */
export interface Asker extends ExpressionSubject {
  /** Beyond path and file: on the request, by an <If>; or on what .htaccess files say at the moment. */
  dependsOn(what: "request" | "overrides"): void;
}

/** A set of sections in the order in which they were merged; its store, and the sets with one section more. */
interface Merged {
  readonly store: DirStore;
  readonly more: Map<Section, Merged>;
  /** <Files> and <If> within the sections of the set. */
  readonly files: readonly Section[];
  readonly ifs: readonly Section[];
  /** What .htaccess files may say here. */
  readonly overrides: Overrides | undefined;
}

/** Finds the stores of one virtual host. */
export class SectionResolver {
  readonly #defaults: Merged;
  readonly #sections: Sections;
  readonly #windowsPaths: boolean;
  /** Undefined where no place allows .htaccess files. */
  readonly #htaccess: OverrideFiles | undefined;
  #kept = 0;

  constructor({ dirDefaults, sections, windowsPaths, htaccess }: VirtualServerParts) {
    this.#sections = sections;
    this.#windowsPaths = windowsPaths;
    const allowed = sections.directories.some(({ depth, dir }) =>
      depth !== Infinity && overridesOf(dir) !== undefined
    );
    this.#htaccess = allowed ? htaccess : undefined;
    const { files, ifs } = sections;
    this.#defaults = { store: dirDefaults, more: new Map(), files, ifs, overrides: undefined };
  }

  /** See {@linkcode resolveDirectory}. */
  resolve(
    urlPath: string,
    filePath: string,
    isDirectory: boolean | undefined,
    asker: Asker | undefined,
  ): DirStore {
    let merged = this.#defaults;
    let name = "";
    if (filePath !== "") {
      const path = this.#windowsPaths ? comparable(filePath) : filePath;
      merged = this.#htaccess === undefined || asker === undefined
        ? this.#directories(merged, path, isDirectory)
        : this.#withOverrides(merged, path, isDirectory, this.#htaccess, asker);
      name = path.slice(path.lastIndexOf("/") + 1);
      merged = this.#files(merged, merged.files, name);
    }
    for (const section of this.#sections.locations) {
      if (section.matches(urlPath)) merged = this.#with(merged, section);
    }
    if (merged.ifs.length > 0 && asker !== undefined) {
      asker.dependsOn("request");
      merged = this.#ifs(merged, merged.ifs, name, asker);
    }
    return merged.store;
  }

  #directories(defaults: Merged, path: string, isDirectory: boolean | undefined): Merged {
    let merged = defaults;
    for (const section of this.#sections.directories) {
      if (section.matches(path, isDirectory)) merged = this.#with(merged, section);
    }
    return merged;
  }

  /** Directory after directory: its sections, then its .htaccess file, if they allow it. @throws OverrideError */
  #withOverrides(
    defaults: Merged,
    path: string,
    isDirectory: boolean | undefined,
    htaccess: OverrideFiles,
    asker: Asker,
  ): Merged {
    const { directories } = this.#sections;
    const whole = isDirectory === true && !path.endsWith("/") ? `${path}/` : path;
    let merged = defaults;
    let next = 0;
    let depth = 1;
    for (let slash = whole.indexOf("/"); slash >= 0; slash = whole.indexOf("/", slash + 1), depth++) {
      for (; next < directories.length && directories[next].depth <= depth; next++) {
        if (directories[next].matches(path, isDirectory)) merged = this.#with(merged, directories[next]);
      }
      if (merged.overrides === undefined) continue;
      asker.dependsOn("overrides");
      const section = htaccess.sectionOf(whole.slice(0, slash + 1), merged.overrides);
      if (section !== undefined) merged = this.#with(merged, section);
    }
    for (; next < directories.length; next++) {
      if (directories[next].matches(path, isDirectory)) merged = this.#with(merged, directories[next]);
    }
    return merged;
  }

  #files(base: Merged, files: readonly Section[], name: string): Merged {
    let merged = base;
    for (const section of files) if (section.matches(name)) merged = this.#with(merged, section);
    return merged;
  }

  /** The first of each chain whose condition is true; <Files> and <If> in it at once. */
  #ifs(base: Merged, ifs: readonly Section[], name: string, asker: Asker): Merged {
    let merged = base;
    let taken = false;
    for (const section of ifs) {
      const { kind, condition } = section.branch!;
      if (kind === "if") taken = false;
      if (taken || !evaluateCondition(condition, asker)) continue;
      taken = true;
      merged = this.#files(this.#with(merged, section), section.files, name);
      merged = this.#ifs(merged, section.ifs, name, asker);
    }
    return merged;
  }

  #with(base: Merged, section: Section): Merged {
    const known = base.more.get(section);
    if (known !== undefined) return known;
    if (this.#kept >= KEPT_STORES) {
      this.#defaults.more.clear();
      this.#kept = 0;
    }
    const store = mergeStores(base.store, section.dir);
    const merged: Merged = {
      store,
      more: new Map(),
      files: section.files.length > 0 ? [...base.files, ...section.files] : base.files,
      ifs: section.ifs.length > 0 ? [...base.ifs, ...section.ifs] : base.ifs,
      overrides: this.#htaccess === undefined ? undefined : overridesOf(store),
    };
    base.more.set(section, merged);
    this.#kept++;
    return merged;
  }
}

/**
 * The values for a request to `host`. `urlPath` is decoded and normalised; `filePath` is the file's name as far as it is known,
 * "" before translation: then only locations count. `isDirectory` says what the file is; undefined, not known: a <Directory>
 * without wildcards then counts for the very name it gives. Without `asker` neither <If> nor .htaccess files count. Equal sets of
 * sections give the same store, for some time. @throws OverrideError for a .htaccess file that cannot be used
 */
export function resolveDirectory(
  host: VirtualServer,
  urlPath: string,
  filePath: string,
  isDirectory?: boolean,
  asker?: Asker,
): DirStore {
  return host.resolver.resolve(urlPath, filePath, isDirectory, asker);
}
