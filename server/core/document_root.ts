// Where are the files of the host that a request is for?

import type { Exchange } from "../request/exchange.ts";
import { coreServer } from "./config.ts";

/** DocumentRoot, or what a module has put in its place. */
export function documentRootOf({ documentRoot, vhost }: Exchange): string | undefined {
  return documentRoot ?? vhost.store.get(coreServer).documentRoot;
}
