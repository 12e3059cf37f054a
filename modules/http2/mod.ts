// Who speaks HTTP/2? mod_http2: which connections are taken for it, and with which limits. The protocol itself is the engine's
// (server/http/h2).

import { selectVirtualHost, type ServerConfig, type VirtualServer } from "../../server/config/mod.ts";
import { CORE_DEFAULTS, coreServer } from "../../server/core/config.ts";
import type { Http2Support } from "../../server/http/engine/service.ts";
import type { ModuleHooks, ServerModule } from "../../server/request/module.ts";
import type { Connection } from "../../mpm/mod.ts";
import { HTTP2_DEFAULTS, http2Server } from "./config.ts";
import { http2Rows } from "./directives.ts";

function protocolsOf({ store }: VirtualServer): readonly string[] {
  return store.get(coreServer).protocols ?? CORE_DEFAULTS.protocols;
}

function speaksHttp2(config: ServerConfig): boolean {
  return [config.main, ...config.hosts].some((host) =>
    protocolsOf(host).some((protocol) => protocol === "h2" || protocol === "h2c")
  );
}

function hooks(): ModuleHooks {
  let config: ServerConfig | undefined;
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
        createHandler: (connection) =>
          new Http2Connection(service, { ...HTTP2_DEFAULTS, ...hostOf(connection).store.get(http2Server) }),
      };
    },
  };
}

export const http2: ServerModule = {
  name: "http2_module",
  source: "mod_http2.c",
  directives: http2Rows,
  hooks,
};
