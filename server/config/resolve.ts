// Which values hold for a file and a path? The sections that match, merged in httpd's order: directories from short to long,
// those with regular expressions, files, locations. What the same sections make is merged once and shared.

import { comparable, type Section } from "./matching.ts";
import type { Sections, VirtualServer } from "./server_config.ts";
import { type DirStore, mergeStores } from "./stores.ts";

/** Merged stores that a virtual host keeps; clients choose paths, so there is a limit. Beyond it requests merge for themselves. */
const KEPT_STORES = 4096;

/** A set of sections in the order in which they were merged; its store, and the sets with one section more. */
interface Merged {
  readonly store: DirStore;
  readonly more: Map<Section, Merged>;
}

/** Finds the stores of one virtual host. */
export class SectionResolver {
  readonly #defaults: Merged;
  readonly #sections: Sections;
  readonly #windowsPaths: boolean;
  readonly #hasFiles: boolean;
  #kept = 0;

  constructor(defaults: DirStore, sections: Sections, windowsPaths: boolean) {
    this.#defaults = { store: defaults, more: new Map() };
    this.#sections = sections;
    this.#windowsPaths = windowsPaths;
    this.#hasFiles = sections.files.length > 0 || sections.directories.some(({ files }) => files.length > 0);
  }

  /** See {@linkcode resolveDirectory}. */
  resolve(urlPath: string, filePath: string, isDirectory: boolean | undefined): DirStore {
    let merged = this.#defaults;
    const { directories, files, locations } = this.#sections;
    if (filePath !== "" && (directories.length > 0 || files.length > 0)) {
      merged = this.#ofFile(merged, this.#windowsPaths ? comparable(filePath) : filePath, isDirectory);
    }
    for (const section of locations) if (section.matches(urlPath)) merged = this.#with(merged, section);
    return merged.store;
  }

  #ofFile(defaults: Merged, path: string, isDirectory: boolean | undefined): Merged {
    let merged = defaults;
    // Values of .htaccess files would be merged after the plain directories, before the regular expressions.
    const { directories, files } = this.#sections;
    let nested: Section[] | undefined;
    for (const section of directories) {
      if (!section.matches(path, isDirectory)) continue;
      merged = this.#with(merged, section);
      if (section.files.length > 0) (nested ??= []).push(...section.files);
    }
    if (!this.#hasFiles) return merged;
    const name = path.slice(path.lastIndexOf("/") + 1);
    for (const section of files) if (section.matches(name)) merged = this.#with(merged, section);
    for (const section of nested ?? []) if (section.matches(name)) merged = this.#with(merged, section);
    return merged;
  }

  #with(base: Merged, section: Section): Merged {
    const known = base.more.get(section);
    if (known !== undefined) return known;
    const merged = { store: mergeStores(base.store, section.dir), more: new Map<Section, Merged>() };
    if (this.#kept < KEPT_STORES) {
      base.more.set(section, merged);
      this.#kept++;
    }
    return merged;
  }
}

/**
 * The values for a request to `host`. `urlPath` is decoded and normalised; `filePath` is the file's name as far as it is known,
 * "" before translation: then only locations count. `isDirectory` says what the file is; undefined, not known: a <Directory>
 * without wildcards then counts for the very name it gives. Equal sets of sections give the same store.
 */
export function resolveDirectory(
  host: VirtualServer,
  urlPath: string,
  filePath: string,
  isDirectory?: boolean,
): DirStore {
  return host.resolver.resolve(urlPath, filePath, isDirectory);
}
