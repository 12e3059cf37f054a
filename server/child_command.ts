// How is this program started again, as a child? The executable itself when compiled, else Deno with the same entry; as another
// user by way of the launcher.

import type { ChildCommand } from "../mpm/mod.ts";
import { type Identity, PrivilegeError } from "../platform/privileges.ts";
import { childDenoDirectory, isOpenTo, layOut } from "./child_cache.ts";
import { type Launch, LAUNCH_VARIABLE } from "./launcher.ts";

/**
 * How a child is started. `entry` is the module that was started; `identity` whom the child runs as, if not as this process; `heapLimit`: MB
 * that the heap of each of its threads may have (ThreadHeapLimit), 0: what V8 finds right.
 */
export function childCommand(entry: string, identity: Identity | undefined, heapLimit: number): ChildCommand {
  const itself = command(Deno.build.standalone ? [] : denoArguments(entry));
  const started = identity === undefined ? itself : launched(itself, identity);
  return heapLimit === 0 ? started : { ...started, env: { ...started.env, [V8_FLAGS]: v8Flags(heapLimit) } };
}

/** Deno's variable for flags of V8, which a compiled program reads too. */
const V8_FLAGS = "DENO_V8_FLAGS";

function v8Flags(heapLimit: number): string {
  const given = Deno.env.get(V8_FLAGS);
  return `${given ? `${given},` : ""}--max-old-space-size=${heapLimit}`;
}

/** How a program is loaded ahead, with `permissions` as flags of Deno. */
export function probeCommand(
  permissions: readonly string[],
  identity: Identity | undefined,
): ChildCommand {
  const probe = new URL("./probe_main.ts", import.meta.url).href;
  const itself = command(Deno.build.standalone ? [] : ["run", ...permissions, "--no-prompt", probe]);
  return identity === undefined ? itself : launched(itself, identity);
}

function command(args: readonly string[]): ChildCommand {
  return { executable: Deno.execPath(), args, env: {} };
}

function denoArguments(module: string, ...flags: string[]): string[] {
  return ["run", "--allow-all", "--no-prompt", ...flags, module];
}

function launched({ executable, args }: ChildCommand, identity: Identity): ChildCommand {
  const launch: Launch = { identity, executable, args };
  const launcher = new URL("./launcher.ts", import.meta.url).href;
  return {
    ...command(Deno.build.standalone ? [] : denoArguments(launcher)),
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
  if (!Deno.build.standalone && !isOpenTo(identity)) layOut();
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
