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
  /** The .htaccess file of `directory`, or that there is none, counts; `unchanged` says whether that is still so. */
  sawOverrides(directory: string, unchanged: () => boolean): void;
}

/** Sections that were merged in order: their store, and the same with something more. */
interface Merged {
  readonly store: DirStore;
  readonly more: Map<Section | Merged, Merged>;
  /** <Files> and <If> within them. */
  readonly files: readonly Section[];
  readonly ifs: readonly Section[];
  /** What .htaccess files may say here. */
  readonly overrides: Overrides | undefined;
}

/**
 * Finds the stores of one virtual host. Directories are merged with each other and the result into what holds everywhere, then files
 * into that, and so on: for values that merge by rules of their own (AuthMerging) that is not the same as one after the other.
 */
export class SectionResolver {
  readonly #defaults: Merged;
  /** The first section of directories, of files and so on. */
  readonly #firsts = new Map<Section, Merged>();
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
      const directories = this.#htaccess === undefined || asker === undefined
        ? this.#directories(path, isDirectory)
        : this.#withOverrides(path, isDirectory, this.#htaccess, asker);
      merged = this.#combined(merged, directories);
      name = path.slice(path.lastIndexOf("/") + 1);
      merged = this.#combined(merged, this.#matching(merged.files, name));
    }
    merged = this.#combined(merged, this.#matching(this.#sections.locations, urlPath));
    if (merged.ifs.length > 0 && asker !== undefined) {
      asker.dependsOn("request");
      merged = this.#conditional(merged, name, asker);
    }
    return merged.store;
  }

  /** True when .htaccess files are looked for in some place. */
  get readsOverrides(): boolean {
    return this.#htaccess !== undefined;
  }

  /**
   * The values that hold on the way through `directory` (with a slash at its end) to what is in it: of directories only, without those of
   * regular expressions, which are asked when the way is known. @throws OverrideError
   */
  onTheWay(directory: string, asker: Asker | undefined): DirStore {
    const path = this.#windowsPaths ? comparable(directory) : directory;
    const group = this.#htaccess === undefined || asker === undefined
      ? this.#directories(path, true, false)
      : this.#withOverrides(path, true, this.#htaccess, asker, false);
    return this.#combined(this.#defaults, group).store;
  }

  #directories(path: string, isDirectory: boolean | undefined, regexes = true): Merged | undefined {
    let group: Merged | undefined;
    for (const section of this.#sections.directories) {
      if (!regexes && section.depth === Infinity) break;
      if (section.matches(path, isDirectory)) group = this.#with(group, section);
    }
    return group;
  }

  /** Directory after directory: its sections, then its .htaccess file, if they allow it. @throws OverrideError */
  #withOverrides(
    path: string,
    isDirectory: boolean | undefined,
    htaccess: OverrideFiles,
    asker: Asker,
    regexes = true,
  ): Merged | undefined {
    const { directories } = this.#sections;
    const whole = isDirectory === true && !path.endsWith("/") ? `${path}/` : path;
    let group: Merged | undefined;
    let next = 0;
    let depth = 1;
    for (let slash = whole.indexOf("/"); slash >= 0; slash = whole.indexOf("/", slash + 1), depth++) {
      for (; next < directories.length && directories[next].depth <= depth; next++) {
        if (directories[next].matches(path, isDirectory)) group = this.#with(group, directories[next]);
      }
      if (group?.overrides === undefined) continue;
      asker.dependsOn("overrides");
      const directory = whole.slice(0, slash + 1);
      const section = htaccess.sectionOf(directory, group.overrides);
      asker.sawOverrides(directory, htaccess.watch(directory, group.overrides));
      if (section !== undefined) group = this.#with(group, section);
    }
    for (; regexes && next < directories.length; next++) {
      if (directories[next].matches(path, isDirectory)) group = this.#with(group, directories[next]);
    }
    return group;
  }

  #matching(sections: readonly Section[], subject: string): Merged | undefined {
    let group: Merged | undefined;
    for (const section of sections) if (section.matches(subject)) group = this.#with(group, section);
    return group;
  }

  /** Of each chain the first whose condition is true; then, within all of those, the same again. */
  #conditional(base: Merged, name: string, asker: Asker): Merged {
    let merged = base;
    for (let ifs = base.ifs; ifs.length > 0;) {
      const group = this.#taken(ifs, asker);
      if (group === undefined) break;
      merged = this.#combined(merged, group);
      merged = this.#combined(merged, this.#matching(group.files, name));
      ifs = group.ifs;
    }
    return merged;
  }

  #taken(ifs: readonly Section[], asker: Asker): Merged | undefined {
    let group: Merged | undefined;
    let taken = false;
    for (const section of ifs) {
      const { kind, condition } = section.branch!;
      if (kind === "if") taken = false;
      if (taken || !evaluateCondition(condition, asker)) continue;
      taken = true;
      group = this.#with(group, section);
    }
    return group;
  }

  #with(group: Merged | undefined, section: Section): Merged {
    const known = (group?.more ?? this.#firsts).get(section);
    if (known !== undefined) return known;
    const merged = group === undefined ? this.#merged(section.dir, section.files, section.ifs) : this.#merged(
      mergeStores(group.store, section.dir),
      joined(group.files, section.files),
      joined(group.ifs, section.ifs),
    );
    (group?.more ?? this.#firsts).set(section, merged);
    return merged;
  }

  #combined(base: Merged, group: Merged | undefined): Merged {
    if (group === undefined) return base;
    const known = base.more.get(group);
    if (known !== undefined) return known;
    const store = mergeStores(base.store, group.store);
    const merged = this.#merged(store, joined(base.files, group.files), joined(base.ifs, group.ifs));
    base.more.set(group, merged);
    return merged;
  }

  #merged(store: DirStore, files: readonly Section[], ifs: readonly Section[]): Merged {
    if (this.#kept >= KEPT_STORES) {
      this.#defaults.more.clear();
      this.#firsts.clear();
      this.#kept = 0;
    }
    this.#kept++;
    const overrides = this.#htaccess === undefined ? undefined : overridesOf(store);
    return { store, more: new Map(), files, ifs, overrides };
  }
}

function joined(base: readonly Section[], over: readonly Section[]): readonly Section[] {
  return over.length === 0 ? base : [...base, ...over];
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
