// Which MPM runs the server? One and only one: the registry knows them, and loads the one that is asked for.

import type { Capabilities, DefaultMpm } from "../platform/detect.ts";
import { event } from "./event.ts";
import type { Mpm, MpmName } from "./types.ts";

export { isChild, runChild } from "./child.ts";
export { BindError } from "./listeners.ts";
export { type Endpoint } from "./transport.ts";
export type { CloseMode, FileSource, ProtocolHandler, ThreadProgram, Transport } from "./transport.ts";
export type {
  ListenAddress,
  Mpm,
  MpmDirective,
  MpmName,
  MpmSettings,
  RunnableConfig,
  ServerHost,
} from "./types.ts";
export {
  ChildField,
  GlobalField,
  Scoreboard,
  SlotField,
  SlotStatus,
  SlotText,
  SlotTotal,
  STATUS_LETTERS,
} from "./scoreboard.ts";
export { ServerThread, type ThreadOrder } from "./server_thread.ts";

const MPMS: readonly Mpm[] = [event];
/** httpd's MPMs that this version does not have yet. */
const PLANNED: readonly MpmName[] = ["prefork", "worker", "mpm_winnt", "mpm_netware", "mpmt_os2"];

/** No MPM, or more than one (AH00534), or one that cannot run here. */
export class MpmError extends Error {
  override readonly name = "MpmError";
}

/** All MPMs there are. */
export function allMpms(): readonly Mpm[] {
  return MPMS;
}

/** The MPM that a name, a module identifier ("mpm_event_module") or a source name ("event.c") means. */
export function findMpm(name: string): Mpm | undefined {
  const bare = name.replace(/^mpm_(.*)_module$/, "$1").replace(/\.c$/, "").toLowerCase();
  return MPMS.find((mpm) => mpm.name === bare || mpm.name === `mpm_${bare}` || mpm.module === name);
}

/** True for the name or module of any of httpd's MPMs, whether this version has it or not. */
export function isMpmName(name: string): boolean {
  const bare = name.replace(/^mpm_(.*)_module$/, "$1").toLowerCase();
  return findMpm(name) !== undefined ||
    PLANNED.some((planned) => planned === bare || planned === `mpm_${bare}`);
}

/** The platform's default, or, while that one is only planned, the MPM that takes its place. */
export function presentDefault(platform: DefaultMpm): { readonly name: MpmName; readonly reason: string } {
  if (findMpm(platform.name) !== undefined) return platform;
  return { name: event.name, reason: `${platform.name} is planned, event takes its place` };
}

/** An MPM that has been chosen, and why. */
export interface MpmChoice {
  readonly mpm: Mpm;
  readonly reason: string;
}

/** The one MPM to run. `named` are those that were asked for, each with where; none means the platform's default. @throws MpmError */
export function chooseMpm(
  named: readonly { readonly name: string; readonly by: string }[],
  platform: DefaultMpm,
  capabilities: Capabilities,
): MpmChoice {
  if (new Set(named.map(({ name }) => findMpm(name)?.name ?? name)).size > 1) {
    throw new MpmError("AH00534: Configuration error: More than one MPM loaded.");
  }
  const asked = named.length > 0 ? named[0] : undefined;
  const fallback = presentDefault(platform);
  const name = asked?.name ?? fallback.name;
  const mpm = findMpm(name);
  if (mpm === undefined) {
    throw new MpmError(
      `AH00534: Configuration error: the MPM ${name} is not available; available: ${names(capabilities)}`,
    );
  }
  const missing = mpm.requires.filter((capability) => !capabilities[capability].available);
  if (missing.length > 0) {
    const reasons = missing.map((capability) => `${capability} (${capabilities[capability].reason})`).join(
      ", ",
    );
    throw new MpmError(
      `AH00534: Configuration error: the MPM ${mpm.name} needs ${reasons}; MPMs that work here: ${
        names(capabilities)
      }`,
    );
  }
  return { mpm, reason: asked?.by ?? `default: ${fallback.reason}` };
}

function names(capabilities: Capabilities): string {
  const able = MPMS.filter((mpm) => mpm.requires.every((capability) => capabilities[capability].available));
  return able.length > 0 ? able.map(({ name }) => name).join(", ") : "none";
}
