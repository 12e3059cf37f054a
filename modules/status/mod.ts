// What is the server doing? mod_status: SetHandler server-status shows the scoreboard.

import { escapeHtml } from "../../server/http/content/mod.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { coreDir } from "../core/config.ts";
import { autoReport, htmlReport } from "./report.ts";
import { takeSnapshot } from "./snapshot.ts";

export { takeSnapshot } from "./snapshot.ts";

/** The handler's name. */
const HANDLER = "server-status";
const DEFAULT_REFRESH = 10;

function answer(exchange: Exchange, context: ThreadContext): Reply | undefined {
  const { head, query, dir, vhost, transport } = exchange;
  if (dir.get(coreDir).handler !== HANDLER || (head.method !== "GET" && head.method !== "HEAD")) {
    return undefined;
  }
  const { description, mpm, async, built } = context.server;
  const name = head.host ?? vhost.names.name ?? transport.local.address;
  const facts = { name: escapeHtml(name), version: description, mpm, async, built, now: Date.now() };
  const snapshot = takeSnapshot(context.scoreboard);
  const refresh = /refresh(?:=(\d+))?/.exec(query);
  const every = refresh === null ? 0 : Number(refresh[1] ?? 0) || DEFAULT_REFRESH;
  const auto = query.includes("auto");
  return {
    status: 200,
    fields: every > 0 ? [["Refresh", String(every)]] : [],
    contentType: auto ? "text/plain; charset=ISO-8859-1" : "text/html; charset=utf-8",
    body: {
      kind: "text",
      text: auto ? autoReport(snapshot, facts) : htmlReport(snapshot, facts, !query.includes("notable")),
    },
  };
}

export const status: ServerModule = {
  name: "status_module",
  source: "mod_status.c",
  directives: [],
  hooks() {
    let context: ThreadContext | undefined;
    return {
      threadInit(given) {
        context = given;
      },
      handler: (exchange) => context === undefined ? undefined : answer(exchange, context),
    };
  },
};

/** True when some place of a configuration shows the scoreboard: it is then kept in full (ExtendedStatus). */
export function showsStatus(config: ThreadContext["config"]): boolean {
  for (const store of config.allDirStores()) if (store.get(coreDir).handler === HANDLER) return true;
  return false;
}
