// How does a file answer that has a head of its own? As a program would whose output it is.

import { fileErrorReply } from "../../server/core/default_handler.ts";
import { FileError, type OpenFile, openFiles } from "../../server/core/open_files.ts";
import { NO_BODY, type Reply } from "../../server/http/engine/reply.ts";
import { errorReply } from "../../server/request/error_reply.ts";
import type { Exchange, FileInfo } from "../../server/request/exchange.ts";
import type { ThreadContext } from "../../server/request/module.ts";
import { readHead } from "../cgi/head.ts";
import { CgiHeadCollector, readCgiLines } from "../cgi/response.ts";

/** Bytes of a head at most. */
const LONGEST_HEAD = 65_536;

/** Answers with the file of `exchange`. */
export function answer(exchange: Exchange, context: ThreadContext): Reply | Promise<Reply> {
  const { file, filename } = exchange;
  if (file === undefined) {
    context.log("info", "AH01233", `File does not exist: ${filename}`, exchange);
    return errorReply(404);
  }
  let open: OpenFile;
  try {
    open = openFiles.open(filename, file, performance.now());
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    context.log("error", "AH01234", `file permissions deny server access: ${filename}`, exchange);
    return fileErrorReply(error);
  }
  const { head, bodyAt } = headOf(open, file);
  const complain = (message: string) => context.log("error", undefined, message, exchange);
  if (typeof head === "string") {
    open.release();
    const name = filename.slice(filename.lastIndexOf("/") + 1);
    complain(`malformed header from script '${name}': Bad header: ${head}`);
    return errorReply(500);
  }
  // The file has no conditions: it says everything itself.
  const read = readHead({ ...head, status: head.status ?? "200" }, exchange, complain);
  const reply: Reply = "location" in read
    ? { ...read, status: 200, fields: [...read.fields, ["Location", read.location]], body: NO_BODY }
    : read;
  const location = reply.fields.find(([name]) => name.toLowerCase() === "location")?.[1];
  if (location?.startsWith("/") === true && (reply.status === 200 || isRedirect(reply.status))) {
    open.release();
    return context.redirect(exchange, location);
  }
  const length = file.size - bodyAt;
  if (exchange.method === "HEAD" || reply.status === 204 || reply.status === 304) {
    open.release();
    return exchange.method === "HEAD" ? { ...reply, declaredLength: length } : reply;
  }
  return { ...reply, body: { kind: "parts", parts: [{ file: open, offset: bodyAt, length }], length } };
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** The head, and where it ends; the line that is none of a head. */
function headOf(open: OpenFile, { size }: FileInfo) {
  const bytes = new Uint8Array(Math.min(size, LONGEST_HEAD));
  const n = Math.max(0, open.readAt(bytes, bytes.length, 0));
  const collector = new CgiHeadCollector();
  const found = collector.take(bytes, 0, n) ?? { head: collector.text.replace(/\r?\n$/, ""), bodyAt: size };
  return { head: readCgiLines(found.head), bodyAt: found.bodyAt };
}
