// What can be wrong with a configuration whose lines are right? Directories that are not there, and directives that this machine, or
// this MPM, cannot carry out.

import { type Mpm, MpmError, relays } from "../mpm/mod.ts";
import { coreServer } from "./core/config.ts";
import { tryIdentity } from "./child_command.ts";
import { ConfigError, type ConfigWarning, type ServerConfig, type Where } from "./config/mod.ts";
import type { Configuration } from "./configuration.ts";

/** The directories of all hosts are there; else a warning for a virtual host. @throws ConfigError for the main server */
export function checkDocumentRoots({ main, hosts }: ServerConfig): ConfigWarning[] {
  const warnings = new Map<Where, ConfigWarning>();
  for (const host of [main, ...hosts]) {
    const { documentRoot, documentRootAt } = host.store.get(coreServer);
    if (documentRoot === undefined || documentRootAt === undefined || isDirectory(documentRoot)) continue;
    if (host === main) {
      const reason = `DocumentRoot '${documentRoot}' is not a directory, or is not readable`;
      throw new ConfigError(documentRootAt, reason, "DocumentRoot");
    }
    const message = `AH00112: Warning: DocumentRoot [${documentRoot}] does not exist`;
    warnings.set(documentRootAt, { ...documentRootAt, message });
  }
  return [...warnings.values()];
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    // Whatever the reason: files there cannot be served.
    if (error instanceof Error) return false;
    throw error;
  }
}

/** User and DenoPermissions can be carried out under this MPM. @throws MpmError, PrivilegeError */
export async function checkConfinement(
  entry: string,
  { identity, permissions, settings }: Configuration,
  mpm: Mpm,
  oneProcess: boolean,
): Promise<void> {
  if (permissions !== undefined && mpm.model === "process") {
    throw new MpmError(`DenoPermissions: the MPM ${mpm.name} has no threads, which are what it narrows`);
  }
  if (identity === undefined) return;
  if (mpm.singleProcess || oneProcess) {
    throw new MpmError(
      "User: a server without children cannot change to another user; start it as that user",
    );
  }
  if (relays(mpm, settings)) {
    throw new MpmError(
      "User: where connections are relayed children bind ports and open logs themselves: start the server as that user",
    );
  }
  await tryIdentity(entry, identity);
}
