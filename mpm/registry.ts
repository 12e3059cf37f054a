// Which MPM runs the server? One and only one: the registry knows them, and finds the one that is asked for.

import type { Capabilities, DefaultMpm } from "../platform/detect.ts";
import { event } from "./event.ts";
import { mpmNetware } from "./mpm_netware.ts";
import { mpmWinnt } from "./mpm_winnt.ts";
import { mpmtOs2 } from "./mpmt_os2.ts";
import { prefork } from "./prefork.ts";
import type { Mpm } from "./types.ts";
import { worker } from "./worker.ts";

const MPMS: readonly Mpm[] = [prefork, worker, event, mpmWinnt, mpmNetware, mpmtOs2];

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
  // "winnt", "netware" and "os2" are known too.
  return MPMS.find((mpm) => [bare, `mpm_${bare}`, `mpmt_${bare}`].includes(mpm.name) || mpm.module === name);
}

/** The MPM that was asked for; "none" and "" ask for none. @throws MpmError */
export function requireMpm(name: string): Mpm {
  if (name === "" || name === "none") throw new MpmError("AH00534: Configuration error: No MPM loaded.");
  const mpm = findMpm(name);
  if (mpm !== undefined) return mpm;
  const known = MPMS.map((each) => each.name).join(", ");
  throw new MpmError(`AH00534: Configuration error: there is no MPM ${name}, only ${known}`);
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
  const name = asked?.name ?? platform.name;
  const mpm = requireMpm(name);
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
  return { mpm, reason: asked?.by ?? `default: ${platform.reason}` };
}

function names(capabilities: Capabilities): string {
  const able = MPMS.filter((mpm) => mpm.requires.every((capability) => capabilities[capability].available));
  return able.length > 0 ? able.map(({ name }) => name).join(", ") : "none";
}
