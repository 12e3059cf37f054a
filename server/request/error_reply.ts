// What does a client get when its request cannot be answered? One place makes error responses of a status.

import { ERROR_PAGE_TYPE, errorPage } from "../http/content/mod.ts";
import { type Fields, NO_BODY, type Reply } from "../http/engine/reply.ts";
import type { Exchange } from "./exchange.ts";

/** What an error response may have besides its status. */
export interface ErrorDetails {
  readonly fields?: Fields;
  /** Told to the client, for the statuses that httpd tells notes for. */
  readonly note?: string;
  readonly close?: boolean;
  /** Where a redirect leads: becomes the Location field. */
  readonly location?: string;
}

/** The response for `status`: the error page, its type, and the fields of `details`. */
export function errorReply(exchange: Exchange, status: number, details: ErrorDetails = {}): Reply {
  const { head } = exchange;
  const page = errorPage({
    status,
    method: head.method,
    target: exchange.path || head.target,
    note: details.note,
    redirectLocation: details.location,
  });
  const fields: Fields = [...details.fields ?? []];
  if (details.location !== undefined) fields.push(["Location", details.location]);
  const body = head.method === "HEAD" ? NO_BODY : { kind: "text" as const, text: page };
  return { status, fields, contentType: ERROR_PAGE_TYPE, body, close: details.close };
}
