// What does the error log see of a request? Client, connection and fields, and the numbers by which the lines about one request
// are found in both logs.

import type { Endpoint } from "../../mpm/mod.ts";
import type { LogSubject } from "../log/error_format.ts";
import type { Exchange } from "./exchange.ts";
import { selfName } from "./self_name.ts";
import { requestVariable } from "./request_variables.ts";

const text = ({ address, port }: Endpoint): string => address === "unix" ? address : `${address}:${port}`;

let requests = 0;

/** Eleven characters that nobody else on this machine has given lately. */
function newId(): string {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Date.now() % 0x1_0000_0000);
  view.setUint16(4, Math.random() * 0x1_0000);
  view.setUint16(6, ++requests & 0xffff);
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The number of a request in the logs, made when it is first asked for. */
function requestId(exchange: Exchange): string {
  return exchange.logId ??= newId();
}

/** A number for a connection: the same in every thread that sees it. FNV-1a over both ends. */
export function connectionId({ transport: { peer, local } }: Exchange): string {
  let hash = 0xcbf29ce484222325n;
  for (const char of `${text(peer)} ${text(local)} ${Deno.pid}`) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(char.charCodeAt(0))) * 0x100000001b3n);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, hash);
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** An exchange, for a line of the error log. */
export class ExchangeLogSubject implements LogSubject {
  readonly requestId: string;

  constructor(readonly exchange: Exchange) {
    // Also where no line shows it: the access log is to show that there was something.
    this.requestId = requestId(exchange);
  }

  get client(): string {
    return text(this.exchange.client);
  }
  get peer(): string {
    return text(this.exchange.transport.peer);
  }
  get local(): string {
    return text(this.exchange.transport.local);
  }
  get keepAlives(): number {
    return this.exchange.keepAlives;
  }
  get connectionId(): string {
    return connectionId(this.exchange);
  }
  get serverName(): string {
    return this.exchange.vhost.names.name ?? this.exchange.transport.local.address;
  }
  get requestedName(): string {
    // Before the place is known nobody has said how the server calls itself.
    return this.exchange.dir === undefined ? this.serverName : selfName(this.exchange);
  }

  env(name: string): string | undefined {
    return requestVariable(this.exchange, name);
  }

  note(name: string): string | undefined {
    return this.exchange.note(name);
  }

  requestHeader(name: string): string | undefined {
    return this.exchange.head.get(name);
  }
}
