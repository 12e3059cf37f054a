// What answers a request for a directory without an index file? mod_autoindex: a listing, if Options Indexes allows it.

import { escapeHtml, fileETag, formatHttpDate } from "../../server/http/content/mod.ts";
import { type Fields, NO_BODY, type Reply } from "../../server/http/engine/reply.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import type { ModuleHooks, ServerModule, ThreadContext } from "../../server/request/module.ts";
import { coreDir } from "../../server/core/config.ts";
import { documentRootOf } from "../../server/core/document_root.ts";
import { Option, optionsOf } from "../../server/core/place_options.ts";
import { dirIndexNames } from "../dir/mod.ts";
import { nameFacts } from "../mime/mod.ts";
import { readEntries, sortEntries, type Sorting } from "./entries.ts";
import { renderListing } from "./render.ts";
import {
  indexDir,
  IndexOption,
  indexOptions,
  indexRows,
  type IndexSettings,
  type SortKey,
} from "./settings.ts";

/** What a client asks for with the query of a listing's links. */
interface Wish {
  readonly sorting: Sorting;
  readonly options: number;
  readonly pattern: string | undefined;
  readonly repeated: string;
}

/** `C=column;O=order;F=form;V=versions;P=pattern`, in any order; what makes no sense counts for nothing. */
function wishOf(query: string, { order }: IndexSettings, given: number): Wish {
  let { key, descending } = order ?? { key: "N" as SortKey, descending: false };
  let options = given;
  let pattern: string | undefined;
  let [form, versions] = ["", ""];
  if ((given & IndexOption.IgnoreClient) === 0) {
    for (const part of query.split(/[;&]/)) {
      const [, name, value] = /^([COFVP])=(.+)$/s.exec(part) ?? [];
      if (name === "C" && /^[NMSD]$/.test(value)) {
        key = value as SortKey;
        descending = false;
      } else if (name === "O" && /^[AD]$/.test(value)) descending = value === "D";
      else if (name === "F" && /^[012]$/.test(value)) {
        form = `;F=${value}`;
        options &= ~(IndexOption.FancyIndexing | IndexOption.HTMLTable);
        if (value !== "0") options |= IndexOption.FancyIndexing;
        if (value === "2") options |= IndexOption.HTMLTable;
      } else if (name === "V" && /^[01]$/.test(value)) {
        versions = `;V=${value}`;
        options = value === "0" ? options & ~IndexOption.VersionSort : options | IndexOption.VersionSort;
      } else if (name === "P") pattern = value;
    }
  }
  const filter = pattern === undefined ? "" : `;P=${escapeHtml(pattern)}`;
  return {
    sorting: { key, descending },
    options,
    pattern: decoded(pattern),
    repeated: form + versions + filter,
  };
}

/** The characters of an escaped pattern; undefined for one that makes no sense. */
function decoded(pattern: string | undefined): string | undefined {
  try {
    return pattern === undefined ? undefined : decodeURIComponent(pattern);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** The content of HeaderName or ReadmeName as HTML, and whether it is a page; undefined where there is none that may be shown. */
function included(
  exchange: Exchange,
  name: string | undefined,
): { html: string; isPage: boolean } | undefined {
  if (name === undefined) return undefined;
  const { filename, subject } = exchange;
  const root = documentRootOf(exchange) ?? "";
  const path = name.startsWith("/") ? root + name : `${filename.replace(/\/$/, "")}/${name}`;
  const { type, encoding } = nameFacts(exchange, path.slice(path.lastIndexOf("/") + 1));
  if (encoding !== undefined || !/^text\//.test(type ?? "") || !subject.isReachable("file", path)) {
    return undefined;
  }
  const text = subject.files.read(path);
  if (text === undefined) return undefined;
  const isPage = type === "text/html" || type === "application/xhtml+xml";
  return { html: isPage ? text : `<pre>\n${escapeHtml(text)}</pre>\n`, isPage };
}

function listing(exchange: Exchange, signature: string): Reply {
  const settings = exchange.dir.get(indexDir);
  const { sorting, options, pattern, repeated } = wishOf(exchange.query, settings, indexOptions(settings));
  const { head, file, path, dir, startTime } = exchange;
  const fields: Fields = [];
  if ((options & IndexOption.TrackModified) !== 0 && file !== undefined) {
    fields.push(["Last-Modified", formatHttpDate(Math.min(file.mtime, startTime) / 1000)]);
    const source = { inode: file.inode, size: file.size, mtimeMicros: Math.round(file.mtime * 1000) };
    const etag = fileETag(source, dir.get(coreDir).fileETag, startTime * 1000);
    if (etag !== undefined) fields.push(["ETag", etag]);
  }
  const type = `${settings.type ?? "text/html"};charset=${settings.charset ?? "UTF-8"}`;
  if (head.method === "HEAD") return { status: 200, fields, contentType: type, body: NO_BODY };
  const entries = readEntries(exchange, settings, options, pattern);
  sortEntries(entries, sorting, options);
  const header = included(exchange, settings.header);
  const text = renderListing({
    path,
    entries,
    settings,
    options,
    sorting,
    repeated,
    header: header?.html,
    readme: included(exchange, settings.readme)?.html,
    bare: header?.isPage === true && (options & IndexOption.SuppressHTMLPreamble) !== 0,
    signature,
  });
  return { status: 200, fields, contentType: type, body: { kind: "text", text } };
}

function hooks(): ModuleHooks {
  let context: ThreadContext;
  return {
    threadInit(given) {
      context = given;
    },
    handler(exchange) {
      const { file, pathInfo, method, handler, dir, filename } = exchange;
      if (file?.isDirectory !== true || pathInfo !== "" || handler !== undefined) return undefined;
      if (method !== "GET" && method !== "HEAD") return undefined;
      if ((optionsOf(dir) & Option.Indexes) !== 0) return listing(exchange, context.signatureOf(exchange));
      const names = dirIndexNames(dir).join(",") || "none";
      context.log(
        "error",
        "AH01276",
        `Cannot serve directory ${filename}: No matching DirectoryIndex (${names}) found, and server-generated ` +
          "directory index forbidden by Options directive",
        exchange,
      );
      return errorReply(dir.get(indexDir).forbiddenIs404 === true ? 404 : 403);
    },
  };
}

export const autoindex: ServerModule = {
  name: "autoindex_module",
  source: "mod_autoindex.c",
  directives: indexRows,
  hooks,
};
