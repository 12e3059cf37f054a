// How does a phase say that a request fails, or leads elsewhere? With a reply that has a status and no content: what the client
// reads is found when the reply goes out (error_responses.ts).

import { type FailureDetails, type Fields, NO_BODY, type Reply } from "../http/engine/reply.ts";

/** What an error response may have besides its status. */
export interface ErrorDetails extends FailureDetails {
  readonly fields?: Fields;
  readonly close?: boolean;
}

/** The reply for `status`, a redirect or an error. */
export function errorReply(status: number, details: ErrorDetails = {}): Reply {
  const { note, location, html, close } = details;
  const fields: Fields = [...details.fields ?? []];
  if (location !== undefined) fields.push(["Location", location]);
  return { status, fields, body: NO_BODY, close, failure: { note, location, html } };
}
