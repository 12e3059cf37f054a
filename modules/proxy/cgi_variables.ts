// What is a program told of a request that speaks a protocol of the CGI family? The variables of RFC 3875, as httpd sets them.

import { coreServer } from "../../server/core/config.ts";
import { Field } from "../../server/http/parser/mod.ts";
import { serverAdmin } from "../../server/request/error_document.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { selfName, selfPort, selfScheme } from "../../server/request/self_name.ts";
import { listedFields } from "./forwarding.ts";
import { HOP_BY_HOP } from "./hop_by_hop.ts";
import type { Call } from "./scheme.ts";

/** Fields that no program gets as HTTP_...: they are told in another way, or are nobody's business (Proxy: a variable of that name rules clients). */
const NOT_TOLD: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "authorization",
  "proxy-authorization",
  "proxy",
  "expect",
]);

/** The file that a mapped request means: the path of its URL. */
function scriptOf(call: Call): { readonly file: string; readonly name: string; readonly info: string } {
  const { exchange, file, target } = call;
  const { path, pathInfo } = exchange;
  if (file !== undefined) {
    const name = pathInfo !== "" && path.endsWith(pathInfo) ? path.slice(0, -pathInfo.length) : path;
    return { file, name, info: pathInfo };
  }
  const [mapped] = target.split("?", 1);
  let decoded = mapped;
  try {
    decoded = decodeURIComponent(mapped);
  } catch (error) {
    // Escapes that are no UTF-8 stay as they are.
    if (!(error instanceof URIError)) throw error;
  }
  return { file: decoded, name: path, info: "" };
}

/** Names and values, in order; nothing in them is longer than the request. */
export function cgiVariables(
  call: Call,
  thread: ThreadContext,
  passesAuthorization: boolean,
): [string, string][] {
  const { exchange, bodyLength } = call;
  const { head, transport, vhost } = exchange;
  const { file, name, info } = scriptOf(call);
  const root = vhost.store.get(coreServer).documentRoot ?? "";
  const scheme = selfScheme(exchange);
  const variables: [string, string][] = [
    ["GATEWAY_INTERFACE", "CGI/1.1"],
    ["SERVER_PROTOCOL", `HTTP/${head.major}.${head.minor}`],
    ["REQUEST_METHOD", exchange.method],
    ["QUERY_STRING", exchange.query],
    ["REQUEST_URI", uriOf(exchange)],
    ["SCRIPT_NAME", name],
    ["SCRIPT_FILENAME", file],
    ["DOCUMENT_ROOT", root],
    ["CONTEXT_PREFIX", ""],
    ["CONTEXT_DOCUMENT_ROOT", root],
    ["SERVER_SOFTWARE", thread.server.description],
    ["SERVER_SIGNATURE", thread.signatureOf(exchange)],
    ["SERVER_NAME", selfName(exchange)],
    ["SERVER_ADDR", transport.local.address],
    ["SERVER_PORT", String(selfPort(exchange))],
    ["SERVER_ADMIN", vhost.store.get(serverAdmin).address ?? "[no address given]"],
    ["REMOTE_ADDR", transport.peer.address],
    ["REMOTE_PORT", String(transport.peer.port)],
    ["REQUEST_SCHEME", scheme],
  ];
  if (scheme === "https") variables.push(["HTTPS", "on"]);
  if (info !== "") variables.push(["PATH_INFO", info], ["PATH_TRANSLATED", root + info]);
  const type = head.field(Field.ContentType);
  if (type !== undefined) variables.push(["CONTENT_TYPE", type]);
  if (bodyLength !== undefined && bodyLength >= 0) variables.push(["CONTENT_LENGTH", String(bodyLength)]);
  const { user } = exchange;
  if (user !== undefined && user !== "") variables.push(["REMOTE_USER", user]);
  addFields(variables, exchange, passesAuthorization);
  for (const [key, value] of exchange.environment ?? []) variables.push([key, value]);
  return variables;
}

/** What the client asked for, before any redirect within the server. */
function uriOf({ head }: Exchange): string {
  const { target } = head;
  return head.form === "absolute" ? target.slice(head.pathStart - head.targetStart) || "/" : target;
}

function addFields(variables: [string, string][], exchange: Exchange, passesAuthorization: boolean): void {
  const listed = listedFields(exchange);
  const told = new Map<string, string>();
  for (const [name, value] of exchange.head.entries()) {
    const lower = name.toLowerCase();
    if (NOT_TOLD.has(lower) && !(passesAuthorization && lower === "authorization")) continue;
    if ((HOP_BY_HOP.has(lower) && lower !== "te") || listed.has(lower)) continue;
    // A name with an underscore would stand for another field's.
    if (!/^[a-z0-9-]+$/.test(lower)) continue;
    const before = told.get(lower);
    told.set(lower, before === undefined ? value : `${before}${lower === "cookie" ? "; " : ", "}${value}`);
  }
  for (const [lower, value] of told) {
    variables.push([`HTTP_${lower.toUpperCase().replaceAll("-", "_")}`, value]);
  }
}
