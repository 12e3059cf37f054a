// What does a restart begin with? The configuration is read anew, and the sockets become what it says.

import { BindError } from "../listening/bind_error.ts";
import { resolveListen } from "../listening/listen_addresses.ts";
import type { ServerSockets } from "../listening/listeners.ts";
import type { RunnableConfig, ServerHost } from "../types.ts";

/**
 * The configuration to restart with. undefined: the one that runs stays, sockets included, because of an error (which is in
 * the log), or because the server is `ending` by now.
 */
export async function reload(
  host: ServerHost,
  sockets: ServerSockets,
  ending: () => boolean,
): Promise<RunnableConfig | undefined> {
  const config = await host.reload();
  if (config === undefined) return undefined;
  try {
    const settings = await resolveListen(config.settings);
    // Sockets that are closed for good must not come back.
    if (ending()) return undefined;
    sockets.configure(settings);
    return config;
  } catch (error) {
    if (!(error instanceof BindError)) throw error;
    host.log("crit", undefined, `${error.message.replaceAll("\n", " ")}; the running configuration stays`);
    return undefined;
  }
}
