// How long is a body that does not say so? It is received before a backend is asked that has to be told first.

import type { RequestBody } from "../../server/request/exchange.ts";
import { joined } from "./conversation.ts";

/** Of such a body is kept (bytes); a longer one is refused. It is in memory, where httpd has a file. */
const MOST_SPOOLED = 1 << 20;

/** All of `body`; undefined: it is too long, and what is left of it is nobody's. Rejected when it does not arrive. */
export async function spooledBody(body: RequestBody): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of body.stream()) {
    size += piece.length;
    if (size > MOST_SPOOLED) return undefined;
    pieces.push(piece);
  }
  return joined(pieces, size);
}
