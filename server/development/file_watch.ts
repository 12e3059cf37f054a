// Has one of these files changed? Directories are watched, for many editors put a new file in the place of the old one.

import { dirname } from "@std/path";

/** Changes that come this close to each other (ms) are one: an editor writes in several steps, a tool several files. */
const QUIET_MS = 40;

/** Watches files until it is closed. */
export class FileWatch {
  readonly #files: ReadonlySet<string>;
  readonly #changed: (file: string) => void;
  #watcher: Deno.FsWatcher | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param since changes after this (ms since 1970) count too, though they came before the watch
   * @param changed is told the file that changed first, once
   */
  constructor(files: Iterable<string>, since: number, changed: (file: string) => void) {
    this.#files = new Set(files);
    this.#changed = changed;
    const directories = new Set([...this.#files].map(dirname).filter(isDirectory));
    if (directories.size > 0) {
      this.#watcher = Deno.watchFs([...directories], { recursive: false });
      this.#follow(this.#watcher);
    }
    const missed = [...this.#files].find((file) => (modified(file) ?? 0) > since);
    if (missed !== undefined) this.#see(missed);
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind, paths } of watcher) {
      if (kind === "access" || kind === "other") continue;
      const file = paths.find((path) => this.#files.has(path));
      if (file !== undefined) this.#see(file);
    }
  }

  #see(file: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.close();
      this.#changed(file);
    }, QUIET_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** When a file was written last (ms since 1970); undefined: it is not there. */
export function modified(path: string): number | undefined {
  try {
    return Deno.statSync(path).mtime?.getTime();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
