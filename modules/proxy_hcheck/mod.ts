// Which directives are about health checks of backends? None of its own: hcmethod, hcinterval, hcpasses, hcfails and hcuri of BalancerMember.

import type { ServerModule } from "../../server/request/module.ts";

export const proxyHcheck: ServerModule = {
  name: "proxy_hcheck_module",
  source: "mod_proxy_hcheck.c",
  directives: [],
};
