// What will a program do when it is loaded? It is loaded once ahead, in a process that ends again: so the control process knows
// where it wants to listen before children start, and what is wrong with it is said once.

import { keepsFfi } from "./core/permissions.ts";
import type { Configuration } from "./configuration.ts";
import { makeBundle } from "./bundle.ts";
import { probeCommand } from "./child_command.ts";
import { PROBE_VARIABLE, type ProbeOrder } from "./probe_order.ts";

/** An address that a program names: a host ("" for all) with a port (0: any that is free), or the path of a Unix-domain socket. */
export type NamedAddress = { readonly hostname: string; readonly port: number } | { readonly path: string };

/** What a probe says. */
export type ProbeResult = ProgramFinding | { readonly error: string };

/** What was found out about a program. */
export interface ProgramFinding {
  /** "export default { fetch }", "Deno.serve", … */
  readonly form: string;
  /** Where it wants to listen, in the order in which it says so. */
  readonly addresses: readonly NamedAddress[];
}

/** A program that does not load, or that serves nothing. */
export class ProbeError extends Error {
  override readonly name = "ProbeError";
}

/** A program that takes longer (ms) to load is in the way of every restart. */
const PROBE_MS = 60_000;

/** Loads all programs of a configuration, at the same time. Returns what they are, by URL. @throws ProbeError for the first that does not load */
export async function probePrograms(
  configuration: Configuration,
): Promise<ReadonlyMap<string, ProgramFinding>> {
  if (configuration.programSettings.main !== undefined) await makeBundle();
  const found = configuration.applications.map(async (url) =>
    [url, await probe(url, configuration)] as const
  );
  return new Map(await Promise.all(found));
}

async function probe(url: string, configuration: Configuration): Promise<ProgramFinding> {
  const order: ProbeOrder = {
    url,
    cwd: Deno.cwd(),
    args: configuration.args,
    token: `${crypto.randomUUID()}:`,
  };
  const { programSettings, identity } = configuration;
  const { executable, args, env, cwd, module } = probeCommand(
    permissionFlags(configuration),
    programSettings,
    identity,
  );
  const process = new Deno.Command(executable, {
    args: [...args],
    cwd,
    env: { ...env, [PROBE_VARIABLE]: JSON.stringify(order), NO_COLOR: "1" },
    stdin: module === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(PROBE_MS),
  }).spawn();
  const started = performance.now();
  const writer = module === undefined ? undefined : process.stdin.getWriter();
  await writer?.write(new TextEncoder().encode(module));
  await writer?.close();
  const { code, stdout, stderr } = await process.output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout);
  const at = output.lastIndexOf(order.token);
  if (at < 0) throw new ProbeError(noResult(url, code, performance.now() - started, decoder.decode(stderr)));
  const result = JSON.parse(output.slice(at + order.token.length)) as ProbeResult;
  if ("error" in result) throw new ProbeError(result.error);
  return result;
}

/** Why there is no result. */
function noResult(url: string, code: number, ms: number, stderr: string): string {
  if (ms >= PROBE_MS) return `${url} was not loaded after ${PROBE_MS / 1000} s`;
  const [said] = stderr.trim().split("\n\nStack backtrace");
  return `${url} ended its process with ${code} while it was loaded${said === "" ? "" : `: ${said}`}`;
}

/** The permissions that a thread will have, as flags of Deno's command line. */
function permissionFlags({ permissions, config }: Configuration): string[] {
  if (permissions === undefined) return ["--allow-all"];
  const flags: string[] = [];
  for (const [kind, granted] of Object.entries(permissions)) {
    if (kind === "ffi" ? !keepsFfi(config) : granted === false || granted === "inherit") continue;
    const items = Array.isArray(granted) ? granted : [];
    const needed = kind === "env" ? [PROBE_VARIABLE, ...items] : items;
    if (granted === true) flags.push(`--allow-${kind}`);
    else if (needed.length > 0) flags.push(`--allow-${kind}=${needed.join(",")}`);
  }
  return flags;
}
