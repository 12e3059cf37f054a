// What does the scoreboard tell of a request? Client, protocol, host and request line of the latest one of a slot.

import { type Scoreboard, SlotText } from "../../mpm/mod.ts";
import type { Exchange } from "./exchange.ts";

/** What the worker table shows of the latest request of a slot. */
export function showRequest(scoreboard: Scoreboard, { head, vhost, transport }: Exchange): void {
  const { row } = transport;
  scoreboard.setText(row, SlotText.Client, transport.peer.address);
  scoreboard.setText(row, SlotText.Protocol, head.isHttp11 ? "http/1.1" : "http/1.0");
  scoreboard.setText(row, SlotText.VirtualHost, vhost.names.name ?? "");
  scoreboard.setText(row, SlotText.Request, head.requestLine());
}
