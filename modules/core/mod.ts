// What does the core do for every request? Finds the file that the path means, and sends it if no other module answers.

import { errorReply } from "../../server/request/error_reply.ts";
import type { ServerModule } from "../../server/request/module.ts";
import { CORE_DEFAULTS, coreServer } from "./config.ts";
import { fileErrorReply, handleFile } from "./default_handler.ts";
import { coreDirectives } from "./directives.ts";
import { errorLogDirectives } from "./log_directives.ts";
import { openFiles } from "./open_files.ts";
import { quickTrace, traceBody, tracesBody } from "./trace.ts";
import { mapToStorage, translateName } from "./translate.ts";

export const core: ServerModule = {
  name: "core_module",
  source: "core.c",
  directives: [...coreDirectives, ...errorLogDirectives],
  hooks: () => ({
    threadInit({ config }) {
      const values = { ...CORE_DEFAULTS, ...config.main.store.get(coreServer) };
      openFiles.settings = {
        max: values.openFileCacheMax,
        valid: values.openFileCacheValid,
        contentSize: values.openFileCacheContent,
      };
    },
    translateName,
    mapToStorage(exchange) {
      if (exchange.filename === "") return undefined;
      const error = mapToStorage(exchange);
      return error === undefined ? undefined : fileErrorReply(error);
    },
    quickHandler: quickTrace,
    skipsFiles: tracesBody,
    readsBody: tracesBody,
    handler(exchange) {
      if (tracesBody(exchange)) return traceBody(exchange);
      return exchange.filename === "" ? errorReply(404) : handleFile(exchange);
    },
  }),
};
