// What does a monitoring system learn of the server? SetHandler server-metrics: the scoreboard's figures, of all processes, from
// whichever child answers. (mpmd only; httpd has no such handler.)

import { usesHandler } from "../../server/core/uses_handler.ts";
import type { Reply } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { takeSnapshot } from "../../server/snapshot.ts";
import { expose } from "./exposition.ts";
import { chooseFormat } from "./negotiation.ts";

/** The handler's name. */
export const METRICS_HANDLER = "server-metrics";

function answer(exchange: Exchange, context: ThreadContext): Reply {
  const format = chooseFormat(exchange.head.field(Field.Accept));
  const { server: { version, mpm, async }, scoreboard, extendedStatus: extended } = context;
  const facts = { version, mpm, async, extended };
  const { contentType, text } = expose(format, takeSnapshot(scoreboard), facts);
  return { status: 200, fields: [["Vary", "Accept"]], contentType, body: { kind: "text", text } };
}

export const metrics: ServerModule = {
  name: "metrics_module",
  source: "mod_metrics.c",
  directives: [],
  usesExtendedStatus: (config) => usesHandler(config, METRICS_HANDLER),
  hooks() {
    let context: ThreadContext | undefined;
    return {
      threadInit(given) {
        context = given;
      },
      handler(exchange) {
        const { method } = exchange;
        if (context === undefined || exchange.handler !== METRICS_HANDLER) return undefined;
        return method === "GET" || method === "HEAD" ? answer(exchange, context) : undefined;
      },
    };
  },
};
