// How do WebSockets get to a backend? mod_proxy_wstunnel: the scheme ws://, which mod_proxy_http speaks; with it, or with upgrade=websocket,
// a client's request to change the protocol goes on.

import type { ServerModule } from "../../server/request/module.ts";

export const proxyWstunnel: ServerModule = {
  name: "proxy_wstunnel_module",
  source: "mod_proxy_wstunnel.c",
  directives: [],
};
