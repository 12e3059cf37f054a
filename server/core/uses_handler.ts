// Does a configuration ask for a handler anywhere? What that needs is then made ready before the first request.

import type { ServerConfig } from "../config/mod.ts";
import { coreDir } from "./config.ts";

/** True when SetHandler names `handler` for some place of a configuration. (What .htaccess files say is not known ahead.) */
export function usesHandler(config: ServerConfig, handler: string): boolean {
  for (const store of config.allDirStores()) if (store.get(coreDir).handler === handler) return true;
  return false;
}
