// Which options of the command line are Deno's? Those that say how an application is loaded, and what it may do: they are given to the
// processes that load it.

import { resolve } from "@std/path";

/** Options that name a file, which may stand behind them. */
const FILES = ["config", "import-map"];
/** Options as they are. */
const PLAIN =
  /^--(?:no-config|no-lock|lock|frozen|env-file|node-modules-dir|vendor|cached-only|no-remote|no-npm|unstable-[a-z-]+|v8-flags)(?:=|$)/;
/** Deno's default. */
const DEFAULT_INSPECTOR_PORT = 9229;
const PERMISSION = /^--(allow|deny)-(read|write|net|env|run|ffi|sys|import)(?:=(.*))?$/s;
const INSPECT = /^--inspect(?:-(brk|wait))?(?:=(?:(\[[^\]]+\]|[^:]*):)?(\d+))?$/;
const KINDS = ["read", "write", "net", "env", "run", "ffi", "sys", "import"];

/** A debugger is wanted: --inspect, --inspect-wait, --inspect-brk. */
export interface Inspect {
  /** "wait": the application is loaded when a debugger is there; "brk": and stops at its first statement. */
  readonly mode: "open" | "wait" | "brk";
  readonly hostname: string;
  readonly port: number;
}

/** Deno's part of a command line. */
export interface DenoFlags {
  /** For `deno run`. */
  readonly flags: readonly string[];
  /** The arguments of a DenoPermissions line; undefined: nothing is said. */
  readonly permissions: readonly string[] | undefined;
  /** Of the one thread that there is then; see inspectLines(). */
  readonly inspect: Inspect | undefined;
}

/** A single thread, by the MPMs' modules. */
const ONE_THREAD: Readonly<Record<string, readonly string[]>> = {
  mpm_event_module: ["StartServers 1", "ThreadsPerChild 1", "MaxRequestWorkers 1"],
  mpm_worker_module: ["StartServers 1", "ThreadsPerChild 1", "MaxRequestWorkers 1"],
  mpm_prefork_module: ["StartServers 1", "MinSpareServers 1", "MaxSpareServers 1", "MaxRequestWorkers 1"],
  mpm_winnt_module: ["ThreadsPerChild 1"],
  mpm_netware_module: ["StartThreads 1", "MaxThreads 1"],
  mpm_mpmt_os2_module: ["StartServers 1", "MinSpareThreads 1", "MaxSpareThreads 1"],
};

/** The lines that have a server with a debugger: one thread, which may stand still for as long as it takes. */
export function inspectLines(inspect: Inspect | undefined): string[] {
  if (inspect === undefined) return [];
  return Object.entries(ONE_THREAD).flatMap(([module, lines]) => [
    `<IfModule ${module}>`,
    ...lines,
    "</IfModule>",
  ]).concat("HandlerTimeout 0");
}

/** Collects Deno's options from a command line. */
export class DenoFlagReader {
  readonly #flags: string[] = [];
  readonly #allowed: string[] = [];
  readonly #denied = new Set<string>();
  #inspect: Inspect | undefined;

  /** Reads the option `args[at]`; returns how many arguments that are, 0 if it is none of Deno's. */
  read(args: readonly string[], at: number): number {
    const arg = args[at];
    const file = FILES.find((name) => arg === `--${name}` || arg.startsWith(`--${name}=`));
    if (file !== undefined) {
      const behind = arg === `--${file}`;
      const value = behind ? args[at + 1] : arg.slice(file.length + 3);
      if (value === undefined) return 0;
      this.#flags.push(`--${file}=${/^[a-z]{2,}:/.test(value) ? value : resolve(value)}`);
      return behind ? 2 : 1;
    }
    const permission = PERMISSION.exec(arg);
    if (permission !== null) {
      const [, verb, kind, list] = permission;
      if (verb === "allow") this.#allowed.push(list === undefined ? kind : `${kind}=${list}`);
      else if (list === undefined) this.#denied.add(kind);
      else this.#flags.push(arg);
      return 1;
    }
    const inspect = INSPECT.exec(arg);
    if (inspect !== null) {
      const [, mode, hostname, port] = inspect;
      this.#inspect = {
        mode: mode === "brk" || mode === "wait" ? mode : "open",
        hostname: hostname || "127.0.0.1",
        port: port === undefined ? DEFAULT_INSPECTOR_PORT : Number(port),
      };
      return 1;
    }
    if (!PLAIN.test(arg)) return 0;
    const [name, value] = arg.split("=", 2);
    this.#flags.push(name === "--env-file" ? `${name}=${resolve(value ?? ".env")}` : arg);
    return 1;
  }

  /** What was read. */
  get result(): DenoFlags {
    const denied = this.#denied;
    if (this.#allowed.length === 0 && denied.size === 0) {
      return { flags: this.#flags, permissions: undefined, inspect: this.#inspect };
    }
    const granted = this.#allowed.length > 0 ? this.#allowed : KINDS;
    const left = granted.filter((grant) => !denied.has(grant.split("=")[0]));
    return {
      flags: this.#flags,
      permissions: left.length > 0 ? left : ["none"],
      inspect: this.#inspect,
    };
  }
}
