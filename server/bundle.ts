// How does the server run? As one bundle, without bare names: it is loaded in half the time that its modules take, and in a process whose import map
// is an application's. It is made by `deno bundle` when it is needed first, and kept in Deno's directory until the server's modules change.

import { basename, dirname, fromFileUrl, join, toFileUrl } from "@std/path";
import { BUNDLES, childDenoDirectory } from "./child_cache.ts";
import { RUNNING_BUNDLE } from "./own_code.ts";
import { VERSION } from "./version.ts";

/** The server cannot be bundled. */
export class BundleError extends Error {
  override readonly name = "BundleError";
}

/** The modules that processes are started with. */
const ENTRIES = ["child", "launcher", "probe", "start", "thread"];
/** Where the server's own modules are, below the directory of mod.ts. */
const SOURCES = ["entry", "mpm", "server", "modules", "platform", "std"];
/** Bundles of other versions are removed when no server has been started from one for so long (ms): one may be running. */
const KEPT_MS = 365 * 86_400_000;
/** Making one takes about a second, and a download of esbuild the first time: after so long (ms) it is given up. */
const MAKING_MS = 60_000;

/** Of the modules; for what runs from the bundle they are not there. */
const ROOT = new URL("..", import.meta.url);

/** The name of the bundle that findBundle() has looked for. */
let looked: string | undefined;

/** The URL of one of the entries ("probe") for processes that run the same code as this one. */
export function entryUrl(entry: string): string {
  return RUNNING_BUNDLE === undefined ? new URL(`entry/${entry}.ts`, ROOT).href : bundled(entry);
}

/** The URL of one of the entries ("child") in the bundle, which makeBundle() has made. */
export function bundled(entry: string): string {
  return toFileUrl(join(bundleDirectory(), `${entry}.js`)).href;
}

/** The directory of the bundle, which makeBundle() has made; for children, where they can read it. */
export function bundleDirectory(): string {
  return join(childDenoDirectory(), BUNDLES, bundleName());
}

/** The name of the bundle's own directory, which says what the modules are; it has been looked for, whether or not it could be made. */
export function bundleName(): string {
  if (RUNNING_BUNDLE !== undefined) return basename(fromFileUrl(RUNNING_BUNDLE));
  if (looked === undefined) throw new Error("no bundle has been looked for");
  return looked;
}

/** The URL of the entry "start" in the bundle of what the modules are now; undefined: it is not there. */
export async function findBundle(): Promise<string | undefined> {
  looked = await versionKey();
  return exists(bundleDirectory()) ? bundled("start") : undefined;
}

/** Makes the bundle, if it is not there. Returns the URL of its entry "start". @throws BundleError with what Deno or the system says */
export async function makeBundle(): Promise<string> {
  if (RUNNING_BUNDLE !== undefined) return bundled("start");
  const found = await findBundle();
  if (found === undefined) await make(bundleDirectory());
  else noteUse(bundleDirectory());
  return bundled("start");
}

/** Whoever looks for old ones sees that this one is in use. */
function noteUse(directory: string): void {
  try {
    Deno.utimeSync(directory, new Date(), new Date());
  } catch (error) {
    // It is somebody else's, who removes it, or not.
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
}

/** What the bundle depends on: the modules as they are, or the version where they do not change. */
async function versionKey(): Promise<string> {
  const lines = [`${VERSION} ${Deno.version.deno} ${ROOT.href}`];
  if (ROOT.protocol === "file:") {
    for (const name of SOURCES) {
      addTree(lines, join(fromFileUrl(ROOT), name));
    }
  }
  // Deno's own: node:crypto takes 25 ms to load.
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(lines.join("\n")));
  return new Uint8Array(hash, 0, 12).toHex();
}

function addTree(lines: string[], directory: string): void {
  const entries = [...Deno.readDirSync(directory)].sort((a, b) => a.name < b.name ? -1 : 1);
  for (const { name, isDirectory } of entries) {
    const path = join(directory, name);
    if (isDirectory) addTree(lines, path);
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) {
      const { mtime, size } = Deno.statSync(path);
      lines.push(`${path} ${mtime?.getTime()} ${size}`);
    }
  }
}

const FAILED = "the server is bundled once after each change, which failed";

async function make(directory: string): Promise<void> {
  const parent = dirname(directory);
  let made: string;
  try {
    removeOld(parent);
    Deno.mkdirSync(parent, { recursive: true });
    made = Deno.makeTempDirSync({ dir: parent, prefix: "making-" });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new BundleError(`${FAILED}: ${error.message}`);
  }
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--platform", "deno", "--code-splitting", "--outdir", made],
      ...ENTRIES.map(entryUrl),
    ],
    cwd: ROOT.protocol === "file:" ? fromFileUrl(ROOT) : undefined,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal: AbortSignal.timeout(MAKING_MS),
  }).output();
  if (code !== 0) {
    Deno.removeSync(made, { recursive: true });
    throw new BundleError(`${FAILED}: ${new TextDecoder().decode(stderr).trim() || "it takes too long"}`);
  }
  Deno.chmodSync(made, 0o755);
  // Children of another user read them, whatever this one's umask is.
  for (const { name } of Deno.readDirSync(made)) Deno.chmodSync(join(made, name), 0o644);
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
