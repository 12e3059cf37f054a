// How does a body of known content go out? At once, with the kernel and the transport holding what the client has not taken yet.

import type { Body, Reply } from "./reply.ts";
import type { Outlet } from "./staging.ts";

/** Bodies up to this size (bytes) are copied, to share a send with their head. */
export const TOGETHER = 65536;

/** Sends a body of known content. Returns its size in bytes. */
export function sendBody(body: Body, outlet: Outlet): number {
  const { transport } = outlet;
  if (body.kind === "bytes") {
    const { bytes } = body;
    if (bytes.length <= TOGETHER) outlet.output.append(bytes);
    else {
      outlet.flush(true);
      transport.write(bytes, bytes.length, true);
    }
    return bytes.length;
  }
  if (body.kind === "text") return outlet.output.appendEncoded();
  if (body.kind !== "parts") return 0;
  outlet.flush(true);
  for (const part of body.parts) {
    if (part instanceof Uint8Array) transport.write(part, part.length, true);
    else transport.writeFile(part.file, part.offset, part.length, part.inKernel === true);
  }
  return body.length;
}

/** Lets go of a body that will not be sent. */
export function discardReply({ body }: Reply): void {
  if (body.kind === "parts") {
    for (const part of body.parts) if (!(part instanceof Uint8Array)) part.file.release();
  } else if (body.kind === "pushed") body.source.cancel();
  else if (body.kind === "stream" && !body.stream.locked) {
    // The source is told; what it makes of that is its own affair.
    body.stream.cancel().catch(() => {});
  }
}
