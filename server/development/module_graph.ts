// Which files does an application consist of? What Deno says of its module graph, and the files that say how it is resolved.

import { dirname, fromFileUrl, join } from "@std/path";

/** Files that `deno info` does not name, and that change what a module means: beside an application, or above it. */
const RESOLVING = ["deno.json", "deno.jsonc", "deno.lock", "package.json"];

/** The part of `deno info --json` that is read. */
interface Info {
  readonly modules?: readonly { readonly specifier?: string; readonly error?: string }[];
}

/** Files of a module graph. */
export interface ModuleFiles {
  /** Absolute paths; modules of packages and of other machines are left out. Those that are not there, but imported, are among them. */
  readonly files: readonly string[];
  /** False: a module is not there or cannot be read, and what it imports is not known. */
  readonly complete: boolean;
}

/** The files of the application with this URL. Dynamic imports count where their name is a literal. @throws Error that says what Deno has said */
export async function moduleFiles(url: string): Promise<ModuleFiles> {
  if (!url.startsWith("file:")) return { files: [], complete: true };
  const path = fromFileUrl(url);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", path],
    cwd: dirname(path),
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`deno info ${path}: ${decoder.decode(stderr).trim()}`);
  const { modules = [] } = JSON.parse(decoder.decode(stdout)) as Info;
  const own = modules.flatMap(({ specifier = "" }) =>
    specifier.startsWith("file:") && !specifier.includes("/node_modules/") ? [fromFileUrl(specifier)] : []
  );
  return {
    files: [path, ...own, ...resolvingFiles(dirname(path))],
    complete: modules.every(({ error }) => error === undefined),
  };
}

/** Of the nearest directory that has any. */
function resolvingFiles(directory: string): string[] {
  for (let at = directory;; at = dirname(at)) {
    const files = RESOLVING.map((name) => join(at, name));
    if (files.some(exists)) return files;
    if (dirname(at) === at) return [];
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
