// How is an SCGI program asked? mod_proxy_scgi: variables as a netstring, the body behind it, and an answer in the manner of CGI.

import type { OutputBuffer } from "../../server/http/engine/output.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { CgiResponse } from "../cgi/response.ts";
import { cgiVariables } from "../cgi/variables.ts";
import type { Protocol, ResponseTaker } from "../proxy/protocol.ts";
import type { Scheme } from "../proxy/scheme.ts";

const encoder = new TextEncoder();

/** One request: its answer ends with the connection. */
class ScgiProtocol implements Protocol {
  readonly waitsForContinue = false;
  untouched = true;
  readonly #response: CgiResponse;

  constructor(method: string, readonly variables: ReadonlyMap<string, string>) {
    this.#response = new CgiResponse(method, "SCGI");
  }

  begin(out: OutputBuffer): void {
    // CONTENT_LENGTH comes first, whether there is content or not.
    const length = this.variables.get("CONTENT_LENGTH") ?? "0";
    let text = `CONTENT_LENGTH\0${length}\0SCGI\x001\0`;
    for (const [name, value] of this.variables) if (name !== "CONTENT_LENGTH") text += `${name}\0${value}\0`;
    const bytes = encoder.encode(text);
    out.latin1(`${bytes.length}:`);
    out.append(bytes);
    out.latin1(",");
  }

  piece(out: OutputBuffer, bytes: Uint8Array<ArrayBuffer>): void {
    out.append(bytes);
  }

  finish(): void {}

  receive(bytes: Uint8Array<ArrayBuffer>, length: number, to: ResponseTaker): void {
    this.untouched = false;
    this.#response.take(bytes, 0, length, to);
  }

  ended(to: ResponseTaker): void {
    if (this.#response.known) to.onDone(false);
    else to.onLost("the program has closed the connection");
  }
}

/** The scheme for one thread. */
export function scgiScheme(thread: ThreadContext): Scheme {
  return {
    names: ["scgi"],
    title: "SCGI",
    reuses: false,
    lengthless: "refused",
    protocol: (call) => new ScgiProtocol(call.exchange.method, cgiVariables(call, thread)),
  };
}

export const proxyScgi: ServerModule = {
  name: "proxy_scgi_module",
  source: "mod_proxy_scgi.c",
  directives: [],
};
