// How is a backend asked over HTTP? mod_proxy_http: requests for http:// backends.

import { Field } from "../../server/http/parser/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { proxyHost, proxyPlace } from "../proxy/config.ts";
import { forwardedFields } from "../proxy/forwarding.ts";
import type { Call, Scheme } from "../proxy/scheme.ts";
import { tunnelReply } from "../proxy/tunnel.ts";
import { DEFAULT_PORTS, type Worker } from "../proxy/worker.ts";
import { HttpProtocol } from "./protocol.ts";

/** Longest line of a response's head (ResponseFieldSize). */
const FIELD_SIZE = 8192;
/** Fields of a response at most: more than a request may have, for servers set many cookies. */
const MOST_FIELDS = 1000;

/** The Host that a backend is told. */
function hostOf({ dir, head }: Exchange, { url }: Worker): string {
  const asked = head.field(Field.Host);
  if (dir.get(proxyPlace).preserveHost === true && asked !== undefined) return asked;
  const host = url.host.includes(":") ? `[${url.host}]` : url.host;
  const isDefault = url.port === undefined || url.port === DEFAULT_PORTS[url.scheme];
  return isDefault ? host : `${host}:${url.port}`;
}

/** The protocols that the client offers to change to, if this backend is to be offered them. */
function upgradeOf({ head }: Exchange, { values, url }: Worker): string | undefined {
  const asked = head.upgrade;
  if (asked === undefined) return undefined;
  const allowed = values.upgrade ?? (url.scheme.startsWith("ws") ? "websocket" : undefined);
  if (allowed === undefined || allowed.toUpperCase() === "NONE") return undefined;
  return allowed.toUpperCase() === "ANY" || allowed.toLowerCase() === asked.toLowerCase() ? asked : undefined;
}

function isOff(exchange: Exchange, variable: string): boolean {
  return exchange.environment?.has(variable) === true;
}

/** The scheme for one thread. */
export function httpScheme(thread: ThreadContext): Scheme {
  return {
    names: ["http", "ws"],
    title: "HTTP",
    reuses: true,
    upgraded: (_call, head, connection, rest) => tunnelReply(head, connection, rest),
    protocol(call: Call, worker: Worker) {
      const { exchange, target, bodyLength, expects } = call;
      const { via, badHeader } = exchange.vhost.store.get(proxyHost);
      const fields = forwardedFields(exchange, via, thread.server.description);
      return new HttpProtocol({
        method: exchange.method,
        head: `${exchange.method} ${target} HTTP/1.1\r\nHost: ${hostOf(exchange, worker)}\r\n${fields}`,
        length: bodyLength,
        upgrade: bodyLength === -1 ? upgradeOf(exchange, worker) : undefined,
        keepAlive: worker.parts.reuse && !isOff(exchange, "proxy-nokeepalive"),
        expects,
      }, {
        limitRequestFieldSize: worker.values.responseFieldSize ?? FIELD_SIZE,
        limitRequestFields: MOST_FIELDS,
        badLines: badHeader,
      });
    },
  };
}

export const proxyHttp: ServerModule = {
  name: "proxy_http_module",
  source: "mod_proxy_http.c",
  directives: [],
};
