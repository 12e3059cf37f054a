// How does the configuration reader see the file system? Through three functions, so that tests need no files.

/** What the reader asks of a file system. All of it throws the system's error when a name cannot be read. */
export interface ConfigFiles {
  readTextFile(path: string): string;
  /** What is there; undefined if nothing is. */
  stat(path: string): { readonly isDirectory: boolean } | undefined;
  /** The names in a directory, in any order. */
  readDir(path: string): readonly string[];
}

/** The file system of this machine. */
export const denoFiles: ConfigFiles = {
  readTextFile: (path) => Deno.readTextFileSync(path),
  stat(path) {
    try {
      return { isDirectory: Deno.statSync(path).isDirectory };
    } catch (error) {
      // ENOTDIR: a part of the way is a file; then nothing is there either.
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
        return undefined;
      }
      throw error;
    }
  },
  readDir: (path) => [...Deno.readDirSync(path)].map(({ name }) => name),
};
