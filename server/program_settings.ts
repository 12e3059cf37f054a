// Which Deno configuration does an application have? The one that Deno finds beside it or above, or that the command line names: with
// it processes are started that load the application.

import { dirname, fromFileUrl, join } from "@std/path";
import { BundleError } from "./bundle.ts";

/** How a process is started that loads the applications of a server. */
export interface ProgramSettings {
  /** Flags of `deno run`. */
  readonly flags: readonly string[];
  /** The application that Deno looks for a configuration from; undefined: the server's own one holds. */
  readonly main: string | undefined;
}

/** Names of configuration files, as Deno looks for them. */
const FILES = ["deno.json", "deno.jsonc", "package.json"];

/**
 * How the applications `urls` of the server at `serverRoot` (where mod.ts is) are loaded, with `flags` of the command line.
 * @throws BundleError when they have different configurations
 */
export function programSettings(
  urls: readonly string[],
  flags: readonly string[],
  serverRoot: string | undefined,
): ProgramSettings {
  if (Deno.build.standalone) {
    if (flags.length === 0) return { flags, main: undefined };
    throw new BundleError(
      `${flags.join(" ")}: a compiled server loads applications as it was compiled, without options of Deno`,
    );
  }
  const own = new Map<string, string>();
  for (const url of urls.filter((one) => one.startsWith("file:"))) {
    const root = configurationRoot(dirname(fromFileUrl(url)));
    if (root !== undefined && root !== serverRoot && !own.has(root)) own.set(root, url);
  }
  if (own.size > 1) {
    const [[one, first], [other, second]] = own;
    throw new BundleError(
      `${first} has the Deno configuration of ${one}, ${second} that of ${other}: a process of Deno has one only. ` +
        "Run them as two servers, each with a configuration file, Listen and PidFile of its own, or make them members of one workspace",
    );
  }
  const [found] = own.values();
  const named = flags.some((flag) => /^--(?:config|import-map)=/.test(flag));
  return { flags, main: found ?? (named ? urls.find((url) => url.startsWith("file:")) : undefined) };
}

/** The directory of the configuration that Deno finds from `directory` upwards: the workspace's, if that is a member of one. */
function configurationRoot(directory: string): string | undefined {
  let nearest: string | undefined;
  for (let at = directory;; at = dirname(at)) {
    for (const name of FILES) {
      const text = textOf(join(at, name));
      if (text === undefined) continue;
      nearest ??= at;
      if (/"workspaces?"\s*:/.test(text)) return at;
    }
    if (dirname(at) === at) return nearest;
  }
}

function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
