// From where do children of another user load packages and compiled modules? From Deno's directory of whoever starts the server, if that user
// can read it; root's is closed to everybody else, so what is in it is laid out once more where all may read and only root may write: what
// children load is code, and a child must not be able to change what the next one runs.

import { dirname, join, resolve } from "@std/path";
import { homedir } from "node:os";
import { system } from "../platform/detect.ts";
import { type Identity, PrivilegeError } from "../platform/privileges.ts";

/** What children read of Deno's directory; the rest is made from it. */
const PARTS = ["npm", "remote"];
/** Where bundles of the server are there. */
export const BUNDLES = "mpmd";
/** Where it is laid out; systemd names a directory of the service's own (CacheDirectory=). */
const SHARED = "/var/cache/mpmd";
/** Others may write. */
const WRITABLE = 0o022;

/** Where Deno keeps packages and compiled modules (`deno info` says so too). */
export function denoDirectory(): string {
  const named = Deno.env.get("DENO_DIR");
  if (named) return resolve(named);
  if (system === "darwin") return join(homedir(), "Library/Caches/deno");
  return join(Deno.env.get("XDG_CACHE_HOME") || join(homedir(), ".cache"), "deno");
}

let laidOut: string | undefined;

/** The directory for children: this process's own, or what layOut() has made. */
export function childDenoDirectory(): string {
  return laidOut ?? denoDirectory();
}

/** Whether the directories above this process's own, and it itself, are open to `identity`; what is in it is for a try to show. */
export function isOpenTo({ user, group }: Identity): boolean {
  for (let path = denoDirectory();; path = dirname(path)) {
    let info: Deno.FileInfo;
    try {
      info = Deno.statSync(path);
    } catch (error) {
      // Whoever needs it makes it.
      if (error instanceof Deno.errors.NotFound) continue;
      throw error;
    }
    const mode = info.mode ?? 0;
    const bit = info.uid === user.id ? 0o100 : info.gid === group.id ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

/**
 * Lays out what children load, the bundle of that name too where it could be made; what has not changed since the last time stays as it is.
 * Children cannot keep there what they compile: when the name has changed, and the program with it, `entries` (URLs, as they are then) are
 * loaded once, so that they need not (2.2 s to the first answer became 1.2 s).
 * @throws PrivilegeError when there is no place that only root can write
 */
export async function layOut(bundle: string, entries: () => readonly string[]): Promise<void> {
  const base = resolve(Deno.env.get("CACHE_DIRECTORY") || SHARED);
  const to = join(base, `deno-${Deno.version.deno}`);
  try {
    for (const path of [base, to]) ownDirectory(path);
    for (const part of PARTS) layOutTree(join(denoDirectory(), part), join(to, part));
    ownDirectory(join(to, BUNDLES));
    layOutTree(join(denoDirectory(), BUNDLES, bundle), join(to, BUNDLES, bundle));
    laidOut = to;
    const compiled = join(to, "compiled");
    if (textOf(compiled) !== bundle) {
      await Promise.all(entries().map((entry) => compile(entry, to)));
      Deno.writeTextFileSync(compiled, bundle);
    }
  } catch (error) {
    if (!(error instanceof Error) || error instanceof PrivilegeError) throw error;
    throw new PrivilegeError(`what children load cannot be laid out in ${to}: ${error.message}`);
  }
}

/** Makes a directory that only its owner, who is this user, can write. */
function ownDirectory(path: string): void {
  Deno.mkdirSync(path, { recursive: true, mode: 0o755 });
  const { isDirectory, uid, mode } = Deno.lstatSync(path);
  if (isDirectory && uid === Deno.uid() && ((mode ?? 0) & WRITABLE) === 0) {
    Deno.chmodSync(path, 0o755);
    return;
  }
  throw new PrivilegeError(
    `${path} is for what children load: it has to be root's, and nobody else may write there`,
  );
}

/** Loads a module in a process of its own. @throws PrivilegeError with what Deno says */
async function compile(entry: string, directory: string): Promise<void> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--no-prompt", "--cached-only", entry, "-v"],
    env: { DENO_DIR: directory, NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code !== 0) {
    throw new PrivilegeError(`${entry} cannot be loaded: ${new TextDecoder().decode(stderr).trim()}`);
  }
}

function textOf(path: string): string | undefined {
  return laidOutFile(path) === undefined ? undefined : Deno.readTextFileSync(path);
}

function layOutTree(from: string, to: string): void {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(from)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  ownDirectory(to);
  for (const { name, isDirectory, isFile } of entries) {
    if (isDirectory) layOutTree(join(from, name), join(to, name));
    else if (isFile) layOutFile(join(from, name), join(to, name));
  }
}

function layOutFile(from: string, to: string): void {
  const { size, mtime } = Deno.statSync(from);
  const there = laidOutFile(to);
  if (there !== undefined && there.size === size && there.mtime! >= mtime!) return;
  // Under another name first: a child may be reading the old one.
  const fresh = `${to}.${Deno.pid}`;
  Deno.copyFileSync(from, fresh);
  Deno.chmodSync(fresh, 0o644);
  Deno.renameSync(fresh, to);
}

function laidOutFile(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
