// Which variables have the elements of server-side includes? Those of a CGI program, and the file's own.

import { strftime } from "../../server/log/strftime.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { shellEscaped } from "../cgi/arguments.ts";
import { cgiVariables } from "../cgi/variables.ts";

function decoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

/** What elements and external filters know of the document that is sent, beside the variables of CGI. */
export function documentVariables({ path, pathInfo, query }: Exchange): (readonly [string, string])[] {
  return [
    ["DOCUMENT_URI", path],
    ["DOCUMENT_PATH_INFO", pathInfo],
    ["QUERY_STRING_UNESCAPED", shellEscaped(decoded(query))],
  ];
}

/** Gives the variables of `exchange` that the file's elements see. A request within another has those of that already. */
export function setVariables(exchange: Exchange, context: ThreadContext, timeFormat: string): void {
  const { filename, file } = exchange;
  if (exchange.main === undefined) {
    const call = { exchange, bodyLength: undefined, file: filename, target: "" };
    exchange.environment = cgiVariables(call, context);
    exchange.environment.set("DOCUMENT_NAME", filename.slice(filename.lastIndexOf("/") + 1));
    for (const [name, value] of documentVariables(exchange)) exchange.environment.set(name, value);
  }
  setTimes(exchange.environment ??= new Map(), exchange.startTime, file?.mtime, timeFormat);
}

/** DATE_LOCAL, DATE_GMT and LAST_MODIFIED, in the format in force. */
export function setTimes(
  environment: Map<string, string>,
  now: number,
  modified: number | undefined,
  format: string,
): void {
  environment.set("DATE_LOCAL", strftime(format, now));
  environment.set("DATE_GMT", gmt(format, now));
  if (modified !== undefined) environment.set("LAST_MODIFIED", strftime(format, modified));
}

/** As strftime(), in the zone GMT. */
function gmt(format: string, ms: number): string {
  const offset = new Date(ms).getTimezoneOffset() * 60_000;
  return strftime(format.replaceAll("%Z", "GMT").replaceAll("%z", "+0000"), ms + offset);
}

/** `text` with the values of `$name` and `${name}` in their place; `\$` is a dollar. */
export function expanded(text: string, valueOf: (name: string) => string | undefined): string {
  return text.replace(
    /\\\$|\$(?:\{([^}]*)\}|([A-Za-z0-9_]+))/g,
    (found, braced, plain) => found === "\\$" ? "$" : valueOf(braced ?? plain) ?? "",
  );
}
