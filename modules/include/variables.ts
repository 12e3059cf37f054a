// Which variables have the elements of server-side includes? Those of the request, what CGI programs would have, and the file's own.

import { splitTarget } from "../../server/http/content/mod.ts";
import { strftime } from "../../server/log/strftime.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ExpressionSubject, OwnVariable, VariableName } from "../../server/config/expression/mod.ts";

/** Variables that expressions know too, by the name of CGI. */
const SHARED: readonly Exclude<VariableName, OwnVariable>[] = [
  "DOCUMENT_ROOT",
  "PATH_INFO",
  "QUERY_STRING",
  "REMOTE_ADDR",
  "REMOTE_PORT",
  "REMOTE_USER",
  "REQUEST_METHOD",
  "REQUEST_SCHEME",
  "SCRIPT_FILENAME",
  "SERVER_ADMIN",
  "SERVER_NAME",
  "SERVER_PORT",
  "SERVER_PROTOCOL",
  "SERVER_SOFTWARE",
];

/** Characters that a shell would see something in, and line ends. */
const SHELL = /[&;`'"|*?~<>^()[\]{}$\\\n]/g;

function decoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

/** Gives the variables of `exchange` that the file's elements see. A request within another has those of that already. */
export function setVariables(exchange: Exchange, subject: ExpressionSubject, timeFormat: string): void {
  const environment = exchange.environment ??= new Map();
  const { head, filename, file, path, pathInfo, query } = exchange;
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== "") environment.set(name, value);
  };
  if (exchange.main === undefined) {
    for (const name of SHARED) set(name, subject.variable(name));
    for (const [name, value] of head.entries()) {
      // Neither is a program's to know, or what it seems.
      if (/^(?:proxy|authorization|proxy-authorization)$/i.test(name)) continue;
      set(`HTTP_${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`, value);
    }
    const { path: asked, query: with_ } = splitTarget(head.target, head.pathStart - head.targetStart);
    set("REQUEST_URI", with_ === undefined ? asked : `${asked}?${with_}`);
    set("SCRIPT_NAME", path.slice(0, path.length - pathInfo.length));
    set("GATEWAY_INTERFACE", "CGI/1.1");
    set("DOCUMENT_NAME", filename.slice(filename.lastIndexOf("/") + 1));
    set("DOCUMENT_URI", path);
    set("DOCUMENT_PATH_INFO", pathInfo);
    set("QUERY_STRING_UNESCAPED", decoded(query).replace(SHELL, "\\$&"));
  }
  setTimes(environment, exchange.startTime, file?.mtime, timeFormat);
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
