// What is the server doing? mod_status: SetHandler server-status shows the scoreboard.

import { usesHandler } from "../../server/core/uses_handler.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { selfName } from "../../server/request/self_name.ts";
import { autoReport } from "./auto_report.ts";
import type { ServerFacts } from "./facts.ts";
import { htmlReport, type SlotDetails } from "./html_report.ts";
import { readSlots, readStates, takeSnapshot } from "../../server/snapshot.ts";

/** The handler's name. */
export const STATUS_HANDLER = "server-status";
/** Seconds; also where a number below 1 is asked for. */
const DEFAULT_REFRESH = 10;

/** The arguments are looked for anywhere in the query, as mod_status does. */
function answer(exchange: Exchange, context: ThreadContext): Reply | undefined {
  const { method, query, transport } = exchange;
  if (exchange.handler !== STATUS_HANDLER || (method !== "GET" && method !== "HEAD")) {
    return undefined;
  }
  const { server, scoreboard, extendedStatus } = context;
  const facts: ServerFacts = {
    name: selfName(exchange),
    address: transport.local.address,
    version: server.description,
    mpm: server.mpm,
    async: server.async,
    built: server.built,
    extended: extendedStatus,
    now: Date.now(),
  };
  const snapshot = takeSnapshot(scoreboard);
  const refresh = /refresh(?:=(\d+))?/.exec(query);
  const auto = query.includes("auto");
  return {
    status: 200,
    fields: refresh === null ? [] : [["Refresh", String(Number(refresh[1] ?? 0) || DEFAULT_REFRESH)]],
    contentType: `text/${auto ? "plain" : "html"}; charset=ISO-8859-1`,
    body: {
      kind: "text",
      text: auto ? autoReport(snapshot, facts) : htmlReport(snapshot, facts, detailsFor(query, context)),
    },
  };
}

function detailsFor(query: string, { scoreboard, extendedStatus }: ThreadContext): SlotDetails {
  if (!extendedStatus) return { form: "states", states: readStates(scoreboard) };
  const slots = readSlots(scoreboard);
  return query.includes("notable") ? { form: "list", slots } : { form: "table", slots };
}

export const status: ServerModule = {
  name: "status_module",
  source: "mod_status.c",
  directives: [],
  usesExtendedStatus: (config) => usesHandler(config, STATUS_HANDLER),
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
