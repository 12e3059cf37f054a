// Who takes note of processes whose parents have died? In a container the first process: a server with process id 1 gets the
// orphans of its children (programs that a handler had started), and has to fetch their status, or they stay as zombies. Linux.

import { openLibc } from "./posix.ts";

const SYMBOLS = { waitpid: { parameters: ["i32", "pointer", "i32"], result: "i32" } } as const;
const WNOHANG = 1;

/** Fetches the status of orphans that have become children of this process. */
export class OrphanReaper {
  readonly #libc: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  #dead: ReadonlySet<number> = new Set();

  /** @throws what Deno.dlopen throws */
  constructor() {
    openLibc();
    this.#libc = Deno.dlopen("libc.so.6", SYMBOLS).symbols;
  }

  /**
   * To be called now and then. Deno fetches the status of what it has started itself as soon as it can: who was dead at the
   * last call and still is, is nobody's.
   */
  reap(): void {
    const dead = deadChildren();
    for (const pid of dead) if (this.#dead.has(pid)) this.#libc.waitpid(pid, null, WNOHANG);
    this.#dead = dead;
  }
}

/** Children of this process that have ended and whose status nobody has fetched. */
function deadChildren(): ReadonlySet<number> {
  const dead = new Set<number>();
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(name);
    // The name, in parentheses, may have any characters; state and parent follow it.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z" && Number(parent) === Deno.pid) dead.add(Number(name));
  }
  return dead;
}

/** /proc/PID/stat; "" when the process is gone meanwhile. */
function statOf(pid: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/stat`);
  } catch (error) {
    // No such file, or (ESRCH) it went while it was read.
    if (error instanceof Deno.errors.NotFound || /os error 3\b/.test(String(error))) return "";
    throw error;
  }
}
