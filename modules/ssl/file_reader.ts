// What do the files say that directives name? Each is read once.

import { join } from "@std/path";
import { ConfigError } from "../../server/config/mod.ts";
import type { NamedFile } from "./config.ts";

/** Files, each read once. */
export class FileReader {
  readonly #texts = new Map<string, string>();

  text({ path, where, directive }: NamedFile): string {
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    try {
      const text = Deno.readTextFileSync(path);
      this.#texts.set(path, text);
      return text;
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const reason = error instanceof Deno.errors.NotFound ? "does not exist" : "cannot be read";
      throw new ConfigError(where, `${directive}: file '${path}' ${reason}, or is empty`, directive);
    }
  }

  /** Of files, and of all files in directories. */
  all(files: readonly NamedFile[]): string {
    return files.map((file) =>
      this.#folder(file)?.map((each) => this.text(each)).join("\n") ?? this.text(file)
    )
      .join("\n");
  }

  /** The files of a directory; undefined: it is none. */
  #folder({ path, where, directive }: NamedFile): NamedFile[] | undefined {
    if (!directive.endsWith("Path")) return undefined;
    try {
      return [...Deno.readDirSync(path)].filter(({ isFile, isSymlink, name }) =>
        (isFile || isSymlink) && /\.(?:pem|crt|cer|crl|\w?\d+)$/i.test(name)
      ).map(({ name }) => name).sort().map((name) => ({ path: join(path, name), where, directive }));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new ConfigError(where, `${directive}: directory '${path}' cannot be read`, directive);
    }
  }
}
