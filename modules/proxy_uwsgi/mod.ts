// How is a program behind uWSGI asked? mod_proxy_uwsgi: variables in one packet, the body behind it, and an answer of HTTP that ends with
// the connection.

import type { OutputBuffer } from "../../server/http/engine/output.ts";
import type { ServerModule, ThreadContext } from "../../server/request/module.ts";
import { cgiVariables } from "../cgi/variables.ts";
import type { Scheme } from "../proxy/scheme.ts";
import { HttpProtocol } from "../proxy_http/protocol.ts";

const LONGEST_PACKET = 65_535;
const encoder = new TextEncoder();

/** One request; answers are those of HTTP/1.x. */
class UwsgiProtocol extends HttpProtocol {
  constructor(method: string, readonly variables: ReadonlyMap<string, string>) {
    super({ method, head: "", length: 0, upgrade: undefined, keepAlive: false, expects: false }, {
      limitRequestFields: 1000,
    });
  }

  override begin(out: OutputBuffer): void {
    const words = [...this.variables].flatMap((
      [name, value],
    ) => [encoder.encode(name), encoder.encode(value)]);
    const fitting = words.reduce((sum, { length }) => sum + 2 + length, 0);
    if (fitting > LONGEST_PACKET) throw new RangeError("the request is too long for uwsgi");
    out.append(Uint8Array.of(0, fitting & 0xff, fitting >> 8, 0));
    for (const word of words) {
      out.append(Uint8Array.of(word.length & 0xff, word.length >> 8));
      out.append(word);
    }
  }
}

/** The scheme for one thread. */
export function uwsgiScheme(thread: ThreadContext): Scheme {
  return {
    names: ["uwsgi"],
    title: "UWSGI",
    reuses: false,
    lengthless: "refused",
    protocol: (call) => new UwsgiProtocol(call.exchange.method, cgiVariables(call, thread)),
  };
}

export const proxyUwsgi: ServerModule = {
  name: "proxy_uwsgi_module",
  source: "mod_proxy_uwsgi.c",
  directives: [],
};
