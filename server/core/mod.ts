// What does the core do for every request? Finds the file that the path means, and sends it if no other module answers.

import { Field } from "../http/parser/mod.ts";
import { errorReply } from "../request/error_reply.ts";
import type { Exchange } from "../request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../request/module.ts";
import { CORE_DEFAULTS, coreDir, coreServer } from "./config.ts";
import { fileErrorReply, handleFile } from "./default_handler.ts";
import { coreDirectives } from "./directives.ts";
import { errorLogDirectives } from "./log_directives.ts";
import { followsAllLinks, isDangling, refusedLink } from "./links.ts";
import { openFiles } from "./open_files.ts";
import { quickTrace, traceBody, tracesBody } from "./trace.ts";
import { mapToStorage, translateName } from "./translate.ts";

export const core: ServerModule = {
  name: "core_module",
  source: "core.c",
  directives: [...coreDirectives, ...errorLogDirectives],
  hooks,
};

function hooks(): ModuleHooks {
  let log: ThreadContext["log"];
  return {
    threadInit({ config, log: write }) {
      log = write;
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
      if (error !== undefined) {
        const what = `access to ${exchange.path} denied (filesystem path '${error.path}')`;
        log(
          "error",
          "AH00035",
          `${what} because search permissions are missing on a component of the path`,
          exchange,
        );
        return fileErrorReply(error);
      }
      const refused = linkRefused(exchange);
      if (refused === undefined) return undefined;
      log(
        "error",
        "AH00037",
        `Symbolic link not allowed or link target not accessible: ${refused}`,
        exchange,
      );
      return errorReply(403);
    },
    fixups(exchange) {
      const { handler, forceType } = exchange.dir.get(coreDir);
      if (handler !== undefined) exchange.handler = handler === "none" ? undefined : handler;
      if (exchange.imposedHandler !== undefined) exchange.handler = exchange.imposedHandler;
      if (forceType !== undefined && forceType !== "none") exchange.contentType = forceType;
      return undefined;
    },
    finishReply(exchange, given) {
      const { defaultCharset } = exchange.dir.get(coreDir);
      const { environment, head } = exchange;
      // For clients that get it wrong (BrowserMatch); a proxy in between knows what it does.
      const reply = environment?.has("nokeepalive") === true && !head.has(Field.Via)
        ? { ...given, close: true }
        : given;
      const { contentType, failure } = reply;
      if (defaultCharset === undefined || defaultCharset === "off" || contentType === undefined) return reply;
      if (failure !== undefined || !/^text\/(?:plain|html)$/i.test(contentType)) return reply;
      return { ...reply, contentType: `${contentType}; charset=${defaultCharset}` };
    },
    quickHandler: quickTrace,
    skipsFiles: tracesBody,
    readsBody: tracesBody,
    handler(exchange) {
      if (tracesBody(exchange)) return traceBody(exchange);
      if (exchange.filename === "") return errorReply(404);
      const reply = handleFile(exchange);
      if (reply.failure !== undefined) explain(exchange, reply.status, log);
      return reply;
    },
  };
}

/** The link that keeps the file from being used: it may not be followed, or leads nowhere. @throws OverrideError */
function linkRefused(exchange: Exchange): string | undefined {
  const { filename, file, vhost } = exchange;
  const refused = followsAllLinks(vhost) ? undefined : refusedLink(exchange, filename);
  if (refused !== undefined || file !== undefined) return refused;
  return isDangling(filename) ? filename : undefined;
}

/** Why a file could not be sent, for the error log. */
function explain(exchange: Exchange, status: number, log: ThreadContext["log"]): void {
  const { file, filename, pathInfo } = exchange;
  if (status === 404 && file?.isDirectory === true) {
    log("info", "AH00129", `Attempt to serve directory: ${filename}`, exchange);
  } else if (status === 404) log("info", "AH00128", `File does not exist: ${filename}${pathInfo}`, exchange);
  else if (status === 403) {
    log("error", "AH00132", `file permissions deny server access: ${filename}`, exchange);
  }
}
