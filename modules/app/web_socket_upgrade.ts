// How does Deno.upgradeWebSocket() work here? The platform's own accepts only requests of its own server: in a server thread it
// is wrapped, and answers for our requests with a Response that stands for the upgrade (RFC 6455 §4.2).

import { type Fields, NO_BODY, type Reply } from "../../server/http/engine/reply.ts";
import { Field } from "../../server/http/parser/mod.ts";
import type { Exchange } from "../../server/request/exchange.ts";
import { exchangeOf } from "./lazy_request.ts";
import { ServerWebSocket } from "./server_web_socket.ts";

/** RFC 6455 §1.3: what a server adds to a client's key. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Without an answer to a ping this long (seconds) the client is given up: Deno's default. */
const IDLE_TIMEOUT = 30;

/** An upgrade that was agreed on, and waits for its Response to be returned. */
interface Offer {
  readonly exchange: Exchange;
  readonly socket: ServerWebSocket;
  readonly key: string;
  readonly protocol: string | undefined;
}

const offers = new WeakMap<Response, Offer>();

/** The tokens of a list, in lower case. */
function tokens(list: string | undefined): string[] {
  return (list ?? "").toLowerCase().split(",").map((token) => token.trim());
}

/** Agrees to an upgrade. Nothing happens before the Response is returned. @throws TypeError, as Deno.upgradeWebSocket() */
function offer(exchange: Exchange, options: Deno.UpgradeWebSocketOptions): Deno.WebSocketUpgrade {
  const { head } = exchange;
  const invalid = (name: string, rule: string) =>
    new TypeError(`Invalid Header: '${name}' header must ${rule}`);
  if (!tokens(head.get("upgrade")).includes("websocket")) throw invalid("upgrade", "contain 'websocket'");
  if (head.upgrade === undefined) throw invalid("connection", "contain 'Upgrade', in HTTP/1.1");
  if (head.method !== "GET") throw new TypeError("a WebSocket begins with GET");
  const key = head.field(Field.SecWebSocketKey);
  if (key === undefined) throw invalid("sec-websocket-key", "be set");
  if (!/^[+/0-9a-z]{22}==$/i.test(key)) throw invalid("sec-websocket-key", "be 16 bytes in Base64");
  if (head.field(Field.SecWebSocketVersion) !== "13") throw invalid("sec-websocket-version", "be 13");
  const { protocol } = options;
  if (protocol !== undefined && protocol !== "") {
    const offered = (head.field(Field.SecWebSocketProtocol) ?? "").split(",").map((one) => one.trim());
    if (!offered.includes(protocol)) {
      throw new TypeError(`Protocol '${protocol}' not in the request's protocol list (non negotiable)`);
    }
  }
  const socket = new ServerWebSocket(protocol ?? "", (options.idleTimeout ?? IDLE_TIMEOUT) * 1000);
  const response = new Response(null, { headers: { connection: "Upgrade", upgrade: "websocket" } });
  // Nobody may construct a Response with this status.
  Object.defineProperty(response, "status", { value: 101 });
  offers.set(response, { exchange, socket, key, protocol });
  return { response, socket };
}

/** From now on Deno.upgradeWebSocket() accepts our requests on this thread, and its own as ever. */
export function serveWebSockets(): void {
  const platforms = Deno.upgradeWebSocket;
  Object.defineProperty(Deno, "upgradeWebSocket", {
    configurable: true,
    enumerable: true,
    writable: true,
    value(request: Request, options: Deno.UpgradeWebSocketOptions = {}): Deno.WebSocketUpgrade {
      const exchange = exchangeOf(request);
      return exchange === undefined ? platforms(request, options) : offer(exchange, options);
    },
  });
}

/** The reply to a request that becomes a WebSocket; undefined for any other Response. */
export function upgradeReply(response: Response, exchange: Exchange): Promise<Reply> | undefined {
  const made = offers.get(response);
  return made === undefined || made.exchange !== exchange ? undefined : replyFor(made, response);
}

async function replyFor({ socket, key, protocol }: Offer, { headers }: Response): Promise<Reply> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(key + GUID));
  const fields: Fields = [["Upgrade", "websocket"], [
    "Sec-WebSocket-Accept",
    btoa(String.fromCharCode(...new Uint8Array(digest))),
  ]];
  if (protocol) fields.push(["Sec-WebSocket-Protocol", protocol]);
  // An application may have added fields of its own, cookies for example.
  for (const [name, value] of headers) {
    if (!/^(?:connection|upgrade|sec-websocket-.*|content-(?:type|length))$/.test(name)) {
      fields.push([name, value]);
    }
  }
  return { status: 101, fields, body: NO_BODY, takeOver: (connection) => socket.attach(connection) };
}
