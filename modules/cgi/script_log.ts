// Where does whoever writes a CGI program find what it has said? ScriptLog: requests that failed, with what they were about, in httpd's form.

import type { Exchange } from "../../server/request/exchange.ts";

/** The values of a virtual host; undefined: as in the main server, then the default. */
export interface ScriptLogSettings {
  file?: string;
  /** It is not written any more when it is longer (bytes). */
  length?: number;
  /** Of the request's body so many bytes are written. */
  buffer?: number;
}

/** Defaults (httpd's). */
export const SCRIPT_LOG_DEFAULTS = { length: 10_385_760, buffer: 1024 } as const;

/** What a failed program has said. */
export interface ScriptFailure {
  /** The beginning of the request's body. */
  readonly body: string;
  /** The line of the head that was none, or "". */
  readonly line: string;
  readonly output: string;
  readonly errors: readonly string[];
}

/** Sat Nov 28 12:00:00 2026 */
function time(ms: number): string {
  const date = new Date(ms);
  const [day, month] = date.toString().split(" ");
  const clock = date.toTimeString().slice(0, 8);
  return `${day} ${month} ${String(date.getDate()).padStart(2, "0")} ${clock} ${date.getFullYear()}`;
}

function opening({ method, path, query, head, filename }: Exchange, status: number): string {
  const target = query === "" ? path : `${path}?${query}`;
  const protocol = `HTTP/${head.major}.${head.minor}`;
  return `%% [${time(Date.now())}] ${method} ${target} ${protocol}\n%% ${status} ${filename}\n`;
}

/** Appends `text` unless the log is as long as it may be. */
function append({ file, length = SCRIPT_LOG_DEFAULTS.length }: ScriptLogSettings, text: string): void {
  if (file === undefined) return;
  try {
    if (Deno.statSync(file).size > length) return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  Deno.writeTextFileSync(file, text, { append: true });
}

/** Notes that a program could not be run, or one line of its standard error. @throws what Deno throws when the file cannot be written */
export function logScriptError(
  settings: ScriptLogSettings,
  exchange: Exchange,
  status: number,
  message: string,
): void {
  if (settings.file === undefined) return;
  append(settings, `${opening(exchange, status)}%error\n${message}\n`);
}

/** Notes what a program has said that makes no sense. @throws what Deno throws when the file cannot be written */
export function logScriptFailure(
  settings: ScriptLogSettings,
  exchange: Exchange,
  status: number,
  { body, line, output, errors }: ScriptFailure,
): void {
  if (settings.file === undefined) return;
  const fields = [...exchange.head.entries()].map(([name, value]) => `${name}: ${value}\n`).join("");
  const sent = /^(?:POST|PUT)$/.test(exchange.method) && body !== "" ? `\n${body}\n` : "";
  append(
    settings,
    `${opening(exchange, status)}%request\n${fields}${sent}%response\n${line === "" ? "" : `${line}\n`}` +
      (output === "" ? "" : `%stdout\n${output}\n`) +
      (errors.length === 0 ? "" : `%stderr\n${errors.join("\n")}\n`),
  );
}
