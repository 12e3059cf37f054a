// Does a request of HTTP/1.1 ask for HTTP/2 on its connection? RFC 7540, 3.2, which RFC 9113 has given up and clients still do.

import { Field, type RequestHead } from "../parser/mod.ts";

/** What is said before the first frame. */
export const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n";

/** Fields about the connection as it was. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "upgrade",
]);

/**
 * The client's settings (the payload of SETTINGS), if the request of `head` offers h2c, has no body, and says them as it should, once;
 * undefined: it stays what it is.
 */
export function settingsOfUpgrade(head: RequestHead): Uint8Array<ArrayBuffer> | undefined {
  if (head.bodyKind !== "none" || head.method === "CONNECT") return undefined;
  const offered = (head.upgrade ?? "").split(",").map((protocol) => protocol.trim());
  if (!offered.includes("h2c") || offered.includes("websocket")) return undefined;
  const settings = head.get("http2-settings");
  if (settings === undefined || !/^[A-Za-z0-9_-]*={0,2}$/.test(settings)) return undefined;
  if (!/(?:^|,)\s*http2-settings\s*(?:,|$)/i.test(head.field(Field.Connection) ?? "")) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(settings.replace(/=+$/, ""), { alphabet: "base64url" });
    return bytes.length % 6 === 0 ? bytes : undefined;
  } catch {
    // It is no base64: a request as any other.
    return undefined;
  }
}

/** The same request as HTTP/2 would have brought it. */
export function asHttp2Request(head: RequestHead): RequestHead {
  const kept = [...head.entries()].filter(([name]) => !OF_THE_CONNECTION.has(name.toLowerCase()));
  const copy = head.withFields(kept);
  // "HTTP/1.1" is as long.
  copy.bytes.set([0x32, 0x2e, 0x30], copy.lineEnd - 3);
  copy.major = 2;
  copy.minor = 0;
  copy.keepAlive = true;
  copy.sentKeepAlive = copy.sentUpgrade = copy.closeAfter = false;
  return copy;
}
