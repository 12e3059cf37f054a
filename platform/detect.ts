// What is this machine, what can be done on it, and which MPM suits it? The only place that asks for the operating system.

import * as posix from "./posix.ts";

/** The kinds of operating system that make a difference. */
export type SystemKind = "linux" | "darwin" | "windows" | "unix";

/** The operating system this process runs on. */
export const system: SystemKind = kindOf(Deno.build.os);

function kindOf(os: string): SystemKind {
  if (os === "linux" || os === "android") return "linux";
  if (os === "darwin" || os === "windows") return os;
  return "unix";
}

/** What httpd prints in parentheses after the version. */
export const systemTitle: string = system === "windows" ? "Win64" : "Unix";

/** An answer of the probe, with what it rests on. */
export interface Finding {
  readonly available: boolean;
  readonly reason: string;
}

/** What this process can do. */
export interface Capabilities {
  /** libc answers: connections are bare descriptors that threads and children share. */
  readonly "descriptor passing": Finding;
  /** Deno.Command may start this executable again. */
  readonly "subprocesses": Finding;
  readonly "web workers": Finding;
  /** SIGHUP, SIGUSR1 and SIGWINCH can be received. */
  readonly "unix signals": Finding;
  /** Children can be given another user (User, Group): the server was started by root. */
  readonly "users": Finding;
}

/** The default MPM, and why. */
export interface DefaultMpm {
  readonly name: "event" | "worker" | "mpm_winnt";
  readonly reason: string;
}

/** httpd's choice for an operating system (mpm.md 2.1). */
export function defaultMpm(kind: SystemKind = system): DefaultMpm {
  if (kind === "windows") return { name: "mpm_winnt", reason: "the MPM for Windows" };
  if (kind === "linux") return { name: "event", reason: "Linux has epoll" };
  return { name: "worker", reason: "a Unix with threads" };
}

/**
 * Processors this process may use; at least 1. Deno counts those of its CPU affinity, and no more than the quota of its cgroup
 * allows for, rounded down (cpu.max, cpu.cfs_quota_us).
 */
export function processorCount(): number {
  return Math.max(1, navigator.hardwareConcurrency);
}

/** Tries out what the MPMs build on. Changes nothing that lasts. */
export async function probe(): Promise<Capabilities> {
  return {
    "descriptor passing": passesDescriptors(),
    "subprocesses": await probePermission(
      { name: "run", command: Deno.execPath() },
      "Deno.Command may run this executable",
    ),
    "web workers": { available: typeof Worker === "function", reason: "Worker is a global" },
    "unix signals": system === "windows"
      ? { available: false, reason: "Windows has no SIGHUP, SIGUSR1 or SIGWINCH" }
      : { available: true, reason: "a Unix system" },
    "users": probeUsers(),
  };
}

function probeUsers(): Finding {
  const uid = Deno.uid();
  if (uid === null) return { available: false, reason: `${Deno.build.os} has no user ids` };
  return {
    available: uid === 0,
    reason: uid === 0 ? "started by root" : `started by user ${uid}, not by root`,
  };
}

/** Whether connections are descriptors that threads and children share. Loads the C library for this thread if so. */
export function passesDescriptors(): Finding {
  if (system !== "linux" && system !== "darwin") {
    return { available: false, reason: `sockets of ${Deno.build.os} are not shared by number` };
  }
  try {
    posix.openLibc();
    return { available: true, reason: "the C library is loaded through FFI" };
  } catch (error) {
    return { available: false, reason: `the C library cannot be loaded: ${(error as Error).message}` };
  }
}

async function probePermission(descriptor: Deno.PermissionDescriptor, reason: string): Promise<Finding> {
  const { state } = await Deno.permissions.query(descriptor);
  return state === "granted"
    ? { available: true, reason }
    : { available: false, reason: `permission "${descriptor.name}" is not granted` };
}
