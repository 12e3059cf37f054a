// How is a file sent? The handler of last resort (httpd's default-handler): conditions, ranges, and the bytes of the file,
// from memory when it is small and from its descriptor otherwise.

import {
  checkConditions,
  contentRange,
  currentHttpDate,
  fileETag,
  formatHttpDate,
  multipartLayout,
  parseRange,
  rangeApplies,
} from "../http/content/mod.ts";
import { type BodyPart, type Fields, NO_BODY, type PreparedReply, type Reply } from "../http/engine/reply.ts";
import { OutputBuffer } from "../http/engine/output.ts";
import { Field, KNOWN_METHODS } from "../http/parser/mod.ts";
import { errorReply } from "../request/error_reply.ts";
import type { Exchange, FileInfo } from "../request/exchange.ts";
import { type CoreDir, coreDir, coreServer } from "./config.ts";
import { allowedMethods } from "./trace.ts";
import { FileError, fileInfo, type OpenFile, openFiles } from "./open_files.ts";

/** Separates the parts of multipart/byteranges; fixed per start, as httpd's. */
const BOUNDARY = crypto.getRandomValues(new BigUint64Array(1))[0].toString(16);
/** Answers from the file system. */
export function handleFile(exchange: Exchange): Reply {
  const { file, method } = exchange;
  if (method === "OPTIONS") {
    return {
      status: 200,
      fields: [["Allow", allowedMethods(exchange)]],
      body: NO_BODY,
      contentType: exchange.contentType,
    };
  }
  if (method !== "GET" && method !== "HEAD" && method !== "POST") {
    const registered = exchange.vhost.store.get(coreServer).registeredMethods;
    const known = KNOWN_METHODS.has(method) || registered?.has(method) === true;
    return errorReply(known ? 405 : 501, { fields: [["Allow", allowedMethods(exchange)]] });
  }
  // A directory that nobody has listed is nothing to send (as httpd has it).
  if (file === undefined || file.isDirectory) return errorReply(404);
  if (exchange.pathInfo !== "" && exchange.dir.get(coreDir).acceptPathInfo !== "on") return errorReply(404);
  if (!file.isFile) return errorReply(403);
  try {
    return sendFile(exchange, file);
  } catch (error) {
    if (error instanceof FileError) return fileErrorReply(error);
    throw error;
  }
}

/** The status for a file that cannot be had. */
export function fileErrorReply(error: FileError): Reply {
  return errorReply(error.reason === "denied" ? 403 : error.reason === "missing" ? 404 : 503);
}

function sendFile(exchange: Exchange, info: FileInfo): Reply {
  const { head } = exchange;
  const settings = exchange.dir.get(coreDir);
  const now = Math.floor(exchange.startTime / 1000);
  const modified = Math.min(Math.floor(info.mtime / 1000), now);
  const etag = tag(info, settings, exchange.startTime);
  const fields: Fields = [["Last-Modified", formatHttpDate(modified)]];
  if (etag !== undefined) fields.push(["ETag", etag]);
  fields.push(["Accept-Ranges", settings.maxRanges === 0 ? "none" : "bytes"]);
  // What the client says of the resource it asked for says nothing of an error document.
  if (exchange.failed !== undefined) {
    addContentFields(exchange, fields);
    return wholeFile(exchange, info, fields, false, settings.enableSendfile);
  }
  const range = head.field(Field.Range);
  const conditions = {
    method: head.method,
    ifMatch: head.field(Field.IfMatch),
    ifNoneMatch: head.field(Field.IfNoneMatch),
    ifModifiedSince: head.field(Field.IfModifiedSince),
    ifUnmodifiedSince: head.field(Field.IfUnmodifiedSince),
    ifRange: head.field(Field.IfRange),
    hasRange: range !== undefined,
    etag,
    lastModified: modified,
    now,
  };
  const verdict = checkConditions(conditions);
  if (verdict === 304) return { status: 304, fields, body: NO_BODY };
  if (verdict === 412) return errorReply(412);
  addContentFields(exchange, fields);

  // A filter that has to see all of a file gets all, and so does the client.
  const cuts = exchange.outputFilters?.some((filter) => filter.needsWhole?.(exchange) === true) !== true;
  if (range !== undefined && cuts && rangeApplies(conditions)) {
    const file = openFiles.open(exchange.filename, info, performance.now());
    const ranged = rangeReply(exchange, file, range, fields, settings);
    if (ranged !== undefined) return ranged;
    file.release();
  }
  return wholeFile(exchange, info, fields, etag?.startsWith("W/") !== true, settings.enableSendfile);
}

function addContentFields({ contentEncoding, contentLanguage }: Exchange, fields: Fields): void {
  if (contentEncoding !== undefined) fields.push(["Content-Encoding", contentEncoding]);
  if (contentLanguage !== undefined) fields.push(["Content-Language", contentLanguage]);
}

/** `lasting`: what is sent is good for as long as the file stays. */
function wholeFile(
  exchange: Exchange,
  info: FileInfo,
  fields: Fields,
  lasting: boolean,
  inKernel: boolean,
): Reply {
  const { head, contentType } = exchange;
  const file = openFiles.open(exchange.filename, info, performance.now());
  if (head.method === "HEAD" && exchange.outputFilters === undefined) {
    file.release();
    return { status: 200, fields, contentType, body: NO_BODY, declaredLength: info.size };
  }
  if (info.size > openFiles.settings.contentSize) {
    const parts = [{ file, offset: 0, length: info.size, inKernel }];
    return { status: 200, fields, contentType, body: { kind: "parts", parts, length: info.size } };
  }
  const bytes = file.content();
  if (bytes === undefined) {
    // Not in memory: it goes the way of big files, which wait without others waiting with them.
    const parts = [{ file, offset: 0, length: info.size }];
    return { status: 200, fields, contentType, body: { kind: "parts", parts, length: info.size } };
  }
  exchange.cacheable = head.method === "GET" && lasting;
  file.release();
  return { status: 200, fields, contentType, body: { kind: "bytes", bytes } };
}

function tag(info: FileInfo, settings: CoreDir, now: number): string | undefined {
  if (settings.fileETag === 0) return undefined;
  return fileETag(
    { inode: info.inode, size: info.size, mtimeMicros: Math.round(info.mtime * 1000) },
    settings.fileETag,
    now * 1000,
  );
}

/** A reply with status 206 or 416; undefined when the Range field is to be ignored. Takes over the use of `file` unless undefined. */
function rangeReply(
  exchange: Exchange,
  file: OpenFile,
  range: string,
  fields: Fields,
  settings: CoreDir,
): Reply | undefined {
  const { size } = file.info;
  const found = parseRange(range, size, settings);
  if (found === "ignore") return undefined;
  if (found === "unsatisfiable") {
    file.release();
    return errorReply(416, { fields: [["Content-Range", `bytes */${size}`]] });
  }
  const { contentType } = exchange;
  if (found.length === 1) {
    const { first, last } = found[0];
    const length = last - first + 1;
    return {
      status: 206,
      fields: [...fields, ["Content-Range", contentRange(found[0], size)]],
      contentType,
      body: {
        kind: "parts",
        parts: [{ file, offset: first, length, inKernel: settings.enableSendfile }],
        length,
      },
    };
  }
  const layout = multipartLayout(found, size, contentType, BOUNDARY);
  const encoder = new TextEncoder();
  const parts: BodyPart[] = [];
  for (const [i, { first, last }] of found.entries()) {
    parts.push(encoder.encode(layout.heads[i]), {
      file: i === 0 ? file : file.use(),
      offset: first,
      length: last - first + 1,
      inKernel: settings.enableSendfile,
    });
  }
  parts.push(encoder.encode(layout.tail));
  return {
    status: 206,
    fields,
    contentType: `multipart/byteranges; boundary=${BOUNDARY}`,
    body: { kind: "parts", parts, length: layout.contentLength },
  };
}

/** The message that answers every plain GET for this file until the file changes. */
export function prepare(exchange: Exchange, reply: Reply, serverField: string): PreparedReply | undefined {
  const { file, filename, startTime, conditions } = exchange;
  if (reply.body.kind !== "bytes" || file === undefined || openFiles.settings.max === 0) return undefined;
  const { bytes } = reply.body;
  const second = Math.floor(startTime / 1000);
  const output = new OutputBuffer(bytes.length + 1024);
  const opening = `HTTP/1.1 ${reply.status} OK\r\nDate: `;
  let head = `${opening}${currentHttpDate(second)}\r\nServer: ${serverField}\r\n`;
  for (const [name, value] of reply.fields) head += `${name}: ${value}\r\n`;
  head += `Content-Length: ${bytes.length}\r\n`;
  const connectionAt = head.length;
  if (reply.contentType !== undefined) head += `Content-Type: ${reply.contentType}\r\n`;
  output.latin1(head + "\r\n");
  output.append(bytes);
  const { valid } = openFiles.settings;
  return {
    bytes: output.bytes.slice(0, output.length),
    status: reply.status,
    dateAt: opening.length,
    connectionAt,
    dateSecond: second,
    bodyLength: bytes.length,
    validUntil: performance.now() + valid,
    revalidate(now) {
      let found: FileInfo | undefined;
      try {
        found = fileInfo(filename);
      } catch (error) {
        // Whatever it is: the request goes the long way, which gives it the right answer.
        if (error instanceof FileError) return false;
        throw error;
      }
      if (
        found === undefined || found.mtime !== file.mtime || found.size !== file.size ||
        found.inode !== file.inode
      ) return false;
      if (conditions?.every((holds) => holds(now)) === false) return false;
      this.validUntil = now + valid;
      return true;
    },
  };
}
