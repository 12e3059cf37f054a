// What does --watch do? It restarts the server gracefully when a file has changed that the applications or the configuration consist of,
// and says how long it took from the save until the new version served, or once why it does not.

import { basename } from "@std/path";
import type { CarryOut, Supervisor } from "../../mpm/mod.ts";
import { FileWatch, modified } from "./file_watch.ts";
import { moduleFiles } from "./module_graph.ts";

/** What is watched, as the configuration in force says. */
export interface Watched {
  /** Of the configuration. */
  readonly files: readonly string[];
  /** URLs. */
  readonly applications: readonly string[];
}

/** Restarts a server when its files change. */
export class ProgramWatch implements Supervisor {
  readonly #watched: () => Watched;
  readonly #say: (text: string) => void;
  #carryOut: CarryOut = () => {};
  #watch: FileWatch | undefined;
  /** Files that were watched last: what a module imports that cannot be read now. */
  #known: readonly string[] = [];
  /** When what is loaded began to be loaded (ms since 1970). */
  #loadedAt = Date.now();
  /** The change that a restart is under way for, and when that file was saved. */
  #change: { readonly file: string; readonly savedAt: number } | undefined;
  /** What was read for a restart is in force. */
  #adopted = false;
  #ended = false;
  /** Lines about what does not load, without their numbers. */
  readonly #told = new Set<string>();

  /** @param say tells the developer */
  constructor(watched: () => Watched, say: (text: string) => void) {
    this.#watched = watched;
    this.#say = say;
  }

  /** How the restarts come to the server. */
  readonly remote = (carryOut: CarryOut): () => void => {
    this.#carryOut = carryOut;
    return () => this.#end();
  };

  /** Waits for a change, and restarts the server then. */
  watch(): void {
    this.#follow((file) => {
      this.#change = { file: basename(file), savedAt: modified(file) ?? Date.now() };
      this.#carryOut("graceful");
    });
  }

  /** The next change, while no server runs. */
  async nextChange(): Promise<void> {
    this.#ended = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#follow(() => resolve());
    await promise;
    this.#loadedAt = Date.now();
  }

  async #follow(changed: (file: string) => void): Promise<void> {
    const { files, applications } = this.#watched();
    const since = this.#loadedAt;
    const graphs = await Promise.all(applications.map(moduleFiles));
    const found = [...files, ...graphs.flatMap((graph) => graph.files)];
    if (graphs.every(({ complete }) => complete)) this.#known = found;
    else this.#known = [...new Set([...this.#known, ...found])];
    this.#watch?.close();
    if (this.#ended) return;
    this.#watch = new FileWatch(this.#known, since, changed);
  }

  reloading(): void {
    this.#adopted = false;
    this.#loadedAt = Date.now();
    this.#told.clear();
  }

  adopted(): void {
    this.#adopted = true;
  }

  ready(): void {
    if (this.#change === undefined) return;
    if (!this.#adopted) return this.failing();
    const { file, savedAt } = this.#change;
    this.#change = undefined;
    this.#say(`${file}: the new version serves, ${Date.now() - savedAt} ms after it was saved`);
    this.watch();
  }

  failing(): void {
    if (this.#change === undefined) return;
    const { file } = this.#change;
    this.#change = undefined;
    this.#say(`${file}: the new version does not start; the old one serves until the next change`);
    this.watch();
  }

  stopping(): void {
    this.#end();
  }

  /** True for a line of the error log that only repeats, for another thread or child, what was told since the last change. */
  repeats(message: string): boolean {
    const text = message.replace(/\b(pid|thread) \d+/g, "$1");
    if (this.#told.has(text)) return true;
    this.#told.add(text);
    return false;
  }

  #end(): void {
    this.#ended = true;
    this.#watch?.close();
  }
}
