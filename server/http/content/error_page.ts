// What does a client read when a request fails or is sent elsewhere? A short HTML document as httpd's, in our words.

import { escapeHtmlAscii } from "./field_value.ts";
import { reasonPhrase } from "./status.ts";

/** Media type of error pages. They are ASCII, so one character is one byte of Content-Length. */
export const ERROR_PAGE_TYPE = "text/html; charset=iso-8859-1";

/** What an error page tells. Text is given as it is: escaping is done here. */
export interface ErrorPageInput {
  readonly status: number;
  readonly method: string;
  /** request target; its query is not shown */
  readonly target: string;
  /** what exactly is wrong; shown only for the statuses httpd shows notes for */
  readonly note?: string | undefined;
  /** Markup below what is said of the status. */
  readonly html?: string | undefined;
  /** HTML made by serverSignature() */
  readonly serverSignature?: string | undefined;
  /** value of Location, for redirects */
  readonly redirectLocation?: string | undefined;
  /** whom to tell about a 500 */
  readonly serverAdmin?: string | undefined;
  /** the status with which the ErrorDocument for this error failed in turn */
  readonly recursiveStatus?: number | undefined;
}

const NOTED = new Set([400, 403, 406, 411, 414, 417, 451, 501, 502]);

/** A longer target is cut: the page is no echo. */
const SHOWN_TARGET = 256;

/** Canned sentences; $method and $target stand for what was asked, escaped. */
const SENTENCES: Readonly<Record<number, string>> = {
  400: "This server could not make sense of what the client sent.",
  401: "Access to this document needs credentials. None came with the request, or they were not accepted.",
  402: "This document is only given against payment.",
  403: "Access to $target is not allowed.",
  404: "Nothing was found at $target.",
  405: "The method $method cannot be used on $target.",
  406: "None of the forms in which $target is available suits what the client accepts.",
  407: "This proxy needs credentials. None came with the request, or they were not accepted.",
  408: "The request did not arrive in the time allowed for it.",
  409: "The request contradicts the present state of $target.",
  410: "What was at $target has been removed for good, and no new address is known.",
  411: "A request with method $method must tell the length of its body.",
  412: "A condition set by the request does not hold for $target.",
  413: "The body of the request, or what $method asks for, is larger than this server takes.",
  414: "The address in the request is longer than this server takes.",
  415: "The body of the request has a format that is not supported here for method $method.",
  416: "None of the ranges asked for lies within the document.",
  417: "An expectation in the Expect field of the request cannot be met.",
  421: "This connection does not serve the host that the request names.",
  422: "The request was read, but its instructions cannot be carried out.",
  423: "The document is locked; the lock must be released, or its token sent, first.",
  424: "The method depends on another action, which failed.",
  425: "The request came as early data and could have been repeated by others; send it again later.",
  426: "This document is only given over another protocol; the Upgrade field names it.",
  428: "The request must be conditional.",
  429: "Too many requests came from this client in a short time.",
  431: "The header fields of the request are larger than this server takes.",
  451: "Access to $target is barred for legal reasons.",
  501: "This server does not support the method $method for $target.",
  502: "A server behind this one sent an answer that cannot be used.",
  503: "This server cannot serve the request now, because of load or maintenance. Please try again later.",
  504: "A server behind this one did not answer in time.",
  505: "The HTTP version of the request is not supported.",
  506: "The variant chosen for $target is itself to be negotiated: the server is set up wrongly.",
  507: "There is not enough room to store what the request brings.",
  508: "The operation was stopped because it met itself again.",
  510: "An extension that this document needs is missing from the request.",
  511: "The network asks for a sign-in before it gives access.",
};

const GENERIC = "The request could not be completed.";

function title(status: number): string {
  const reason = reasonPhrase(status);
  return reason === undefined ? String(status) : `${status} ${reason}`;
}

function shownTarget(target: string): string {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  return path.length > SHOWN_TARGET ? path.slice(0, SHOWN_TARGET) + "..." : path;
}

function internalErrorSentence(serverAdmin: string | undefined): string {
  const whom = serverAdmin === undefined
    ? "its administrator"
    : `its administrator at ${escapeHtmlAscii(serverAdmin)}`;
  return `Something in this server or its set-up failed. Please tell ${whom} when this happened and what was done ` +
    "before. The error log may say more.";
}

function sentence(input: ErrorPageInput): string {
  const { status, redirectLocation } = input;
  if (status >= 300 && status < 400 && redirectLocation !== undefined) {
    return `What was asked for is found <a href="${escapeHtmlAscii(redirectLocation)}">here</a>.`;
  }
  if (status === 500) return internalErrorSentence(input.serverAdmin);
  // One pass, so that nothing in a method or target is taken for a placeholder.
  return (SENTENCES[status] ?? GENERIC).replace(
    /\$(?:method|target)/g,
    (name) => escapeHtmlAscii(name === "$method" ? input.method : shownTarget(input.target)),
  );
}

/** The document for a status that is not a success (3xx, 4xx, 5xx): ASCII, every dynamic part escaped. */
export function errorPage(input: ErrorPageInput): string {
  const { status, note, serverSignature, recursiveStatus } = input;
  // Whoever has a choice is told what there is, and nothing is wrong.
  let body = status === 300 && input.html !== undefined ? "" : `<p>${sentence(input)}</p>\n`;
  if (note !== undefined && NOTED.has(status)) body += `<p>${escapeHtmlAscii(note)}</p>\n`;
  body += input.html ?? "";
  if (recursiveStatus !== undefined) {
    body += `<p>The document meant for this error could not be sent either: ${title(recursiveStatus)}.</p>\n`;
  }
  if (serverSignature) body += `<hr>\n${serverSignature}`;
  return '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n' +
    `<html><head>\n<title>${title(status)}</title>\n</head><body>\n` +
    `<h1>${reasonPhrase(status) ?? status}</h1>\n${body}</body></html>\n`;
}

/** What a signature names. */
export interface SignatureParts {
  /** see serverBanner() */
  readonly banner: string;
  /** server name as the client used it or as configured */
  readonly host: string;
  readonly port: number;
  /** needed for EMail; without it the form On is used */
  readonly serverAdmin?: string | undefined;
}

/** The footer line of ServerSignature: HTML with a line feed at its end, or nothing for Off. */
export function serverSignature(mode: "On" | "EMail" | "Off", parts: SignatureParts): string {
  if (mode === "Off") return "";
  const host = escapeHtmlAscii(parts.host);
  const admin = mode === "EMail" ? parts.serverAdmin : undefined;
  const name = admin === undefined ? host : `<a href="mailto:${escapeHtmlAscii(admin)}">${host}</a>`;
  return `<address>${escapeHtmlAscii(parts.banner)} Server at ${name} Port ${parts.port}</address>\n`;
}
