// Which modules of httpd are in the balancers of mod_proxy? mod_proxy_balancer and its methods; directives are those of mod_proxy.

import type { ServerModule } from "../../server/request/module.ts";

function named(name: string): ServerModule {
  return { name: `${name}_module`, source: `mod_${name}.c`, directives: [] };
}

export const balancerModules: readonly ServerModule[] = [
  "proxy_balancer",
  "lbmethod_byrequests",
  "lbmethod_bytraffic",
  "lbmethod_bybusyness",
].map(named);
