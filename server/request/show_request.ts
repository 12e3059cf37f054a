// What does the scoreboard tell of a request? Client, protocol, host and request line of the latest one of a slot. Everything but the
// request line mostly stays as it is from one request of a slot to the next, and is then not written again.

import { type Scoreboard, SlotText } from "../../mpm/thread_side.ts";
import type { VirtualServer } from "../config/mod.ts";
import type { Exchange } from "./exchange.ts";

/** What a slot shows. */
interface Shown {
  client: string | undefined;
  isHttp11: boolean | undefined;
  vhost: VirtualServer | undefined;
  port: number;
}

/** Writes down the requests of one thread. */
export class RequestDisplay {
  readonly #shown: Shown[] = [];

  /** `tail`: of a long request line its end is shown, not its beginning (SeeRequestTail). */
  constructor(readonly scoreboard: Scoreboard, readonly tail: boolean) {}

  /** The request is the latest of its slot. */
  show({ client, head, vhost, transport }: Exchange): void {
    const { scoreboard } = this;
    const { row, local } = transport;
    const shown = this.#shown[row] ??= { client: undefined, isHttp11: undefined, vhost: undefined, port: 0 };
    if (shown.client !== client.address) {
      shown.client = client.address;
      scoreboard.setText(row, SlotText.Client, client.address);
    }
    const { isHttp11 } = head;
    if (shown.isHttp11 !== isHttp11) {
      shown.isHttp11 = isHttp11;
      scoreboard.setText(row, SlotText.Protocol, isHttp11 ? "http/1.1" : "http/1.0");
    }
    if (shown.vhost !== vhost || shown.port !== local.port) {
      shown.vhost = vhost;
      shown.port = local.port;
      scoreboard.setText(row, SlotText.VirtualHost, `${vhost.names.name ?? local.address}:${local.port}`);
    }
    const { bytes, lineStart, lineEnd } = head;
    const room = SlotText.Request.size - 1;
    const start = this.tail ? Math.max(lineStart, lineEnd - room) : lineStart;
    scoreboard.setBytes(row, SlotText.Request, bytes, start, lineEnd);
  }
}
