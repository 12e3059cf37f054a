// Who speaks HTTP/2? mod_http2: which connections are taken for it, and with which limits. The protocol itself is the engine's
// (server/http/h2).

import { selectVirtualHost, type ServerConfig, type VirtualServer } from "../../server/config/mod.ts";
import { CORE_DEFAULTS, coreServer } from "../../server/core/config.ts";
import type { Fields } from "../../server/http/engine/reply.ts";
import type { Http2Support } from "../../server/http/engine/service.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule } from "../../server/request/module.ts";
import type { Connection } from "../../mpm/mod.ts";
import { type EarlyHints, hintsDir, HTTP2_DEFAULTS, http2Server } from "./config.ts";
import { http2Rows } from "./directives.ts";

function protocolsOf({ store }: VirtualServer): readonly string[] {
  return store.get(coreServer).protocols ?? CORE_DEFAULTS.protocols;
}

function speaksHttp2(config: ServerConfig): boolean {
  return [config.main, ...config.hosts].some((host) =>
    protocolsOf(host).some((protocol) => protocol === "h2" || protocol === "h2c")
  );
}

/** Several values of a name are one field. */
function hintFields(preloads: readonly string[], others: EarlyHints["fields"]): Fields {
  const fields = new Map<string, string>();
  for (const [name, value] of [...preloads.map((link) => ["Link", link] as const), ...others]) {
    const lower = name.toLowerCase();
    const before = fields.get(lower);
    fields.set(lower, before === undefined ? value : `${before}, ${value}`);
  }
  return [...fields];
}

function hooks(): ModuleHooks {
  let config: ServerConfig | undefined;
  const hinted = new WeakSet<Exchange>();
  /** The engine's part is loaded by threads that need it. */
  let engine: typeof import("../../server/http/h2/mod.ts") | undefined;
  return {
    async threadInit(context) {
      if (!speaksHttp2(context.config)) return;
      config = context.config;
      engine = await import("../../server/http/h2/mod.ts");
    },
    http2(service): Http2Support | undefined {
      if (config === undefined || engine === undefined) return undefined;
      const { Http2Connection, beginsAsHttp2 } = engine;
      const known = config;
      const settingsOf = (host: VirtualServer) => ({ ...HTTP2_DEFAULTS, ...host.store.get(http2Server) });
      // Before a request has come, the address is all that says whose rules hold.
      const hostOf = ({ local }: Connection) =>
        selectVirtualHost(known, local.address, local.port, undefined);
      return {
        begins(connection, bytes, length) {
          if (connection.security !== undefined) return connection.security.protocol === "h2";
          const host = hostOf(connection);
          if (host.store.get(http2Server).direct === false || !protocolsOf(host).includes("h2c")) {
            return false;
          }
          return beginsAsHttp2(bytes, length);
        },
        createHandler: (connection) => new Http2Connection(service, settingsOf(hostOf(connection))),
        upgrades({ local, security }, { host }) {
          if (security !== undefined) return false;
          const asked = selectVirtualHost(known, local.address, local.port, host);
          return asked.store.get(http2Server).upgrade !== false && protocolsOf(asked).includes("h2c");
        },
      };
    },
    fixups(exchange) {
      if (config === undefined || exchange.head.major !== 2) return undefined;
      if (exchange.vhost.store.get(http2Server).earlyHints !== true) return undefined;
      const { preloads, fields } = exchange.dir.get(hintsDir).hints;
      if (preloads.length === 0 && fields.length === 0) return undefined;
      // Every request gets its own, also where the answer is the same for all.
      exchange.dependsOn = "request";
      // A redirect within the server comes by here again.
      if (exchange.head.expectContinue || hinted.has(exchange)) return undefined;
      hinted.add(exchange);
      exchange.interim?.sendInterim(exchange, 103, hintFields(preloads, fields));
      return undefined;
    },
  };
}

export const http2: ServerModule = {
  name: "http2_module",
  source: "mod_http2.c",
  directives: http2Rows,
  hooks,
};
