// Who opens a log? The control process, as the user who started it: children inherit the descriptor, and write to logs that
// they, as another user, could not open. Where descriptors are not inherited (Windows, no FFI), each thread opens the path.

import { dirname } from "@std/path";
import { environmentVariable } from "../../platform/environment.ts";
import * as posix from "../../platform/posix.ts";
import { giveTo, type Identity } from "../../platform/privileges.ts";
import { LogError } from "../request/module.ts";
import { LogProgram } from "./log_program.ts";
import { fileNow } from "./rotating_file.ts";
import { syslogTrouble } from "./syslog.ts";
import { type LogTarget, type ProgramTarget, type RotatingTarget, targetKey } from "./target.ts";

/** What server threads are told of the logs that were opened for them. Plain data. */
export interface OpenedLogs {
  /** The key of a target -> its descriptor; empty where each thread opens its own. */
  readonly descriptors: Readonly<Record<string, number>>;
  /** The key of a target that rotates -> the file that was opened for it. */
  readonly rotating: Readonly<Record<string, string>>;
  /** Standard error leads to systemd's journal, which reads a priority before each line (sd-daemon(3)). */
  readonly journal: boolean;
}

/** Takes the logs of a configuration, one after the other. */
export interface LogOpener {
  /** Opens a log: makes file and directory if need be, starts a program. @throws LogError beginning with `complaint` */
  open(target: LogTarget, complaint: string): void;
}

/** When the server ends, programs have this long (ms) to write what they have got before they are sent TERM. */
const FINISH_MS = 2000;

/** What the logs of a control process need from it. */
export interface InheritedLogsParts {
  /** Children get the descriptors; else only whether a log could be opened is seen. */
  readonly inherited: boolean;
  /** For programs. */
  readonly serverRoot: string;
  /** There is no terminal to print to. */
  readonly background: boolean;
  /** What becomes of programs, for the error log. */
  readonly onProblem: (ah: string, message: string) => void;
}

/**
 * The logs of a control process, open for its children. A log keeps its descriptor when it is opened anew, so that the
 * configuration that was in force before stays good until closeOthers().
 */
export class InheritedLogs implements LogOpener {
  readonly #descriptors = new Map<string, number>();
  readonly #rotating = new Map<string, string>();
  readonly #programs = new Map<string, LogProgram>();
  /** Programs of earlier configurations that still read what old children write. */
  readonly #releasedPrograms = new Set<LogProgram>();
  readonly #named = new Set<string>();
  readonly #journal = leadsToJournal();
  #errors: LogTarget | undefined;
  #identity: Identity | undefined;

  constructor(readonly parts: InheritedLogsParts) {
    if (parts.inherited) posix.openLibc();
  }

  get opened(): OpenedLogs {
    return {
      descriptors: Object.fromEntries(this.#descriptors),
      rotating: Object.fromEntries(this.#rotating),
      journal: this.#journal,
    };
  }

  /**
   * The logs of another configuration follow; `errors` is its error log, where programs may complain, `identity` is whom children
   * run as, if not as this process.
   */
  begin(errors: LogTarget, identity: Identity | undefined): void {
    this.#named.clear();
    this.#errors = errors;
    this.#identity = identity;
  }

  open(target: LogTarget, complaint: string): void {
    const key = targetKey(target);
    if (this.#named.has(key)) return;
    try {
      this.#open(key, target);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new LogError(`${complaint} ${key}: ${error.message}`);
    }
    this.#named.add(key);
  }

  #open(key: string, target: LogTarget): void {
    switch (target.kind) {
      case "file":
        return this.#openFile(key, target.path);
      case "rotating":
        return this.#openRotating(key, target);
      case "standard":
        return this.#openStandard(key, target.stream === "output" ? 1 : 2);
      case "program":
        return this.#startProgram(key, target);
      case "syslog": {
        const trouble = syslogTrouble();
        if (trouble !== undefined) throw new Error(trouble);
      }
    }
  }

  #openFile(key: string, path: string): void {
    // A fresh checkout has no logs/.
    Deno.mkdirSync(dirname(path), { recursive: true });
    if (this.parts.inherited) this.#put(key, posix.openForAppend(path));
    else Deno.openSync(path, { append: true, create: true }).close();
  }

  #openRotating(key: string, target: RotatingTarget): void {
    Deno.mkdirSync(dirname(target.pattern), { recursive: true });
    const path = fileNow(target, Date.now());
    this.#openFile(key, path);
    // A child makes the next file, and may come to this one when a generation before it has opened another.
    if (this.#identity !== undefined) {
      const directory = dirname(path);
      if (!mayMakeFiles(directory, this.#identity)) {
        const { user } = this.#identity;
        throw new Error(
          `${user.name ?? `#${user.id}`} makes the next file, and may not write in ${directory}`,
        );
      }
      giveTo(path, this.#identity);
    }
    this.#rotating.set(key, path);
  }

  #openStandard(key: string, fd: 1 | 2): void {
    if (!this.parts.inherited) return;
    // A daemon's are its starter's, which is about to end.
    this.#put(key, this.parts.background ? posix.openForAppend("/dev/null") : posix.duplicate(fd, false));
  }

  #startProgram(key: string, target: ProgramTarget): void {
    if (!this.parts.inherited) {
      throw new Error("a program needs descriptors that children inherit, which are not to be had here");
    }
    const program = new LogProgram(target, {
      serverRoot: this.parts.serverRoot,
      output: () => this.#programOutput(key),
      onProblem: this.parts.onProblem,
    });
    const before = this.#programs.get(key);
    this.#programs.set(key, program);
    // Children that began before this keep their end of the old pipe: the old program goes on until the last has ended.
    this.#put(key, posix.duplicate(program.input, false));
    if (before !== undefined) this.#release(before);
  }

  #release(program: LogProgram): void {
    program.release();
    this.#releasedPrograms.add(program);
    program.ended.then(() => this.#releasedPrograms.delete(program));
  }

  /** What a program prints goes to the error log if that is a file; never into a pipe, which could be its own. */
  #programOutput(key: string): number | "null" | undefined {
    const errors = this.#errors;
    if (errors?.kind === "file" && targetKey(errors) !== key) return this.#descriptors.get(targetKey(errors));
    return this.parts.background ? "null" : undefined;
  }

  /** Makes the descriptor of `key`, the one it has already if there is one, the same as `fresh`, which is closed. */
  #put(key: string, fresh: number): void {
    const known = this.#descriptors.get(key);
    try {
      if (known === undefined) this.#descriptors.set(key, posix.duplicate(fresh, true));
      else posix.redirect(fresh, known);
    } finally {
      posix.close(fresh);
    }
  }

  /**
   * The configuration whose logs were opened last is in force: those that only earlier ones named lead nowhere from now on.
   * Their numbers stay taken: threads of this process that finish their requests may still write to them.
   */
  closeOthers(): void {
    for (const [key, fd] of this.#descriptors) {
      if (this.#named.has(key)) continue;
      const nowhere = posix.openForAppend("/dev/null");
      posix.redirect(nowhere, fd);
      posix.close(nowhere);
    }
    for (const [key, program] of this.#programs) {
      if (this.#named.has(key)) continue;
      this.#programs.delete(key);
      this.#release(program);
    }
  }

  /** Nobody writes any more: closes everything, and lets programs finish. */
  async close(): Promise<void> {
    for (const fd of this.#descriptors.values()) posix.close(fd);
    this.#descriptors.clear();
    for (const program of this.#programs.values()) program.release();
    const programs = [...this.#programs.values(), ...this.#releasedPrograms];
    await Promise.all(programs.map((program) => program.finish(FINISH_MS)));
    this.#programs.clear();
  }
}

/** By owner, group of the process and everybody; supplementary groups are not looked at. */
function mayMakeFiles(directory: string, { user, group }: Identity): boolean {
  const { uid, gid, mode } = Deno.statSync(directory);
  const bits = uid === user.id ? 0o300 : gid === group.id ? 0o030 : 0o003;
  return user.id === 0 || ((mode ?? 0) & bits) === bits;
}

/** Whether standard error is the stream that systemd has named. */
function leadsToJournal(): boolean {
  const [device, inode] = (environmentVariable("JOURNAL_STREAM") ?? "").split(":").map(Number);
  if (!(inode > 0)) return false;
  try {
    const { dev, ino } = Deno.statSync("/dev/stderr");
    return dev === device && ino === inode;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
