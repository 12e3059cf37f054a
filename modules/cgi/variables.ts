// What is a program told of a request? The variables of RFC 3875, as httpd sets them, for CGI programs and for backends of its family.

import { Buffer } from "node:buffer";
import { environmentVariable } from "../../platform/environment.ts";
import { documentRootOf } from "../../server/core/document_root.ts";
import { programVariables } from "../../server/core/program_directives.ts";
import { Field } from "../../server/http/parser/mod.ts";
import { serverAdmin } from "../../server/request/error_document.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { selfName, selfPort, selfScheme } from "../../server/request/self_name.ts";

/** One request for a program. */
export interface ProgramCall {
  readonly exchange: Exchange;
  /** Bytes of the request's body; below 0: there is none; undefined: not known. */
  readonly bodyLength: number | undefined;
  /** The file that is run; undefined: that of `target`. */
  readonly file: string | undefined;
  /** What is asked for of a backend: escaped path, perhaps with a query. */
  readonly target: string;
}

/** Fields that no program gets as HTTP_...: they are told in another way, or are nobody's business (Proxy: a variable of that name rules clients). */
const NOT_TOLD: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "authorization",
  "proxy-authorization",
  "proxy",
]);

/** The file that a request means, and what of its path is behind that. */
function scriptOf(
  call: ProgramCall,
): { readonly file: string; readonly name: string; readonly info: string } {
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

/** Names and values. What SetEnv and the like say comes first: those of the server are its own. Nothing in them is longer than the request. */
export function cgiVariables(call: ProgramCall, thread: ThreadContext): Map<string, string> {
  const { exchange, bodyLength } = call;
  const { head, transport, vhost, main, user, authType } = exchange;
  const { file, name, info } = scriptOf(call);
  const root = documentRootOf(exchange) ?? "";
  const scheme = selfScheme(exchange);
  const variables = new Map(exchange.environment);
  addFields(variables, exchange);
  const own: readonly (readonly [string, string | undefined])[] = [
    ["GATEWAY_INTERFACE", "CGI/1.1"],
    ["SERVER_PROTOCOL", main === undefined ? `HTTP/${head.major}.${head.minor}` : "INCLUDED"],
    ["REQUEST_METHOD", exchange.method],
    ["QUERY_STRING", textOf(exchange.query)],
    ["REQUEST_URI", uriOf(exchange)],
    ["SCRIPT_NAME", name],
    ["SCRIPT_FILENAME", file],
    ["DOCUMENT_ROOT", root],
    ["CONTEXT_PREFIX", exchange.alias?.prefix ?? ""],
    ["CONTEXT_DOCUMENT_ROOT", exchange.alias?.root ?? root],
    ["SERVER_SOFTWARE", thread.server.description],
    ["SERVER_SIGNATURE", thread.signatureOf(exchange)],
    ["SERVER_NAME", selfName(exchange)],
    ["SERVER_ADDR", transport.local.address],
    ["SERVER_PORT", String(selfPort(exchange))],
    ["SERVER_ADMIN", vhost.store.get(serverAdmin).address ?? "[no address given]"],
    ["REMOTE_ADDR", exchange.client.address],
    ["REMOTE_PORT", String(transport.peer.port)],
    ["REQUEST_SCHEME", scheme],
    ["HTTPS", scheme === "https" ? "on" : undefined],
    ["PATH_INFO", info === "" ? undefined : info],
    ["PATH_TRANSLATED", info === "" ? undefined : thread.fileNameOf(exchange, info)],
    ["CONTENT_TYPE", head.field(Field.ContentType)],
    ["CONTENT_LENGTH", bodyLength !== undefined && bodyLength >= 0 ? String(bodyLength) : undefined],
    ["REMOTE_USER", user === "" ? undefined : user],
    ["AUTH_TYPE", user === undefined || user === "" ? undefined : authType],
  ];
  for (const [key, value] of own) if (value !== undefined) variables.set(key, value);
  return variables;
}

/** What the client asked for, before any redirect within the server; or, with `CGIVar REQUEST_URI current-uri`, what it has led to. */
function uriOf({ dir, head, path }: Exchange): string {
  if (dir.get(programVariables).currentUri === true) return path;
  const { target } = head;
  return textOf(
    head.form === "absolute" ? target.slice(head.pathStart - head.targetStart) || "/" : target,
  );
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Bytes as characters, as the text that they are if they are UTF-8: whoever writes them writes the bytes that came. */
function textOf(characters: string): string {
  if (/^[\0-\x7f]*$/.test(characters)) return characters;
  try {
    return utf8.decode(Buffer.from(characters, "latin1"));
  } catch (error) {
    if (error instanceof TypeError) return characters;
    throw error;
  }
}

function addFields(variables: Map<string, string>, { dir, head }: Exchange): void {
  const passesAuthorization = dir.get(programVariables).passesAuthorization === true;
  const told = new Map<string, string>();
  for (const [name, value] of head.entries()) {
    const lower = name.toLowerCase();
    if (NOT_TOLD.has(lower) && !(passesAuthorization && lower.endsWith("authorization"))) continue;
    // A name with an underscore would stand for another field's.
    if (!/^[a-z0-9-]+$/.test(lower)) continue;
    const before = told.get(lower);
    told.set(lower, before === undefined ? value : `${before}, ${value}`);
  }
  for (const [lower, value] of told) {
    variables.set(`HTTP_${lower.toUpperCase().replaceAll("-", "_")}`, textOf(value));
  }
}

/** What httpd was built with, for a server that has no PATH. */
const DEFAULT_PATH = "/bin:/usr/bin:/usr/local/bin";

/** All of the environment of a program that this server starts itself. */
export function programEnvironment(call: ProgramCall, thread: ThreadContext): Map<string, string> {
  const variables = cgiVariables(call, thread);
  // SetEnv may say where programs are found; what the server's environment has is not a program's to know, but for these.
  if (!variables.has("PATH")) variables.set("PATH", environmentVariable("PATH") ?? DEFAULT_PATH);
  for (const name of ["LD_LIBRARY_PATH", "TZ"]) {
    const value = variables.has(name) ? undefined : environmentVariable(name);
    if (value !== undefined) variables.set(name, value);
  }
  return variables;
}
