// What does a developer see of an exception? The message, the lines of source around it, the stack and the request: as a page for browsers, as
// JSON or text for others. Only with --dev or --watch: this module is not even loaded in production.

import { fromFileUrl } from "@std/path";
import { escapeHtml } from "../http/content/mod.ts";
import type { Fields, Reply } from "../http/engine/reply.ts";
import { OWN_CODE } from "../own_code.ts";
import type { Exchange } from "../request/exchange.ts";

/** Lines of source before and after the one in question. */
const AROUND = 5;
/** Fields that a page must not show: it may be on a projector, or in a bug report. */
const SECRET = /^(?:authorization|proxy-authorization|cookie|x-api-key)$/i;

/** A line of a stack that names a place. */
interface Place {
  readonly url: string;
  readonly line: number;
  readonly column: number;
}

/** Lines of source, the one in question among them. */
interface Excerpt extends Place {
  readonly lines: readonly { readonly number: number; readonly text: string }[];
}

/** What is told, in whatever form. */
interface Told {
  readonly title: string;
  readonly stack: string;
  readonly excerpt: Excerpt | undefined;
  readonly request: { readonly method: string; readonly target: string; readonly fields: [string, string][] };
}

/** The 500 for an exception of a handler. */
export function exceptionReply(exchange: Exchange, error: unknown): Reply {
  const told = tell(exchange, error);
  const [contentType, text] = form(exchange.head.get("accept") ?? "", told);
  const fields: Fields = [
    ["Cache-Control", "no-store"],
    ["Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"],
    ["Vary", "Accept"],
    ["X-Content-Type-Options", "nosniff"],
  ];
  const length = new TextEncoder().encode(text).length;
  return exchange.method === "HEAD"
    ? { status: 500, fields, contentType, body: { kind: "none" }, declaredLength: length }
    : { status: 500, fields, contentType, body: { kind: "text", text } };
}

function form(accept: string, told: Told): [contentType: string, text: string] {
  if (/\btext\/html\b|\bapplication\/xhtml\+xml\b/i.test(accept)) {
    return ["text/html; charset=utf-8", page(told)];
  }
  if (/[/+]json\b/i.test(accept)) {
    return ["application/json", `${JSON.stringify({ error: told }, null, 2)}\n`];
  }
  return ["text/plain; charset=utf-8", plain(told)];
}

function tell({ head }: Exchange, error: unknown): Told {
  const stack = stackOf(error);
  return {
    title: error instanceof Error ? `${error.name}: ${error.message}` : `thrown: ${String(error)}`,
    stack,
    excerpt: excerptOf(stack),
    request: {
      method: head.method,
      target: head.target,
      fields: [...head.entries()].map(([name, value]) => [name, SECRET.test(name) ? "(not shown)" : value]),
    },
  };
}

/** With the causes, as Deno would print them. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { stack = `${error.name}: ${error.message}`, cause } = error;
  return cause === undefined ? stack : `${stack}\nCaused by: ${stackOf(cause)}`;
}

/** Around the first place that is a file of the application. */
function excerptOf(stack: string): Excerpt | undefined {
  for (const [, url, line, column] of stack.matchAll(/(file:\/\/[^\s()]+?):(\d+):(\d+)/g)) {
    if (url.startsWith(OWN_CODE) && !isExample(url) || url.includes("/node_modules/")) continue;
    const place = { url, line: Number(line), column: Number(column) };
    const lines = linesAround(place);
    if (lines !== undefined) return { ...place, lines };
  }
  return undefined;
}

/** Applications that come with the server are applications. */
function isExample(url: string): boolean {
  return url.startsWith(`${OWN_CODE}examples/`);
}

function linesAround({ url, line }: Place): Excerpt["lines"] | undefined {
  let source: string;
  try {
    source = Deno.readTextFileSync(fromFileUrl(url));
  } catch (error) {
    // It has been removed, or may not be read (DenoPermissions): the stack has to do.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
  const first = Math.max(1, line - AROUND);
  return source.split("\n").slice(first - 1, line + AROUND).map((text, i) => ({ number: first + i, text }));
}

function plain({ title, stack, excerpt, request }: Told): string {
  const source = excerpt === undefined
    ? ""
    : `\n${excerpt.url}:${excerpt.line}:${excerpt.column}\n${
      excerpt.lines.map(({ number, text }) => `${number === excerpt.line ? ">" : " "} ${number} | ${text}\n`)
        .join("")
    }`;
  const fields = request.fields.map(([name, value]) => `${name}: ${value}\n`).join("");
  return `${title}\n${source}\n${stack}\n\n${request.method} ${request.target}\n${fields}`;
}

const STYLE =
  `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2em;max-width:70em}
h1{font-size:1.3em;color:light-dark(#b00020,#ff8a80)}pre{overflow:auto;padding:1em;border:1px solid #8884;border-radius:6px}
mark{display:block;background:light-dark(#ffe3e3,#5c1f1f);color:inherit}td{vertical-align:top;padding-right:1em}
small{opacity:.7}`;

function page({ title, stack, excerpt, request }: Told): string {
  const e = escapeHtml;
  const source = excerpt === undefined
    ? ""
    : `<h2>${e(excerpt.url)}:${excerpt.line}:${excerpt.column}</h2>\n<pre>${
      excerpt.lines.map(({ number, text }) => {
        const line = `${String(number).padStart(5)} | ${e(text)}`;
        return number === excerpt.line ? `<mark>${line}</mark>` : `${line}\n`;
      }).join("")
    }</pre>\n`;
  const fields = request.fields.map(([name, value]) => `<tr><td>${e(name)}</td><td>${e(value)}</td></tr>\n`)
    .join("");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${e(title)}</title><style>${STYLE}</style></head><body>
<h1>${e(title)}</h1>
${source}<h2>Stack</h2>
<pre>${e(stack)}</pre>
<h2>${e(request.method)} ${e(request.target)}</h2>
<table>
${fields}</table>
<p><small>Shown because the server was started with --dev or --watch.</small></p>
</body></html>
`;
}
