// Who does a process run as? Users and groups by name or number, and the way from root to one of them, which leads only in one
// direction. The C library's part of httpd's mod_unixd.

import { errno, errnoText, openLibc } from "./posix.ts";

const os = Deno.build.os === "darwin" ? "darwin" : "linux";
const LIBRARY = os === "darwin" ? "libSystem.dylib" : "libc.so.6";

const SYMBOLS = {
  chown: { parameters: ["buffer", "u32", "u32"], result: "i32" },
  execv: { parameters: ["buffer", "buffer"], result: "i32" },
  getgrgid: { parameters: ["u32"], result: "pointer" },
  getgrnam: { parameters: ["buffer"], result: "pointer" },
  getpwnam: { parameters: ["buffer"], result: "pointer" },
  getpwuid: { parameters: ["u32"], result: "pointer" },
  initgroups: { parameters: ["buffer", "u32"], result: "i32" },
  setgid: { parameters: ["u32"], result: "i32" },
  setuid: { parameters: ["u32"], result: "i32" },
} as const;

const LINUX = { prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" } } as const;
const PR_SET_DUMPABLE = 4;

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let symbols: Symbols | undefined;

function libc(): Symbols {
  if (symbols === undefined) {
    openLibc();
    symbols = Deno.dlopen(LIBRARY, SYMBOLS).symbols;
  }
  return symbols;
}

/** A user or a group: its number and its name, as far as the system has one for it. */
export interface Account {
  readonly id: number;
  readonly name: string | undefined;
}

/** A user with the group that it has at login. */
export interface UserAccount extends Account {
  readonly primaryGroup: number | undefined;
}

/** Whom a process shall run as. Plain data. */
export interface Identity {
  readonly user: Account;
  readonly group: Account;
}

// struct passwd: name, password, uid, gid, ...; struct group: name, password, gid, ... The same on Linux and macOS.
const ID_AT = 16;
const PRIMARY_GROUP_AT = 20;
const HOME_AT = os === "darwin" ? 48 : 32;

function nameIn(entry: Deno.UnsafePointerView): string | undefined {
  const name = entry.getPointer(0);
  return name === null ? undefined : new Deno.UnsafePointerView(name).getCString();
}

/** The number in "#33". undefined: it is a name. @throws RangeError for "#" without a number that ids can have */
function numberIn(text: string): number | undefined {
  if (!text.startsWith("#")) return undefined;
  const id = /^#\d{1,10}$/.test(text) ? Number(text.slice(1)) : NaN;
  // The last one means "leave it as it is" to the system.
  if (!(id < 0xffffffff)) throw new RangeError(`${text} is no number of a user or group`);
  return id;
}

/**
 * The user that httpd's `User` means: a name, or `#` and a number (which need not have a name). undefined: there is none.
 * @throws RangeError
 */
export function findUser(text: string): UserAccount | undefined {
  const { getpwnam, getpwuid } = libc();
  const id = numberIn(text);
  const entry = id === undefined ? getpwnam(cString(text)) : getpwuid(id);
  if (entry === null) return id === undefined ? undefined : { id, name: undefined, primaryGroup: undefined };
  const view = new Deno.UnsafePointerView(entry);
  return { id: view.getUint32(ID_AT), name: nameIn(view), primaryGroup: view.getUint32(PRIMARY_GROUP_AT) };
}

/** For homeDirectory(), before a thread gives up FFI. */
export function loadAccounts(): void {
  libc();
}

/** Where the system says that a user is at home. */
export function homeDirectory(user: string): string | undefined {
  const entry = libc().getpwnam(cString(user));
  const path = entry === null ? null : new Deno.UnsafePointerView(entry).getPointer(HOME_AT);
  return path === null ? undefined : new Deno.UnsafePointerView(path).getCString();
}

/** The group that httpd's `Group` means. @throws RangeError */
export function findGroup(text: string): Account | undefined {
  const { getgrnam, getgrgid } = libc();
  const id = numberIn(text);
  const entry = id === undefined ? getgrnam(cString(text)) : getgrgid(id);
  if (entry === null) return id === undefined ? undefined : { id, name: undefined };
  const view = new Deno.UnsafePointerView(entry);
  return { id: view.getUint32(ID_AT), name: nameIn(view) };
}

/** This process may become another user. */
export function isRoot(): boolean {
  return Deno.uid() === 0;
}

/** A step to another identity that the system refuses. The message begins with httpd's number of it. */
export class PrivilegeError extends Error {
  override readonly name = "PrivilegeError";
}

function refused(ah: string, step: string): PrivilegeError {
  const code = errno();
  return new PrivilegeError(`${ah}: (${code})${errnoText(code)}: ${step}`);
}

/**
 * Makes this process, with all of its threads, run as `identity`, with the supplementary groups of its user. There is no way
 * back. The C library changes all threads at once on Linux, the kernel on macOS.
 * @throws PrivilegeError (AH02155, AH02156, AH02157, AH02162); whoever called must then end the process
 */
export function becomeUser({ user, group }: Identity): void {
  const { setgid, initgroups, setuid } = libc();
  if (user.name === undefined) {
    throw new PrivilegeError(
      `AH02155: no user has the number ${user.id}: its supplementary groups cannot be found`,
    );
  }
  if (setgid(group.id) < 0) throw refused("AH02156", `setgid: unable to set group id to ${text(group)}`);
  if (initgroups(cString(user.name), group.id) < 0) {
    throw refused("AH02157", `initgroups: unable to set groups of ${text(user)}, Group ${text(group)}`);
  }
  if (setuid(user.id) < 0) throw refused("AH02162", `setuid: unable to change to uid: ${user.id}`);
  if (user.id !== 0 && setuid(0) === 0) {
    throw new PrivilegeError(`AH02162: setuid: ${text(user)} could become root again`);
  }
}

function text({ id, name }: Account): string {
  return name === undefined ? `#${id}` : `${name} (${id})`;
}

/** Gives a file to another user. @throws PrivilegeError */
export function giveTo(path: string, { user, group }: Identity): void {
  if (libc().chown(cString(path), user.id, group.id) < 0) throw refused("AH00099", `chown ${path}`);
}

/**
 * Other processes of the same user may neither look into this one nor trace it, and it leaves no core dump: what httpd's
 * children are after setuid(). Linux; elsewhere nothing changes.
 */
export function forbidTracing(): void {
  if (os !== "linux") return;
  const { prctl } = Deno.dlopen(LIBRARY, LINUX).symbols;
  if (prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n) < 0) throw refused("AH02163", "prctl(PR_SET_DUMPABLE)");
}

/**
 * Becomes another program: the same process id, its environment, and every descriptor that is not close-on-exec.
 * @throws PrivilegeError when it cannot; else it does not return
 */
export function replaceProcess(executable: string, args: readonly string[]): never {
  const strings = [executable, ...args].map(cString);
  const pointers = new BigUint64Array(strings.length + 1);
  strings.forEach((string, i) => pointers[i] = Deno.UnsafePointer.value(Deno.UnsafePointer.of(string)));
  libc().execv(strings[0], new Uint8Array(pointers.buffer));
  throw refused("AH00159", `exec ${executable}`);
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}
