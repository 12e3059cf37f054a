// What does a client read when its request fails or leads elsewhere? ErrorDocument decides: a text, what is at another path, a
// redirect, or the server's own page (http-core.md 12).

import { evaluateString } from "../config/expression/mod.ts";
import { ERROR_PAGE_TYPE, errorPage, serverSignature } from "../http/content/mod.ts";
import { NO_BODY, type Reply } from "../http/engine/reply.ts";
import { errorResponses, serverAdmin } from "./error_document.ts";
import { errorReply } from "./error_reply.ts";
import type { Exchange } from "./exchange.ts";
import type { ExchangeSubject } from "./expression_subject.ts";
import { firstRequest } from "./redirect.ts";
import { selfName, selfPort } from "./self_name.ts";

/** What making error responses needs. */
export interface ErrorResponseParts {
  /** What ServerTokens shows of the server, for signatures. */
  readonly banner: string;
  readonly subjectOf: (exchange: Exchange) => ExchangeSubject;
  /** Answers with what is at `target`. */
  readonly redirect: (exchange: Exchange, target: string, status: number) => Reply | Promise<Reply>;
  readonly log: (ah: string, message: string, exchange: Exchange) => void;
}

/** Makes whole replies of failures. */
export class ErrorResponses {
  readonly #parts: ErrorResponseParts;

  constructor(parts: ErrorResponseParts) {
    this.#parts = parts;
  }

  /** `reply` with what the client is to read, if nobody has made that. */
  complete(exchange: Exchange, reply: Reply): Reply | Promise<Reply> {
    const { failed } = exchange;
    if (failed !== undefined) return this.#ofDocument(exchange, failed, reply);
    if (reply.failure === undefined) return reply;
    const { status } = reply;
    const document = exchange.dir.get(errorResponses).documents?.get(status);
    if (document === undefined) return this.page(exchange, reply);
    const { kind, value } = document;
    const text = evaluateString(value, this.#parts.subjectOf(exchange));
    if (kind === "text") return this.#withText(exchange, reply, text);
    if (kind === "url") {
      const { fields, close } = errorReply(302, { fields: reply.fields, location: text, close: reply.close });
      return this.page(exchange, { ...reply, status: 302, fields, close, failure: { location: text } });
    }
    if (!text.startsWith("/")) {
      this.#parts.log("AH01579", `Invalid error redirection directive: ${text}`, exchange);
      return this.page(exchange, reply, 500);
    }
    exchange.failed = reply;
    const { note } = reply.failure;
    // As httpd's modules do, a document may tell what exactly is wrong, and how the request was made.
    const environment = exchange.environment ??= new Map();
    environment.set("REQUEST_METHOD", exchange.head.method);
    if (note !== undefined) environment.set("ERROR_NOTES", note);
    const answer = this.#parts.redirect(exchange, text, status);
    return answer instanceof Promise
      ? answer.then((later) => this.#ofDocument(exchange, reply, later))
      : this.#ofDocument(exchange, reply, answer);
  }

  /** A document in place of the page: its content with the status and the fields of the failure. */
  #ofDocument(exchange: Exchange, failed: Reply, document: Reply): Reply {
    if (document.failure !== undefined) return this.page(exchange, failed, document.status);
    return {
      ...document,
      status: document.status === 200 ? failed.status : document.status,
      fields: [...failed.fields, ...document.fields],
      close: failed.close === true || document.close === true,
    };
  }

  #withText(exchange: Exchange, reply: Reply, text: string): Reply {
    const body = exchange.head.method === "HEAD" ? NO_BODY : { kind: "text" as const, text };
    return { ...reply, contentType: ERROR_PAGE_TYPE, body };
  }

  /** The server's own page; `recursiveStatus` is that of an ErrorDocument that failed too. */
  page(exchange: Exchange, reply: Reply, recursiveStatus?: number): Reply {
    return this.#withText(exchange, reply, this.#pageText(exchange, reply, recursiveStatus));
  }

  #pageText(exchange: Exchange, { status, failure }: Reply, recursiveStatus: number | undefined): string {
    const { head, vhost } = exchange;
    const { address } = vhost.store.get(serverAdmin);
    return errorPage({
      status,
      method: head.method,
      target: firstRequest(exchange)?.path ?? (exchange.path || head.target),
      note: failure?.note,
      html: failure?.html,
      redirectLocation: failure?.location,
      recursiveStatus,
      serverAdmin: address,
      serverSignature: signatureOf(exchange, this.#parts.banner),
    });
  }
}

/** The line below pages of the server's own, as ServerSignature says; `banner`: what ServerTokens shows. */
export function signatureOf(exchange: Exchange, banner: string): string {
  const { signature = "Off" } = exchange.dir.get(errorResponses);
  if (signature === "Off") return "";
  return serverSignature(signature, {
    banner,
    host: selfName(exchange),
    port: selfPort(exchange),
    serverAdmin: exchange.vhost.store.get(serverAdmin).address,
  });
}
