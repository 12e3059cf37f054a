// How does a server use SIGUSR1, which Deno has taken for itself? Deno opens its inspector on 127.0.0.1:9229 for that signal, and
// whoever on the machine is quick could run code there as this user, be it root. No handler of ours can prevent that, but a
// signal that is blocked in all threads reaches no handler: it waits until somebody asks for it.
//
// Threads have the mask of the thread that started them, and those of Deno run before any of our code. So a control process
// starts itself anew (exec: the same process) with the signal blocked. Linux; elsewhere the inspector is closed at once.

import { libraryName } from "./posix.ts";
import { PrivilegeError, replaceProcess } from "./privileges.ts";
import { closeInspector, onSignals } from "./signals.ts";

const SYMBOLS = {
  pthread_sigmask: { parameters: ["i32", "buffer", "pointer"], result: "i32" },
  sigwait: { parameters: ["buffer", "buffer"], result: "i32", nonblocking: true },
} as const;
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
const SIGUSR1 = 10;
/** Bytes of glibc's sigset_t. */
const SIGSET = 128;

function open(): Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] {
  return Deno.dlopen(libraryName, SYMBOLS).symbols;
}

/** The set with SIGUSR1 alone. */
function onlyUsr1(): Uint8Array<ArrayBuffer> {
  const set = new Uint8Array(SIGSET);
  set[SIGUSR1 - 1 >> 3] = 1 << (SIGUSR1 - 1 & 7);
  return set;
}

/** True when SIGUSR1 waits until it is asked for. */
function isBlocked(): boolean {
  if (Deno.build.os !== "linux") return false;
  const blocked = /^SigBlk:\s*([0-9a-f]+)$/m.exec(Deno.readTextFileSync("/proc/self/status"));
  return blocked !== null && (BigInt(`0x${blocked[1]}`) >> BigInt(SIGUSR1 - 1) & 1n) === 1n;
}

/**
 * Starts this process anew with SIGUSR1 blocked, unless it is already. To be called before anything is opened or said; where it
 * cannot be done the process goes on as it is.
 */
export function blockInspectorSignal(): void {
  if (Deno.build.os !== "linux" || isBlocked()) return;
  const [, ...args] = Deno.readTextFileSync("/proc/self/cmdline").split("\0").slice(0, -1);
  const { pthread_sigmask } = open();
  pthread_sigmask(SIG_BLOCK, onlyUsr1(), null);
  try {
    replaceProcess(Deno.execPath(), args);
  } catch (error) {
    // An executable that has been replaced on disk cannot be had any more: the inspector will be closed as soon as it opens.
    if (!(error instanceof PrivilegeError)) throw error;
    pthread_sigmask(SIG_UNBLOCK, onlyUsr1(), null);
  }
}

/** Calls `handler` for each SIGUSR1. Returns a function that ends it. */
export function onUsr1(handler: () => void): () => void {
  if (!isBlocked()) {
    return onSignals(["SIGUSR1"], () => {
      closeInspector();
      handler();
    });
  }
  let ended = false;
  const wait = async () => {
    const { sigwait } = open();
    const which = new Uint8Array(4);
    // The call that is left waiting at the end ends with the process.
    while (!ended && await sigwait(onlyUsr1(), which) === 0) if (!ended) handler();
  };
  wait();
  return () => ended = true;
}
