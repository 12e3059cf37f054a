// What is at another target of this server, for the client of a request? A request within the request (httpd's subrequests): it passes the
// phases and its own filters, and its content becomes part of the answer.

import { Exchange } from "./exchange.ts";
import type { ExchangeSubject } from "./expression_subject.ts";
import type { Phases } from "./phases.ts";
import type { Reply } from "../http/engine/reply.ts";

/** Requests within each other (httpd's LimitInternalRecursion). */
const DEEPEST = 10;

/** What the client says about the whole answer, or about its own body, says nothing of a part of it. */
const NOT_FOR_PARTS: ReadonlySet<string> = new Set([
  "accept-encoding",
  "content-encoding",
  "content-length",
  "expect",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "range",
  "transfer-encoding",
]);

/** What was found; `reply.body` is the caller's to use or discard. */
export interface Part {
  readonly exchange: Exchange;
  readonly reply: Reply;
}

/** What asking takes of the service. */
export interface PartHelpers {
  readonly subjectOf: (exchange: Exchange) => ExchangeSubject;
  /** The answer for what a handler has thrown, which is logged. */
  readonly failed: (exchange: Exchange, error: unknown) => Reply;
}

/** Asks for `target`, an encoded path with or without a query, of `handler` if that is given. Undefined: too deep. */
export async function subrequest(
  from: Exchange,
  target: string,
  handler: string | undefined,
  phases: Phases,
  { subjectOf, failed }: PartHelpers,
): Promise<Part | undefined> {
  if (from.depth >= DEEPEST) return undefined;
  const fields = [...from.head.entries()].filter(([name]) => !NOT_FOR_PARTS.has(name.toLowerCase()));
  const head = from.head.withFields(fields);
  head.method = "GET";
  head.bodyKind = "none";
  const exchange = new Exchange(head, from.transport, from.startTime, from.startClock, from.keepAlives);
  exchange.main = from;
  exchange.imposedHandler = handler;
  exchange.forwardedFor = from.forwardedFor;
  exchange.vhost = from.vhost;
  exchange.dir = from.vhost.dirDefaults;
  exchange.environment = new Map(from.environment);
  // Nobody else gets it.
  exchange.dependsOn = "request";
  subjectOf(exchange);
  try {
    return { exchange, reply: phases.locate(exchange, target) ?? await phases.answer(exchange) };
  } catch (error) {
    return { exchange, reply: failed(exchange, error) };
  }
}
