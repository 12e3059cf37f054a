// What stays of a request that is answered with something else of this server? An internal redirect (ErrorDocument,
// FallbackResource, DirectoryIndex) starts the phases anew; logs and the environment still know where it came from.

import type { Exchange } from "./exchange.ts";

/** A request as it was before it was redirected. */
export interface RedirectedRequest {
  readonly path: string;
  readonly query: string;
  readonly filename: string;
  readonly handler: string | undefined;
  readonly method: string;
  /** Redirects up to and with this one. */
  readonly depth: number;
  /** The request before that. */
  readonly before: RedirectedRequest | undefined;
}

/** Notes where the request was, and makes it ready to be somewhere else. */
export function beginRedirect(exchange: Exchange, status: number): void {
  const { path, query, filename, handler, method, redirected } = exchange;
  exchange.redirected = {
    path,
    query,
    filename,
    handler,
    method,
    depth: (redirected?.depth ?? 0) + 1,
    before: redirected,
  };
  const environment = new Map<string, string>();
  for (const [name, value] of exchange.environment ?? []) environment.set(`REDIRECT_${name}`, value);
  environment.set("REDIRECT_URL", path);
  if (query !== "") environment.set("REDIRECT_QUERY_STRING", query);
  environment.set("REDIRECT_STATUS", String(status));
  exchange.environment = environment;
  exchange.filename = "";
  exchange.documentRoot = undefined;
  exchange.file = undefined;
  exchange.pathInfo = "";
  exchange.alias = undefined;
  exchange.handler = undefined;
  exchange.contentType = undefined;
  exchange.contentLanguage = undefined;
  exchange.contentEncoding = undefined;
  exchange.namedFilters = undefined;
  exchange.outputFilters = undefined;
  // Another place may ask others in, and ask in another way.
  exchange.user = undefined;
  exchange.authType = undefined;
  exchange.dir = exchange.vhost.dirDefaults;
  // What is kept for a target is what the target itself leads to.
  exchange.dependsOn = "request";
}

/** The request as the client sent it. */
export function firstRequest(exchange: Exchange): RedirectedRequest | undefined {
  let first = exchange.redirected;
  while (first?.before !== undefined) first = first.before;
  return first;
}
