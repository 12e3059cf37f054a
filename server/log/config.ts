// What does the configuration say of the error log? Values per virtual host (ErrorLog, ErrorLogFormat, LogLevel) and per place
// (LogLevel).

import { join } from "@std/path";
import { dirKey, serverKey, type ServerStore } from "../config/mod.ts";
import type { ErrorLayout } from "./error_log.ts";
import type { LogTarget } from "./target.ts";

/** Values of a virtual host; undefined: as in the main server. */
export interface ErrorLogServer {
  target?: LogTarget;
  layout: ErrorLayout;
  /** Arguments of LogLevel, the main server's before the host's own. */
  levels: readonly string[];
}

/** The key of the error log's values per virtual host. */
export const errorLogServer = serverKey<ErrorLogServer>("error log", {
  create: () => ({ layout: { connection: [], request: [] }, levels: [] }),
  merge: (base, over) => ({
    target: over.target ?? base.target,
    layout: {
      format: over.layout.format ?? base.layout.format,
      connection: over.layout.connection.length > 0 ? over.layout.connection : base.layout.connection,
      request: over.layout.request.length > 0 ? over.layout.request : base.layout.request,
    },
    levels: [...base.levels, ...over.levels],
  }),
});

/** The key of LogLevel's arguments per place, those of the places around it first. */
export const logLevelDir = dirKey<{ levels: readonly string[] }>("log level", {
  create: () => ({ levels: [] }),
  merge: (base, over) => ({ levels: [...base.levels, ...over.levels] }),
});

/** Where a host's errors go. */
export function errorTarget(store: ServerStore, serverRoot: string): LogTarget {
  return store.get(errorLogServer).target ?? { kind: "file", path: join(serverRoot, "logs/error_log") };
}
