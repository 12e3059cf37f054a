// Where does a server listen whose command line names a program only? Where the program says, which it does when it is loaded: so the
// configuration is read once more when that is known.

import { resolve } from "@std/path";
import { type Configuration, loadConfiguration } from "./configuration.ts";
import type { Options } from "./options.ts";
import { type NamedAddress, probePrograms, type ProgramFinding } from "./program_probe.ts";
import { servedWithoutFile } from "./ready_configuration.ts";

/** A configuration whose programs have been loaded once. */
export interface ProvenConfiguration {
  readonly configuration: Configuration;
  /** By URL. */
  readonly programs: ReadonlyMap<string, ProgramFinding>;
}

/** Loads the programs of `configuration`, and has it listen where they say, if nothing else does. @throws ProbeError, ConfigError */
export async function provePrograms(
  configuration: Configuration,
  options: Options,
  entry: string,
): Promise<ProvenConfiguration> {
  const programs = await probePrograms(configuration);
  const addresses = [...programs.values()].flatMap(({ addresses }) => addresses);
  const said = options.listen.length > 0 || servedWithoutFile(options)?.kind !== "application";
  if (said || addresses.length === 0) return { configuration, programs };
  const listen = [...new Set(addresses.map(listenArguments))];
  return { configuration: await loadConfiguration({ ...options, listen }, entry), programs };
}

/** What a Listen line says of an address that a program names. */
function listenArguments(named: NamedAddress): string {
  if ("path" in named) return `"unix:${resolve(named.path)}"`;
  const { hostname, port } = named;
  if (hostname === "" || hostname === "0.0.0.0" || hostname === "::" || hostname === "[::]") {
    return String(port);
  }
  return `${hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname}:${port}`;
}

/** For people: what was found. */
export function findingsText(programs: ProvenConfiguration["programs"]): string[] {
  return [...programs].map(([url, { form, addresses }]) => {
    const named = addresses.map((address) =>
      "path" in address ? `unix:${address.path}` : listenArguments(address)
    );
    return `${url}: ${form}${named.length === 0 ? "" : ` on ${named.join(", ")}`}`;
  });
}
