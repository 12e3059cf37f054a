// What happens to a connection whose backend has changed the protocol, as a WebSocket does? Bytes go through in both directions, each side
// at the pace of the other.

import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { OutgoingConnection, OutgoingUser } from "../../mpm/mod.ts";
import { NO_BODY, type Reply } from "../../server/http/engine/reply.ts";
import type { BackendHead } from "./protocol.ts";

/** A side waits while the other has more than this (bytes) to take. */
const HIGH_WATER = 65_536;

/** The reply that changes the client's protocol too, and joins the two connections. `rest`: what the backend has said already. */
export function tunnelReply(
  { status, reason, fields }: BackendHead,
  connection: OutgoingConnection,
  rest: Uint8Array<ArrayBuffer>,
): Reply {
  return { status, reason, fields, body: NO_BODY, takeOver: (client) => join(client, connection, rest) };
}

function join(client: Duplex, connection: OutgoingConnection, rest: Uint8Array<ArrayBuffer>): void {
  connection.user = new BackendSide(client, connection);
  client.on("data", (chunk: Uint8Array) => {
    const bytes = new Uint8Array(chunk);
    connection.write(bytes, bytes.length);
    if (connection.backlog > HIGH_WATER) client.pause();
  });
  client.on("end", () => connection.endWriting());
  client.on("drain", () => connection.setReading(true));
  client.on("close", () => connection.close());
  // What its client does is no error of this server's: it is closed then.
  client.on("error", () => connection.close());
  if (connection.closed) return void client.destroy();
  if (rest.length > 0) client.write(Buffer.from(rest));
  connection.setReading(true);
}

class BackendSide implements OutgoingUser {
  constructor(readonly client: Duplex, readonly connection: OutgoingConnection) {}

  onConnected(): void {}

  onData(bytes: Uint8Array<ArrayBuffer>, length: number): void {
    if (!this.client.write(Buffer.from(bytes.slice(0, length)))) this.connection.setReading(false);
  }

  onEnd(): void {
    this.client.end();
  }

  onDrained(): void {
    this.client.resume();
  }

  onTimeout(): void {}

  onFailed(): void {
    this.client.destroy();
  }
}
