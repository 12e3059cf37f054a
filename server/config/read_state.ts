// What has changed up to this line of a configuration? Defines, ServerRoot, and the answers to conditions.

import type { Facts } from "./conditions.ts";
import type { Where } from "./errors.ts";
import { expandVariables } from "./grammar.ts";
import { isReaderDirective } from "./line_directives.ts";
import type { ConfigWarning, IncludedFile, ReadOptions } from "./read_options.ts";

/** What the lines read so far have set. */
export class ReadState implements Facts {
  readonly defines = new Map<string, string | undefined>();
  readonly includes: IncludedFile[] = [];
  readonly warnings: ConfigWarning[] = [];
  readonly version: string;
  currentRoot: string;
  readonly #options: ReadOptions;
  /** Values by name in lower case: httpd tells the names of <IfDefine> by case, those of variables not. */
  readonly #variables = new Map<string, string>();

  constructor(options: ReadOptions) {
    this.#options = options;
    this.version = options.version;
    this.currentRoot = options.serverRoot;
    for (const name of options.defines ?? []) this.defines.set(name, undefined);
    for (const [name, value] of options.inherited ?? []) this.define(name, value);
  }

  serverRoot(): string {
    return this.currentRoot;
  }

  isDefined(name: string): boolean {
    return this.defines.has(name);
  }

  hasModule(name: string): boolean {
    return this.#options.hasModule(name);
  }

  hasDirective(name: string): boolean {
    return isReaderDirective(name) || this.#options.hasDirective(name);
  }

  /** As httpd: what cannot be looked at, for want of permission or because no file can be called so, is not there. */
  exists(path: string): boolean {
    try {
      return this.#options.files.stat(path) !== undefined;
    } catch (error) {
      if (error instanceof Error) return false;
      throw error;
    }
  }

  define(name: string, value: string | undefined): void {
    this.defines.set(name, value);
    if (value !== undefined) this.#variables.set(name.toLowerCase(), value);
  }

  undefine(name: string): void {
    this.defines.delete(name);
    this.#variables.delete(name.toLowerCase());
  }

  /** `text` with its variables replaced: defines first, then the environment. @throws ArgumentError */
  expand(text: string, where: Where): string {
    return expandVariables(
      text,
      (name) => this.#variables.get(name.toLowerCase()) ?? this.#options.environment(name),
      (name) => {
        this.warnings.push({ ...where, message: `AH00111: Config variable \${${name}} is not defined` });
      },
    );
  }
}
