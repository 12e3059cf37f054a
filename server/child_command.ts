// How is this program started again, as a child? The executable itself when compiled, else Deno with the same entry; as another
// user by way of the launcher.

import { dirname, fromFileUrl } from "@std/path";
import type { ChildCommand } from "../mpm/mod.ts";
import { type Identity, PrivilegeError } from "../platform/privileges.ts";
import { childDenoDirectory, isOpenTo, layOut } from "./child_cache.ts";
import { bundled, bundleName, entryUrl } from "./bundle.ts";
import { RUNNING_BUNDLE } from "./own_code.ts";
import type { ProgramSettings } from "./program_settings.ts";
import type { Launch } from "./launcher.ts";
import { LAUNCH_VARIABLE } from "./process_kind.ts";

/**
 * How a child is started. `entry` is the module that was started; `identity` whom the child runs as, if not as this process; `heapLimit`: MB
 * that the heap of each of its threads may have (ThreadHeapLimit), 0: what V8 finds right.
 */
export function childCommand(
  entry: string,
  settings: ProgramSettings,
  identity: Identity | undefined,
  heapLimit: number,
): ChildCommand {
  const itself = command(loading(settings, entry));
  const started = identity === undefined ? itself : launched(itself, identity);
  return heapLimit === 0 ? started : { ...started, env: { ...started.env, [V8_FLAGS]: v8Flags(heapLimit) } };
}

/** Deno's variable for flags of V8, which a compiled program reads too. */
const V8_FLAGS = "DENO_V8_FLAGS";

function v8Flags(heapLimit: number): string {
  const given = Deno.env.get(V8_FLAGS);
  return `${given ? `${given},` : ""}--max-old-space-size=${heapLimit}`;
}

/** How a process is started that loads a program ahead. */
export interface ProbeCommand extends ChildCommand {
  /** Where Deno looks for a configuration from; the program is loaded where this process is. */
  readonly cwd: string | undefined;
  /** The main module, to be written to standard input. */
  readonly module: string | undefined;
}

/**
 * How a program is loaded ahead, with `permissions` as flags of Deno. What a child does before its main module, never coming to that, it
 * cannot do: it has to see when nothing is left to wait for, which Deno says in the main module only.
 */
export function probeCommand(
  permissions: readonly string[],
  { flags, main }: ProgramSettings,
  identity: Identity | undefined,
): ProbeCommand {
  const run = ["run", ...permissions, "--no-prompt", ...flags];
  const args = Deno.build.standalone
    ? []
    : main === undefined
    ? [...run, ...unlocked(flags), entryUrl("probe")]
    : [...run, "--unstable-worker-options", "-"];
  return {
    ...identity === undefined ? command(args) : launched(command(args), identity),
    cwd: main === undefined ? undefined : dirname(fromFileUrl(main)),
    module: main === undefined ? undefined : `import ${JSON.stringify(bundled("probe"))};`,
  };
}

/**
 * The arguments of a process that loads applications. With a configuration of theirs one of them is the main module, for Deno to find
 * the configuration from, else `entry` is, with the server's; the bundled child comes before it and never to it.
 */
function loading({ flags, main }: ProgramSettings, entry: string): string[] {
  if (Deno.build.standalone) return [];
  const run = ["run", "--allow-all", "--no-prompt", ...flags];
  const own = main === undefined ? unlocked(flags) : ["--unstable-worker-options"];
  if (main === undefined && RUNNING_BUNDLE === undefined) return [...run, ...own, entry];
  return [...run, ...own, "--preload", bundled("child"), main ?? entry];
}

/** The server's own lock file is left as it is. */
function unlocked(flags: readonly string[]): string[] {
  return flags.includes("--no-lock") ? [] : ["--no-lock"];
}

function command(args: readonly string[]): ChildCommand {
  return { executable: Deno.execPath(), args, env: {} };
}

function denoArguments(module: string, ...flags: string[]): string[] {
  return ["run", "--allow-all", "--no-prompt", ...flags, module];
}

function launched({ executable, args }: ChildCommand, identity: Identity): ChildCommand {
  const launch: Launch = { identity, executable, args };
  return {
    ...command(Deno.build.standalone ? [] : denoArguments(entryUrl("launcher"))),
    // The other user has another home: packages and compiled modules are where child_cache.ts says.
    env: { [LAUNCH_VARIABLE]: JSON.stringify(launch), DENO_DIR: childDenoDirectory() },
  };
}

/**
 * Makes sure that `identity` can be taken on and can load this program: starts it for a moment, to say its version. What it cannot read of
 * Deno's directory is laid out for it.
 * @throws PrivilegeError with what it says if it cannot
 */
export async function tryIdentity(entry: string, identity: Identity): Promise<void> {
  if (!Deno.build.standalone && !isOpenTo(identity)) {
    await layOut(bundleName(), () => [entry, entryUrl("thread")]);
  }
  const itself = command([...Deno.build.standalone ? [] : denoArguments(entry, "--cached-only"), "-v"]);
  const { executable, args, env } = launched(itself, identity);
  const { code, stderr } = await new Deno.Command(executable, {
    args: [...args],
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (code === 0) return;
  const name = identity.user.name ?? `#${identity.user.id}`;
  const [said] = new TextDecoder().decode(stderr).split("\n\nStack backtrace");
  throw new PrivilegeError(
    `User ${name} cannot run this server. Children run as ${name} and have to read this program, and Deno's directory ` +
      `${env.DENO_DIR}\n${said.trim() || `exit code ${code}`}`,
  );
}
