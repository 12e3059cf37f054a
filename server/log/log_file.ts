// Who opens a log? The control process, as the user who started it: children inherit the descriptor, and write to logs that
// they, as another user, could not open. Where descriptors are not inherited (Windows, no FFI), each thread opens the path.

import { dirname } from "@std/path";
import * as posix from "../../platform/posix.ts";
import { LogError } from "../request/module.ts";

/** The logs that were opened for this thread: absolute path -> descriptor. */
export type LogDescriptors = Readonly<Record<string, number>>;

/** Standard output and error, which children have as they are. */
const STANDARD: ReadonlyMap<string, number> = new Map([["/dev/stdout", 1], ["/dev/stderr", 2]]);

/** Takes the logs of a configuration, one after the other. */
export interface LogOpener {
  /** Opens the log `path` (absolute), and makes file and directory if need be. @throws LogError beginning with `complaint` */
  open(path: string, complaint: string): void;
}

/**
 * The logs of a control process, open for its children. A log keeps its descriptor when it is opened anew, so that the
 * configuration that was in force before stays good until closeOthers().
 */
export class InheritedLogs implements LogOpener {
  readonly #descriptors = new Map<string, number>();
  readonly #named = new Set<string>();

  /** @param inherited children get the descriptors; else only whether they could be opened is seen */
  constructor(readonly inherited: boolean) {
    if (inherited) posix.openLibc();
  }

  get descriptors(): LogDescriptors {
    return Object.fromEntries(this.inherited ? [...STANDARD, ...this.#descriptors] : []);
  }

  /** The logs of another configuration follow. */
  begin(): void {
    this.#named.clear();
  }

  open(path: string, complaint: string): void {
    // To open them anew is only for whoever they belong to, who may be another user.
    if (this.inherited && STANDARD.has(path)) return;
    try {
      // A fresh checkout has no logs/.
      Deno.mkdirSync(dirname(path), { recursive: true });
      if (!this.inherited) Deno.openSync(path, { append: true, create: true }).close();
      else if (!this.#named.has(path)) this.#openDescriptor(path);
      this.#named.add(path);
    } catch (error) {
      throw new LogError(`${complaint} ${path}: ${(error as Error).message}`);
    }
  }

  #openDescriptor(path: string): void {
    const fresh = posix.openForAppend(path);
    const known = this.#descriptors.get(path);
    try {
      if (known === undefined) this.#descriptors.set(path, posix.duplicate(fresh, true));
      else posix.redirect(fresh, known);
    } finally {
      posix.close(fresh);
    }
  }

  /** The configuration whose logs were opened last is in force: those that only earlier ones named are closed. */
  closeOthers(): void {
    for (const [path, fd] of [...this.#descriptors]) {
      if (this.#named.has(path)) continue;
      this.#descriptors.delete(path);
      posix.close(fd);
    }
  }
}

/**
 * What writes to the log `path` in a server thread: takes some of the bytes, as write(2) does, and returns how many. What is
 * written in one call stays together. @throws SystemError; what Deno.openSync throws where each thread opens its own
 */
export function logOutput(path: string, descriptors: LogDescriptors): (bytes: Uint8Array) => number {
  const fd = descriptors[path];
  if (fd === undefined) {
    const file = Deno.openSync(path, { append: true, create: true });
    return (bytes) => file.writeSync(bytes);
  }
  return (bytes) => {
    for (;;) {
      const n = posix.write(fd, bytes as Uint8Array<ArrayBuffer>);
      if (n >= 0) return n;
      if (n !== -posix.Errno.EINTR) throw new posix.SystemError("write", -n);
    }
  };
}
