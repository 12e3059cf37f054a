// How is Deno kept from opening its inspector when SIGUSR1 comes? A signal that is blocked in all threads reaches no handler. Threads have the mask of
// the thread that started them, and those of Deno run before any of our code. So a control process starts itself anew (exec: the same
// process) with the signal blocked. Linux; see inspector_signal.ts for what is done about it elsewhere.

import { libraryName } from "./posix.ts";
import { PrivilegeError, replaceProcess } from "./privileges.ts";

const SYMBOLS = { pthread_sigmask: { parameters: ["i32", "buffer", "pointer"], result: "i32" } } as const;
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const SIGUSR1 = 10;
/** Bytes of glibc's sigset_t. */
const SIGSET = 128;

/** The set with SIGUSR1 alone. */
export function onlyUsr1(): Uint8Array<ArrayBuffer> {
  const set = new Uint8Array(SIGSET);
  set[SIGUSR1 - 1 >> 3] = 1 << (SIGUSR1 - 1 & 7);
  return set;
}

/** True when SIGUSR1 waits until it is asked for. */
export function isUsr1Blocked(): boolean {
  if (Deno.build.os !== "linux") return false;
  const blocked = /^SigBlk:\s*([0-9a-f]+)$/m.exec(Deno.readTextFileSync("/proc/self/status"));
  return blocked !== null && (BigInt(`0x${blocked[1]}`) >> BigInt(SIGUSR1 - 1) & 1n) === 1n;
}

/**
 * Starts this process anew with SIGUSR1 blocked, unless it is already. To be called before anything is opened or said; where it
 * cannot be done the process goes on as it is.
 */
export function blockInspectorSignal(): void {
  if (Deno.build.os !== "linux" || isUsr1Blocked()) return;
  const [, ...args] = Deno.readTextFileSync("/proc/self/cmdline").split("\0").slice(0, -1);
  const { pthread_sigmask } = Deno.dlopen(libraryName, SYMBOLS).symbols;
  pthread_sigmask(SIG_BLOCK, onlyUsr1(), null);
  try {
    replaceProcess(Deno.execPath(), args);
  } catch (error) {
    // An executable that has been replaced on disk cannot be had any more: the inspector will be closed as soon as it opens.
    if (!(error instanceof PrivilegeError)) throw error;
    pthread_sigmask(SIG_UNBLOCK, onlyUsr1(), null);
  }
}
