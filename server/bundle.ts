// How does the server run in a process whose import map is an application's? As one bundle, without bare names. It is made by
// `deno bundle` when it is needed first, and kept in Deno's directory until the server's modules change.

import { dirname, fromFileUrl, join, toFileUrl } from "@std/path";
import { createHash } from "node:crypto";
import { childDenoDirectory } from "./child_cache.ts";
import { VERSION } from "./version.ts";

/** The server cannot be bundled. */
export class BundleError extends Error {
  override readonly name = "BundleError";
}

/** The modules that processes are started with. */
const ENTRIES = ["child", "probe", "start", "thread"];
/** Where the server's own modules are, below the directory of mod.ts. */
const SOURCES = ["entry", "mpm", "server", "modules", "platform", "std"];
/** Bundles of other versions are removed when nobody has made one for so long (ms). */
const KEPT_MS = 30 * 86_400_000;

const ROOT = new URL("..", import.meta.url);

/** The URL of one of the entries ("probe") as it is. */
export function unbundled(entry: string): string {
  return new URL(`entry/${entry}.ts`, ROOT).href;
}

/** The URL of one of the entries ("child") in the bundle, which makeBundle() has made. */
export function bundled(entry: string): string {
  return toFileUrl(join(directory(), `${entry}.js`)).href;
}

/** The directory of the bundle, which makeBundle() has made. */
export function bundleDirectory(): string {
  return directory();
}

/** Makes the bundle, if it is not there. @throws BundleError with what Deno says */
export async function makeBundle(): Promise<void> {
  const made = directory();
  if (!exists(made)) await make(dirname(made), made);
}

function directory(): string {
  return join(childDenoDirectory(), "mpmd", versionKey());
}

/** What the bundle depends on: the modules as they are, or the version where they do not change. */
function versionKey(): string {
  const hash = createHash("sha256").update(`${VERSION} ${Deno.version.deno} ${ROOT.href}\n`);
  if (ROOT.protocol === "file:") { for (const name of SOURCES) addTree(hash, join(fromFileUrl(ROOT), name)); }
  return hash.digest("hex").slice(0, 24);
}

function addTree(hash: ReturnType<typeof createHash>, directory: string): void {
  const entries = [...Deno.readDirSync(directory)].sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory } of entries) {
    const path = join(directory, name);
    if (isDirectory) addTree(hash, path);
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) {
      const { mtime, size } = Deno.statSync(path);
      hash.update(`${path} ${mtime?.getTime()} ${size}\n`);
    }
  }
}

async function make(parent: string, directory: string): Promise<void> {
  removeOld(parent);
  Deno.mkdirSync(parent, { recursive: true });
  const made = Deno.makeTempDirSync({ dir: parent, prefix: "making-" });
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform", "deno", "--code-splitting", "--outdir", made],
      ...ENTRIES.map(unbundled),
    ],
    cwd: ROOT.protocol === "file:" ? fromFileUrl(ROOT) : undefined,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) {
    Deno.removeSync(made, { recursive: true });
    throw new BundleError(
      "for applications with a Deno configuration of their own the server is bundled once, which failed: " +
        new TextDecoder().decode(stderr).trim(),
    );
  }
  Deno.chmodSync(made, 0o755);
  try {
    Deno.renameSync(made, directory);
  } catch (error) {
    // Another start of the server has made the same meanwhile.
    Deno.removeSync(made, { recursive: true });
    if (!exists(directory)) throw error;
  }
}

function removeOld(parent: string): void {
  if (!exists(parent)) return;
  for (const { name } of Deno.readDirSync(parent)) {
    const path = join(parent, name);
    const { mtime } = Deno.statSync(path);
    if (mtime !== null && Date.now() - mtime.getTime() > KEPT_MS) Deno.removeSync(path, { recursive: true });
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
