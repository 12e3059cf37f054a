// What does TRACE answer? The request as it arrived here, if TraceEnable lets it (RFC 9110 §9.3.8).

import type { Reply } from "../http/engine/reply.ts";
import { errorReply } from "../request/error_reply.ts";
import type { Exchange } from "../request/exchange.ts";
import { CORE_DEFAULTS, coreServer, type TraceEnable } from "./config.ts";

/** The largest body that is sent back, in bytes. */
const MOST = 65_536;

/** The methods of files, as Allow lists them. */
export function allowedMethods(exchange: Exchange): string {
  return `GET,POST,OPTIONS,HEAD${traceEnabled(exchange) === "off" ? "" : ",TRACE"}`;
}

/** TraceEnable where the request leads. */
function traceEnabled({ vhost }: Exchange): TraceEnable {
  return vhost.store.get(coreServer).traceEnable ?? CORE_DEFAULTS.traceEnable;
}

/** True for a TRACE whose body belongs into the answer. */
export function tracesBody(exchange: Exchange): boolean {
  return exchange.method === "TRACE" && exchange.head.bodyKind !== "none" &&
    traceEnabled(exchange) === "extended";
}

/** Answers TRACE unless its body has to be read for that; nothing for other methods. */
export function quickTrace(exchange: Exchange): Reply | undefined {
  const { head } = exchange;
  if (exchange.method !== "TRACE" || tracesBody(exchange)) return undefined;
  if (traceEnabled(exchange) === "off") {
    return errorReply(405, { fields: [["Allow", allowedMethods(exchange)]] });
  }
  if (head.bodyKind !== "none") return errorReply(413);
  return echo(exchange, new Uint8Array(0));
}

/** Answers a TRACE with its body. */
export async function traceBody(exchange: Exchange): Promise<Reply> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of exchange.body!.stream()) {
    size += piece.length;
    if (size > MOST) return errorReply(413, { close: true });
    pieces.push(piece);
  }
  return echo(exchange, new Uint8Array(await new Blob(pieces).arrayBuffer()));
}

function echo({ head }: Exchange, body: Uint8Array): Reply {
  let text = `${head.requestLine()}\r\n`;
  for (const [name, value] of head.entries()) text += `${name}: ${value}\r\n`;
  text += "\r\n";
  const bytes = new Uint8Array(text.length + body.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  bytes.set(body, text.length);
  return { status: 200, fields: [], contentType: "message/http", body: { kind: "bytes", bytes } };
}
